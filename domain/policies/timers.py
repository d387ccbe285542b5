"""What happens by itself once a time has come: which event starts a wait, which ends it, and what is asked then."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Final

from domain.kernel.ids import SECOND, Instant
from domain.kernel.message import Command, Event
from domain.kernel.policy import Cause
from domain.policies import lock_timers, proposal_timers, quota_timers, run_timers
from domain.policies.waits import Subject, Wait
from domain.task.commands import ElapseBackoff, LapseDelivery, TimeOutAttempt
from domain.task.decider import DELIVERY_SECONDS_MAX
from domain.task.derived import ExhaustBudget, PassDeadline, ReachStart, RevokeAttempt, StallAttempt
from domain.task.events import (
    TaskAttemptEnded,
    TaskBackedOff,
    TaskCancelled,
    TaskClaimed,
    TaskCompleted,
    TaskFailed,
    TaskParked,
    TaskPlanned,
    TaskProgressed,
    TaskReadied,
    TaskRetried,
    TaskStarted,
)
from domain.task.holder_events import TaskExtended

RETRY_DUE: Final = "retry_due"
"""The backoff of a task is over."""
ATTEMPT_TIMEOUT: Final = "attempt_timeout"
"""An attempt ran longer than its plan allows, from start to close."""
ATTEMPT_STALL: Final = "attempt_stall"
"""An attempt has to say something new by then."""
LAPSED_DELIVERY: Final = "lapsed_delivery"
"""An assignment was not acknowledged in time."""
START_DUE: Final = "start_due"
"""The earliest start of a task."""
DEADLINE_DUE: Final = "deadline_due"
"""The deadline of a task."""
GRACE_OVER: Final = "grace_over"
"""The holder of a cancelled task was told to stop, and did not end it."""
BUDGET_DUE: Final = "budget_due"
"""The end of the time that a task may spend."""

STARTS: Final[tuple[type[Event], ...]] = (
    TaskPlanned,
    TaskBackedOff,
    TaskClaimed,
    TaskStarted,
    TaskProgressed,
    TaskExtended,
    TaskCancelled,
    *lock_timers.STARTS,
    *quota_timers.STARTS,
    *run_timers.STARTS,
    *proposal_timers.STARTS,
)
"""Events that may start waits, at most one of each policy."""

STOPS: Final[Mapping[type[Event], tuple[str, ...]]] = {
    TaskReadied: (RETRY_DUE, START_DUE),
    TaskFailed: (RETRY_DUE,),
    TaskParked: (RETRY_DUE,),
    TaskRetried: (RETRY_DUE,),
    TaskClaimed: (RETRY_DUE,),
    TaskStarted: (LAPSED_DELIVERY,),
    TaskAttemptEnded: (LAPSED_DELIVERY, ATTEMPT_TIMEOUT, ATTEMPT_STALL, BUDGET_DUE, GRACE_OVER),
    TaskCompleted: (LAPSED_DELIVERY, ATTEMPT_TIMEOUT, ATTEMPT_STALL, BUDGET_DUE, DEADLINE_DUE),
    TaskCancelled: (
        RETRY_DUE,
        LAPSED_DELIVERY,
        ATTEMPT_TIMEOUT,
        ATTEMPT_STALL,
        BUDGET_DUE,
        START_DUE,
        DEADLINE_DUE,
    ),
    **lock_timers.STOPS,
    **quota_timers.STOPS,
    **run_timers.STOPS,
    **dict.fromkeys(run_timers.PLACE_STOPS, (run_timers.RUN_TIMER, run_timers.UNDO_PICKUP)),
    **proposal_timers.STOPS,
}
"""Waits that an event makes moot."""

_WAITS: Final[Mapping[type[Event], Callable[[Cause], tuple[Wait, ...]]]] = {
    start: family.waits_of
    for family in (lock_timers, quota_timers, run_timers, proposal_timers)
    for start in family.STARTS
}
"""Whose event it is: none belongs to two families."""


def waits_of(cause: Cause, timeout_seconds: float | None) -> tuple[Wait, ...]:
    """The waits that the event starts. ``timeout_seconds`` is what the plan of its task allows per attempt."""
    stream, project, event = cause.stream, cause.project, cause.event
    match event:
        case TaskBackedOff():
            elapse = partial(ElapseBackoff, project=project, task=stream, until=event.until)
            return (_wait(RETRY_DUE, event.until, elapse, cause),)
        case TaskClaimed():
            lapse = partial(LapseDelivery, project=project, task=stream, token=str(event.token))
            return (_wait(LAPSED_DELIVERY, Instant(event.at + DELIVERY_SECONDS_MAX * SECOND), lapse, cause),)
        case TaskStarted():
            return tuple(_of_start(cause, event, timeout_seconds))
        case TaskProgressed() | TaskExtended():
            return tuple(_of_report(cause, event))
        case TaskCancelled(revoked_at=until) if until is not None:
            return (_wait(GRACE_OVER, until, partial(RevokeAttempt, project=project, task=stream), cause),)
        case TaskPlanned():
            return tuple(_of_plan(cause, event))
        case _:
            waits = _WAITS.get(type(event))
            return () if waits is None else waits(cause)


def _of_start(cause: Cause, event: TaskStarted, timeout_seconds: float | None) -> Iterator[Wait]:
    """An attempt may run out of its own time, and out of that of its task."""
    stream, project, token = cause.stream, cause.project, str(event.token)
    if timeout_seconds is not None:
        time_out = partial(TimeOutAttempt, project=project, task=stream, token=token)
        yield _wait(ATTEMPT_TIMEOUT, _after(event.at, timeout_seconds), time_out, cause)
    if event.budget_until is not None:
        exhaust = partial(ExhaustBudget, project=project, task=stream, token=token)
        yield _wait(BUDGET_DUE, event.budget_until, exhaust, cause)
    if event.stalls_at is not None:
        stall = partial(StallAttempt, project=project, task=stream, token=token)
        yield _wait(ATTEMPT_STALL, event.stalls_at, stall, cause)


def _of_report(cause: Cause, event: TaskProgressed | TaskExtended) -> Iterator[Wait]:
    """What an attempt runs out of comes later."""
    said = {"project": cause.project, "task": cause.stream, "token": str(event.token)}
    match event:
        case TaskExtended():
            yield _wait(ATTEMPT_TIMEOUT, event.until, partial(TimeOutAttempt, **said), cause)
        case TaskProgressed(stalls_at=due) if due is not None:
            yield _wait(ATTEMPT_STALL, due, partial(StallAttempt, **said), cause)
        case _:
            pass


def _of_plan(cause: Cause, event: TaskPlanned) -> Iterator[Wait]:
    stream, project = cause.stream, cause.project
    if event.not_before is not None and event.not_before > event.at:
        yield _wait(START_DUE, event.not_before, partial(ReachStart, project=project, task=stream), cause)
    if event.deadline is not None:
        yield _wait(DEADLINE_DUE, event.deadline, partial(PassDeadline, project=project, task=stream), cause)


def stopped_by(cause: Cause) -> tuple[Subject, ...]:
    """The waits that the event makes moot."""
    if type(cause.event) in lock_timers.STOPS:
        return lock_timers.stopped_by(cause)
    if type(cause.event) in run_timers.PLACE_STOPS:
        return run_timers.stopped_by(cause)
    return tuple(Subject(policy, cause.stream) for policy in STOPS.get(type(cause.event), ()))


def _wait(policy: str, at: Instant, ask: Callable[[], Command], cause: Cause) -> Wait:
    return Wait(Subject(policy, cause.stream), at, cause, ask)


def _after(start: Instant, seconds: float) -> Instant:
    """Rounded as the task's own decision rounds it."""
    return Instant(start + int(seconds * SECOND))
