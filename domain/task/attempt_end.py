"""The end of an attempt, and what follows from the retry rule."""

from dataclasses import dataclass
from typing import Final, Literal, assert_never

from domain.kernel.ids import SECOND, Instant, fraction_of
from domain.kernel.message import Event
from domain.task.attention import attended
from domain.task.commands import Artifact, FailureKind, Usage
from domain.task.events import (
    TaskAttemptEnded,
    TaskBackedOff,
    TaskCancelled,
    TaskFailed,
    TaskHeldBack,
    TaskParked,
    TaskReadied,
)
from domain.task.state import Assigned, Attempt, Running, Settled, Task
from domain.task.terms import ReadyReason

EndKind = Literal[FailureKind, "released", "lost_delivery", "reassigned"]

_BACKOFF_STEPS_MAX: Final = 64
"""Exponent at most, so that the power stays a finite float."""
_CONSUMING: Final[frozenset[EndKind]] = frozenset({"agent", "invalid_result", "timeout", "budget"})


@dataclass(frozen=True, slots=True)
class _End:
    """What the retry rule looks at."""

    kind: EndKind
    reason: str
    locks_free_at: Instant | None


def after_attempt(
    task: Task,
    *,
    kind: EndKind,
    reason: str,
    checkpoint: str | None,
    at: Instant,
    locks_free_at: Instant | None,
    seed: str,
    artifacts: tuple[Artifact, ...] = (),
    usage: Usage | None = None,
) -> tuple[Event, ...]:
    """The attempt's end and what follows from the retry rule; nothing where no attempt holds the task.

    ``locks_free_at`` is when the locks of the attempt stop lingering, None if they are free at once. ``seed`` makes
    the jitter, which is kept as an instant in the event.
    """
    attempt = holding_attempt(task)
    if attempt is None:
        return ()
    ended = TaskAttemptEnded(
        token=attempt.token,
        kind=kind,
        reason=reason,
        consumed=kind in _CONSUMING and not isinstance(task.phase, Settled),
        checkpoint=checkpoint,
        at=at,
        artifacts=artifacts,
        usage=usage,
    )
    if isinstance(task.phase, Settled):
        return (ended,)
    return attended(task, (ended, _what_follows(task, _End(kind, reason, locks_free_at), at, seed)), at)


def _what_follows(task: Task, end: _End, at: Instant, seed: str) -> Event:
    match end.kind:
        case "released" | "lost_delivery" | "reassigned":
            return _again(task, at, at, end.kind, end.locks_free_at)
        case "session_lost":
            most = task.plan.retry.max_lost
            if task.lost + 1 >= most:
                return TaskParked(reason=f"{most} sessions were lost while they worked on it", at=at)
            return _again(task, at, at, "lock_delay_over", end.locks_free_at)
        case "rate_limited":
            return _again(task, at, _retry_at(task, task.attempts, at, seed), "retry_due", end.locks_free_at)
        case "agent" | "invalid_result" | "timeout":
            if task.consumed + 1 >= task.plan.retry.max_attempts:
                return _exhausted(task, end.reason or end.kind, at)
            return _again(task, at, _retry_at(task, task.consumed + 1, at, seed), "retry_due", end.locks_free_at)
        case "budget":
            return TaskParked(reason=end.reason or "its budget is spent", at=at)
        case "cancelled":
            return TaskCancelled(reason=end.reason, at=at)
        case _:
            assert_never(end.kind)


def _again(task: Task, at: Instant, due: Instant, then: ReadyReason, locks_free_at: Instant | None) -> Event:
    if locks_free_at is not None and locks_free_at > max(at, due):
        return TaskBackedOff(until=locks_free_at, reason="lock_delay", then=then, at=at)
    if then == "retry_due":
        return TaskBackedOff(until=due, reason="retry", then=then, at=at)
    return TaskHeldBack(at=at) if task.unmet else TaskReadied(reason=then, at=at)


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
        case "cancel":
            return TaskCancelled(reason=reason, at=at)
        case _:
            assert_never(task.plan.retry.on_exhausted)


def holding_attempt(task: Task) -> Attempt | None:
    """The attempt that may report: the live one, or that of a cancelled task whose grace still runs."""
    match task.phase:
        case Assigned(attempt) | Running(attempt):
            return attempt
        case Settled(leaving=leaving):
            return leaving
        case _:
            return None
