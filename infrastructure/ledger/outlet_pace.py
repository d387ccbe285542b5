"""When the next attempt to hand a checkpoint on may be made."""

from dataclasses import dataclass
from typing import Final

RETRY_SECONDS_FIRST: Final = 5.0
RETRY_SECONDS_MAX: Final = 300.0
_DOUBLINGS_MAX: Final = 16


@dataclass(frozen=True, slots=True)
class Attempts:
    """What came of the attempts until now; instants are seconds of one clock that never goes back."""

    between_seconds: float
    """Between the beginnings of two attempts at least, whatever came of the first one."""
    began_at: float | None = None
    failed_in_row: int = 0

    def wait_seconds(self, now: float) -> float:
        """Until the next attempt may begin: 0, or up to the larger of ``between_seconds`` and 300."""
        if self.began_at is None:
            return 0.0
        doubled = RETRY_SECONDS_FIRST * 2 ** min(self.failed_in_row - 1, _DOUBLINGS_MAX) if self.failed_in_row else 0.0
        return max(0.0, self.began_at + max(self.between_seconds, min(doubled, RETRY_SECONDS_MAX)) - now)

    def after(self, began_at: float, *, failed: bool) -> "Attempts":
        """With one attempt more."""
        return Attempts(self.between_seconds, began_at, self.failed_in_row + 1 if failed else 0)
