"""Stretches of the log that need no second look: their policies were all decided in the append that wrote them."""

import threading
from collections import deque
from typing import Final

STRETCHES_MAX: Final = 1_000
"""Beyond that the oldest are forgotten: whoever asks for them looks once more, and finds that nothing is missing."""


class AnsweredStretches:
    """Noted by the committer on its loop, skipped by the reactor on a thread. Neither is ever wrong without it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._stretches: deque[tuple[int, int]] = deque(maxlen=STRETCHES_MAX)
        """(position before the first event, position of the last one), in order and apart from each other."""

    def note(self, after: int, end: int) -> None:
        """The events behind ``after`` up to ``end`` are in the log together with everything that answers them."""
        with self._lock:
            if self._stretches and self._stretches[-1][1] == after:
                after = self._stretches.pop()[0]
            self._stretches.append((after, end))

    def beyond(self, position: int) -> int:
        """Where to look next: the end of the stretch that goes on at ``position``, or that position itself.

        What lies before it is forgotten: whoever looks never goes back.
        """
        with self._lock:
            while self._stretches and self._stretches[0][1] <= position:
                self._stretches.popleft()
            if self._stretches and self._stretches[0][0] <= position:
                return self._stretches[0][1]
            return position
