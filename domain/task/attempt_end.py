"""The end of an attempt, and what follows from the retry rule."""

from dataclasses import dataclass
from typing import Final, Literal, assert_never

from domain.kernel.ids import SECOND, Instant, fraction_of
from domain.kernel.message import Event
from domain.kernel.work import Jitter, KindPace
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
            due = _retry_at(task, task.attempts, end.kind, at, seed)
            return _again(task, at, due, "retry_due", end.locks_free_at)
        case "agent" | "invalid_result" | "timeout":
            if task.consumed + 1 >= task.plan.retry.max_attempts or _used_up(task, end.kind):
                return _exhausted(task, end.reason or end.kind, at)
            due = _retry_at(task, task.consumed + 1, end.kind, at, seed)
            return _again(task, at, due, "retry_due", end.locks_free_at)
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


def _pace_of(task: Task, kind: EndKind) -> KindPace | None:
    return next((one for one in task.plan.retry.kinds if one.kind == kind), None)


def _used_up(task: Task, kind: EndKind) -> bool:
    """Whether no further attempt may fail in this way; the one that ends now is not counted yet."""
    pace = _pace_of(task, kind)
    if pace is None or pace.max_attempts is None:
        return False
    return task.used_up.get(kind, 0) + 1 >= pace.max_attempts


def _retry_at(task: Task, tries: int, kind: EndKind, at: Instant, seed: str) -> Instant:
    """Somewhere up to first x factor^(tries - 1), capped, as the jitter says."""
    rule, pace = task.plan.retry, _pace_of(task, kind)
    first, most = rule.backoff_seconds_first, rule.backoff_seconds_max
    if pace is not None:
        first = first if pace.backoff_seconds_first is None else pace.backoff_seconds_first
        most = most if pace.backoff_seconds_max is None else pace.backoff_seconds_max
    growth = rule.backoff_factor ** min(tries - 1, _BACKOFF_STEPS_MAX)
    return Instant(at + int(min(first * growth, most) * _share(rule.jitter, seed) * SECOND))


def _share(jitter: Jitter, seed: str) -> float:
    """Of the longest pause; 0 to 1."""
    match jitter:
        case "full":
            return fraction_of(seed)
        case "equal":
            return 0.5 + fraction_of(seed) / 2
        case "none":
            return 1.0
        case _:
            assert_never(jitter)


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
