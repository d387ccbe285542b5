"""Who may take a task that is ready, beyond what its plan requires of everybody: pure answers for dispatch."""

from typing import Final, NamedTuple, assert_never

from domain.kernel.ids import SECOND, Instant
from domain.kernel.values import Requirement
from domain.kernel.work import Avoided
from domain.task.state import Ready, Task, Tried

RESERVED_SECONDS: Final = 60
"""How long a task that was reassigned waits for the session that it was given to, once it is ready."""
AVOIDED_SECONDS: Final = 60
"""How long a task that is ready waits for somebody else than those who failed it; then anybody may take it."""


class Taker(NamedTuple):
    """A session as routing sees it."""

    session: str
    host: str
    model: str


class Withheld(NamedTuple):
    """Why a task that is ready is kept from a session, and until when."""

    reason: str
    until: Instant


def required(task: Task) -> tuple[Requirement, ...]:
    """What a session must have for the next attempt: the plan's, and more once attempts were used up."""
    if not task.plan.escalate:
        return task.plan.requires
    further = (one for step in task.plan.escalate if task.consumed >= step.after for one in step.requires)
    return (*task.plan.requires, *further)


def withheld(task: Task, taker: Taker, at: Instant) -> Withheld | None:
    """Why the ready task waits for somebody else for now; None where the taker may have it."""
    if not isinstance(task.phase, Ready):
        return None
    if task.reserved_for is not None and task.reserved_for != taker.session:
        until = Instant(task.phase.since + RESERVED_SECONDS * SECOND)
        if at < until:
            return Withheld(f"it was given to {task.reserved_for}", until)
    failed = avoids(task, taker)
    until = Instant(task.phase.since + AVOIDED_SECONDS * SECOND)
    return None if failed is None or at >= until else Withheld(failed, until)


def avoids(task: Task, taker: Taker) -> str | None:
    """Why the task should rather go to somebody else after what failed; None where nothing speaks against it."""
    for kind in task.plan.avoid:
        if any(_same(kind, tried, taker) for tried in task.failed):
            return f"an attempt by the same {kind} failed"
    return None


def _same(kind: Avoided, tried: Tried, taker: Taker) -> bool:
    match kind:
        case "session":
            return tried.session == taker.session
        case "host":
            return bool(tried.host) and tried.host == taker.host
        case "model":
            return bool(tried.model) and tried.model == taker.model
        case _:
            assert_never(kind)
