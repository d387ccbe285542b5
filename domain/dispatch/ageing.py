"""Ageing: a task rises while it waits, up to a bound, so that a steady flow of others cannot keep it down for ever."""

from typing import Final

from domain.kernel.ids import SECOND, Instant

STEP_SECONDS: Final = 30
"""Waiting so long is worth one point of priority."""
BONUS_MAX: Final = 20
"""Points at most: what is planned more urgent by more than this always comes first."""
_STEP: Final = STEP_SECONDS * SECOND


def effective_priority(priority: int, since: Instant, now: Instant) -> int:
    """The priority that counts at ``now`` for a task that is ready since ``since``."""
    return priority + min(BONUS_MAX, step_of(now) - step_of(since))


def is_mature(since: Instant, now: Instant) -> bool:
    """Whether waiting longer makes no difference any more."""
    return step_of(now) - step_of(since) >= BONUS_MAX


def step_of(at: Instant) -> int:
    """Steps since 1970: tasks that became ready in the same one are of one age."""
    return at // _STEP
