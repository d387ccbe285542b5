"""The clock of the PostgreSQL server as this process knows it between two measurements."""

import threading
import time
from collections.abc import Callable
from typing import Final

JUMP_MICROSECONDS: Final = 2_000_000
SAMPLES: Final = 3


class ServerClock:
    """The server's clock between measurements: the process's monotonic clock plus a measured offset."""

    def __init__(self, monotonic: Callable[[], int] = lambda: time.monotonic_ns() // 1000) -> None:
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._offset: int | None = None
        self._last = 0
        self.jumped = 0
        """How often the offset changed by more than 2 s between two measurements: each is an outage of ours."""

    def measure(self, ask: Callable[[], int]) -> None:
        """Measure the offset by asking the server three times; the quickest answer counts."""
        samples = [self._sample(ask) for _ in range(SAMPLES)]
        _, offset = min(samples)
        with self._lock:
            if self._offset is not None and abs(offset - self._offset) > JUMP_MICROSECONDS:
                self.jumped += 1
                self._last = 0
            self._offset = offset

    def now(self) -> int:
        """Microseconds since 1970; goes back only when the server's clock has jumped."""
        with self._lock:
            self._last = max(self._last, self._monotonic() + (self._offset or 0))
            return self._last

    def _sample(self, ask: Callable[[], int]) -> tuple[int, int]:
        before = self._monotonic()
        answer = ask()
        after = self._monotonic()
        return after - before, answer - (before + after) // 2
