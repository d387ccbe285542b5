"""What one task decides by itself: the end of an attempt and what follows, needs, backoff, retry."""

from typing import Final, Literal, assert_never

from domain.kernel.decider import Aggregate
from domain.kernel.ids import SECOND, Instant, fraction_of
from domain.kernel.message import Event
from domain.task.commands import FailureKind, Outcome
from domain.task.errors import TaskNotRetryable
from domain.task.events import (
    ReadyReason,
    TaskAttemptEnded,
    TaskBackedOff,
    TaskCancelled,
    TaskFailed,
    TaskNeedSettled,
    TaskParked,
    TaskReadied,
    TaskRetried,
)
from domain.task.evolve import evolve
from domain.task.state import (
    Absent,
    Assigned,
    Attempt,
    Backoff,
    Ended,
    Parked,
    Pending,
    Ready,
    Running,
    Settled,
    Task,
    TaskState,
)

TASK: Final[Aggregate[TaskState]] = Aggregate(prefix="task", initial=Absent(), evolve=evolve, state_type=TaskState)

EndKind = Literal[FailureKind, "released", "lost_delivery"]

LOST_MAX: Final = 3
"""Losses of a session in one generation; with the last of them the task is parked."""
DELIVERY_SECONDS_MAX: Final = 30
"""How long an assignment may stay unacknowledged."""
_BACKOFF_STEPS_MAX: Final = 64
"""Exponent at most, so that the power stays a finite float."""
_CONSUMING: Final[frozenset[EndKind]] = frozenset({"agent", "invalid_result", "timeout", "budget"})

PhaseName = Literal["pending", "ready", "assigned", "running", "backoff", "parked", "completed", "failed", "cancelled"]


def after_attempt(
    task: Task,
    *,
    kind: EndKind,
    reason: str,
    checkpoint: str | None,
    at: Instant,
    locks_free_at: Instant | None,
    seed: str,
) -> tuple[Event, ...]:
    """The live attempt's end and what follows from the retry rule; nothing where no attempt lives.

    ``locks_free_at`` is when the locks of the attempt stop lingering, None if they are free at once. ``seed`` makes
    the jitter, which is kept as an instant in the event.
    """
    attempt = live_attempt(task)
    if attempt is None:
        return ()
    consumed = kind in _CONSUMING
    ended = TaskAttemptEnded(
        token=attempt.token, kind=kind, reason=reason, consumed=consumed, checkpoint=checkpoint, at=at
    )
    return (ended, _what_follows(task, kind, reason, at, locks_free_at, seed))


def _what_follows(
    task: Task, kind: EndKind, reason: str, at: Instant, locks_free_at: Instant | None, seed: str
) -> Event:
    match kind:
        case "released":
            return _again(at, at, "released", locks_free_at)
        case "lost_delivery":
            return _again(at, at, "lost_delivery", locks_free_at)
        case "session_lost":
            if task.lost + 1 >= LOST_MAX:
                return TaskParked(reason=f"{LOST_MAX} sessions were lost while they worked on it", at=at)
            return _again(at, at, "lock_delay_over", locks_free_at)
        case "rate_limited":
            return _again(at, _retry_at(task, task.attempts, at, seed), "retry_due", locks_free_at)
        case "agent" | "invalid_result" | "timeout":
            if task.consumed + 1 >= task.plan.retry.max_attempts:
                return _exhausted(task, reason or kind, at)
            return _again(at, _retry_at(task, task.consumed + 1, at, seed), "retry_due", locks_free_at)
        case "budget":
            return TaskParked(reason=reason or "its budget is spent", at=at)
        case "cancelled":
            return TaskCancelled(reason=reason, at=at)
        case _:
            assert_never(kind)


def _again(at: Instant, due: Instant, then: ReadyReason, locks_free_at: Instant | None) -> Event:
    if locks_free_at is not None and locks_free_at > max(at, due):
        return TaskBackedOff(until=locks_free_at, reason="lock_delay", then=then, at=at)
    if then == "retry_due":
        return TaskBackedOff(until=due, reason="retry", then=then, at=at)
    return TaskReadied(reason=then, at=at)


def _retry_at(task: Task, tries: int, at: Instant, seed: str) -> Instant:
    """Full jitter: anywhere between now and first x factor^(tries - 1), capped."""
    rule = task.plan.retry
    growth = rule.backoff_factor ** min(tries - 1, _BACKOFF_STEPS_MAX)
    seconds = min(rule.backoff_seconds_first * growth, rule.backoff_seconds_max)
    return Instant(at + int(seconds * fraction_of(seed) * SECOND))


def _exhausted(task: Task, reason: str, at: Instant) -> Event:
    match task.plan.retry.on_exhausted:
        case "fail":
            return TaskFailed(reason=reason, at=at)
        case "park":
            return TaskParked(reason=reason, at=at)
        case _:
            assert_never(task.plan.retry.on_exhausted)


def after_need(task: Task, need: str, outcome: Outcome, at: Instant) -> tuple[Event, ...]:
    """What a settled need changes: nothing twice, and readiness once the last one is satisfied."""
    refused_before = task.unmet.get(need)
    if refused_before is None or isinstance(task.phase, Settled):
        return ()
    satisfied = any(outcome in edge.accept for edge in task.plan.needs if edge.task == need)
    if refused_before and not satisfied:
        return ()
    settled = TaskNeedSettled(need=need, outcome=outcome, satisfied=satisfied)
    if satisfied and len(task.unmet) == 1 and isinstance(task.phase, Pending):
        return (settled, TaskReadied(reason="needs_met", at=at))
    return (settled,)


def after_backoff(task: Task, until: Instant, now: Instant) -> tuple[Event, ...]:
    """Readiness, if the task still waits for just that instant and it has come."""
    if not isinstance(task.phase, Backoff) or task.phase.until != until or now < until:
        return ()
    return (TaskReadied(reason=task.phase.then, at=now),)


def retried(task: Task, name: str, at: Instant) -> tuple[Event, ...] | TaskNotRetryable:
    """A new generation of a failed or parked task. Its needs were met before, so it is ready at once."""
    status = phase_name(task)
    if status not in ("failed", "parked"):
        return TaskNotRetryable(task=name, status=status)
    return (TaskRetried(generation=task.generation + 1, at=at), TaskReadied(reason="retried", at=at))


def live_attempt(task: Task) -> Attempt | None:
    """The attempt that owns the task now."""
    return task.phase.attempt if isinstance(task.phase, Assigned | Running) else None


def holds(task: Task, token: int) -> bool:
    """Whether the token is that of the live attempt."""
    attempt = live_attempt(task)
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


def delivery_due(attempt: Attempt) -> Instant:
    """Until when the assignment has to be acknowledged."""
    return Instant(attempt.at + DELIVERY_SECONDS_MAX * SECOND)


def timeout_due(task: Task) -> Instant | None:
    """When the running attempt runs out of time; None where none runs or no timeout was planned."""
    if not isinstance(task.phase, Running) or task.plan.timeout_seconds is None:
        return None
    started = task.phase.attempt.started_at or task.phase.attempt.at
    return Instant(started + int(task.plan.timeout_seconds * SECOND))
