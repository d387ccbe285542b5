"""The clock of a log without a server: it starts at the wall clock and then goes on by the monotonic one."""

import time


class AnchoredClock:
    """Microseconds since 1970 that never go back, not even below what the log was told before this process began.

    A wall clock that is set back or forth while the process runs changes nothing.
    """

    def __init__(self, recorded_at: int) -> None:
        self._anchor = max(time.time_ns() // 1000, recorded_at)
        self._started = time.monotonic_ns()

    def now(self) -> int:
        return self._anchor + (time.monotonic_ns() - self._started) // 1000
