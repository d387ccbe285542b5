"""When the projector goes on: at once while nobody writes or somebody waits, else in larger, rarer pages."""

import time
from collections.abc import Callable
from threading import Event
from typing import Final

HOLD_SECONDS_MIN: Final = 1.0
"""Rows that nobody waits for come no oftener beside a committer at work."""
HOLD_EVENTS_MAX: Final = 50_000
"""Whoever is further behind takes his full share of the interpreter until he is not."""
SHARE_MAX: Final = 0.1
"""Of the time that pages nobody waits for may take beside a committer at work."""
GATHER_SECONDS: Final = 0.05
"""A page that nobody waits for begins so long after it was asked for: whoever is just being answered comes first, and
many small commits make one page."""
SLICE_SECONDS: Final = 0.002
"""What the committer gets at least after each slice of a page that nobody waits for."""
YIELD_SECONDS_MAX: Final = 0.01
"""What it gets at most, where it does not come to rest: the interpreter is one, and a command needs it many times."""
_LOOK_SECONDS: Final = 0.02


class Pace:
    """Used by the projector's thread; ``hurry`` from any other."""

    def __init__(self, busy: Callable[[], bool], wanted: Callable[[], bool]) -> None:
        self._busy = busy
        self._wanted = wanted
        self._hurried = Event()
        self._lags = self._yields = False
        self._page_began = self._hold_seconds = 0.0
        self.yielded_seconds = 0.0
        """Given away inside the page in hand."""

    def hurry(self) -> None:
        """Somebody waits for rows, or for the end."""
        self._hurried.set()

    def begin_page(self, lag_events: int) -> None:
        """Wait until the page is worth its while."""
        self._lags, self._yields = lag_events > 0, lag_events <= HOLD_EVENTS_MAX
        asked_at = time.monotonic()
        while not self._is_time(asked_at):
            self._hurried.wait(_LOOK_SECONDS)
        self._hurried.clear()
        self._page_began = time.monotonic()
        self.yielded_seconds = 0.0

    def breathe(self) -> None:
        """Called every few events: whoever waits for a command comes before who looks."""
        time.sleep(0)
        given = 0.0
        while given < YIELD_SECONDS_MAX and self._yields and self._busy() and not self._wanted():
            time.sleep(SLICE_SECONDS)
            given += SLICE_SECONDS
        self.yielded_seconds += given

    def end_page(self, seconds: float) -> None:
        """The page took so long, without what was yielded."""
        self._hold_seconds = max(HOLD_SECONDS_MIN, seconds / SHARE_MAX)

    def _is_time(self, asked_at: float) -> bool:
        if not self._yields or self._hurried.is_set() or self._wanted():
            return True
        now = time.monotonic()
        if self._busy():
            return now - self._page_began >= self._hold_seconds
        return self._lags or now - asked_at >= GATHER_SECONDS
