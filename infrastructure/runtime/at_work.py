"""Whether commands are under way, as background work has to know it: between two of a lone caller they are, too."""

import time
from collections.abc import Callable
from typing import Final

REST_SECONDS: Final = 0.02
"""How long nothing must have been written until nobody is at work: a caller asks again within some milliseconds."""


class AtWork:
    """``written`` on the event loop; asked from any thread."""

    def __init__(self, busy: Callable[[], bool], clock: Callable[[], float] = time.monotonic) -> None:
        self._busy = busy
        self._clock = clock
        self._written_at = float("-inf")

    def written(self) -> None:
        """A group was appended just now."""
        self._written_at = self._clock()

    def __call__(self) -> bool:
        """Whether commands are being written, or were a moment ago."""
        return self._busy() or self._clock() - self._written_at < REST_SECONDS
