"""What can be read off a task: its word for people, its live attempt, and when its time is up."""

from typing import Final, Literal, assert_never

from domain.kernel.ids import SECOND, Instant
from domain.task.aggregate import TASK
from domain.task.attempt_end import after_attempt, holding_attempt
from domain.task.state import Assigned, Attempt, Backoff, Ended, Parked, Pending, Ready, Running, Settled, Task

__all__ = [
    "DELIVERY_SECONDS_MAX",
    "TASK",
    "PhaseName",
    "after_attempt",
    "delivery_due",
    "holding_attempt",
    "holds",
    "live_attempt",
    "phase_name",
    "timeout_due",
]

DELIVERY_SECONDS_MAX: Final = 30
"""How long an assignment may stay unacknowledged."""

PhaseName = Literal["pending", "ready", "assigned", "running", "backoff", "parked", "completed", "failed", "cancelled"]


def live_attempt(task: Task) -> Attempt | None:
    """The attempt that owns the task now."""
    return task.phase.attempt if isinstance(task.phase, Assigned | Running) else None


def holds(task: Task, token: int) -> bool:
    """Whether the token is that of an attempt that may still report."""
    attempt = holding_attempt(task)
    return attempt is not None and attempt.token == token


def phase_name(task: Task) -> PhaseName:
    """The state's word, as people and programs read it."""
    match task.phase:
        case Pending() | Ended():
            return "pending"
        case Ready():
            return "ready"
        case Assigned():
            return "assigned"
        case Running():
            return "running"
        case Backoff():
            return "backoff"
        case Parked():
            return "parked"
        case Settled(outcome):
            return outcome
        case _:
            assert_never(task.phase)


def delivery_due(attempt: Attempt, *, outage_ended_at: int = 0) -> Instant:
    """Until when the assignment has to be acknowledged; counted anew after an outage of ours."""
    return Instant(max(attempt.at, outage_ended_at) + DELIVERY_SECONDS_MAX * SECOND)


def timeout_due(task: Task) -> Instant | None:
    """When the running attempt runs out of time; None where none runs or no timeout was planned."""
    if not isinstance(task.phase, Running) or task.plan.timeout_seconds is None:
        return None
    attempt = task.phase.attempt
    started = attempt.started_at or attempt.at
    return Instant(started + int((task.plan.timeout_seconds + attempt.extended_seconds) * SECOND))


def stall_due(task: Task, attempt: Attempt, *, outage_ended_at: int = 0) -> Instant | None:
    """When it ends unless it says something new, counted anew after an outage of ours; None where it need not."""
    if not isinstance(task.phase, Running) or attempt.stalls_at is None or task.plan.stall_seconds is None:
        return None  # the holder of what was cancelled has its grace
    return Instant(max(attempt.stalls_at, outage_ended_at + int(task.plan.stall_seconds * SECOND)))
