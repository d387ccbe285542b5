"""When to ask again: pauses that double, with full jitter, and never longer than the patience that is left."""

import random
from dataclasses import dataclass, field
from typing import Final

PAUSE_SECONDS_FIRST: Final = 0.1
PAUSE_SECONDS_MAX: Final = 2.0


@dataclass(slots=True)
class Pauses:
    """The pauses between the sends of one request."""

    patience_seconds: float
    """From the first failure; after it the failure is the answer."""
    _spent: float = 0.0
    _largest: float = PAUSE_SECONDS_FIRST
    _random: random.Random = field(default_factory=random.SystemRandom)

    def following(self) -> float | None:
        """Seconds until the next send; None where patience is at its end."""
        left = self.patience_seconds - self._spent
        if left <= 0:
            return None
        # Jitter keeps a fleet from coming back all at once.
        pause = min(left, max(0.02, self._random.uniform(0, self._largest)))
        self._largest = min(PAUSE_SECONDS_MAX, self._largest * 2)
        self._spent += pause
        return pause
