"""What happens by itself once a time has come: which event starts a wait, which ends it, and what is asked then."""

from collections.abc import Iterator, Mapping
from typing import Final

from domain.kernel.ids import SECOND, Instant
from domain.kernel.message import Event
from domain.kernel.policy import Cause, Derived
from domain.policies import lock_timers, quota_timers
from domain.policies.waits import Subject, Wait
from domain.task.commands import ElapseBackoff, LapseDelivery, TimeOutAttempt
from domain.task.decider import DELIVERY_SECONDS_MAX
from domain.task.derived import ExhaustBudget, PassDeadline, ReachStart
from domain.task.events import (
    TaskAttemptEnded,
    TaskBackedOff,
    TaskCancelled,
    TaskClaimed,
    TaskCompleted,
    TaskFailed,
    TaskParked,
    TaskPlanned,
    TaskReadied,
    TaskRetried,
    TaskStarted,
)

RETRY_DUE: Final = "retry_due"
"""The backoff of a task is over."""
ATTEMPT_TIMEOUT: Final = "attempt_timeout"
"""An attempt ran longer than its plan allows, from start to close."""
LAPSED_DELIVERY: Final = "lapsed_delivery"
"""An assignment was not acknowledged in time."""
START_DUE: Final = "start_due"
"""The earliest start of a task."""
DEADLINE_DUE: Final = "deadline_due"
"""The deadline of a task."""
BUDGET_DUE: Final = "budget_due"
"""The end of the time that a task may spend."""

STARTS: Final[tuple[type[Event], ...]] = (
    TaskPlanned,
    TaskBackedOff,
    TaskClaimed,
    TaskStarted,
    *lock_timers.STARTS,
    *quota_timers.STARTS,
)
"""Events that may start waits, at most one of each policy."""

STOPS: Final[Mapping[type[Event], tuple[str, ...]]] = {
    TaskReadied: (RETRY_DUE, START_DUE),
    TaskFailed: (RETRY_DUE,),
    TaskParked: (RETRY_DUE,),
    TaskRetried: (RETRY_DUE,),
    TaskClaimed: (RETRY_DUE,),
    TaskStarted: (LAPSED_DELIVERY,),
    TaskAttemptEnded: (LAPSED_DELIVERY, ATTEMPT_TIMEOUT, BUDGET_DUE),
    TaskCompleted: (LAPSED_DELIVERY, ATTEMPT_TIMEOUT, BUDGET_DUE, DEADLINE_DUE),
    TaskCancelled: (RETRY_DUE, LAPSED_DELIVERY, ATTEMPT_TIMEOUT, BUDGET_DUE, START_DUE, DEADLINE_DUE),
    **lock_timers.STOPS,
    **quota_timers.STOPS,
}
"""Waits that an event makes moot."""


def waits_of(cause: Cause, timeout_seconds: float | None) -> tuple[Wait, ...]:
    """The waits that the event starts. ``timeout_seconds`` is what the plan of its task allows per attempt."""
    stream, project, event = cause.stream, cause.project, cause.event
    match event:
        case TaskBackedOff():
            asked = Derived(ElapseBackoff(project=project, task=stream, until=event.until), stream, project)
            return (Wait(Subject(RETRY_DUE, stream), event.until, cause, asked),)
        case TaskClaimed():
            asked = Derived(LapseDelivery(project=project, task=stream, token=str(event.token)), stream, project)
            due = Instant(event.at + DELIVERY_SECONDS_MAX * SECOND)
            return (Wait(Subject(LAPSED_DELIVERY, stream), due, cause, asked),)
        case TaskStarted():
            return tuple(_of_start(cause, event, timeout_seconds))
        case TaskPlanned():
            return tuple(_of_plan(cause, event))
        case _:
            return lock_timers.waits_of(cause) or quota_timers.waits_of(cause)


def _of_start(cause: Cause, event: TaskStarted, timeout_seconds: float | None) -> Iterator[Wait]:
    """An attempt may run out of its own time, and out of that of its task."""
    stream, project, token = cause.stream, cause.project, str(event.token)
    if timeout_seconds is not None:
        asked = Derived(TimeOutAttempt(project=project, task=stream, token=token), stream, project)
        yield Wait(Subject(ATTEMPT_TIMEOUT, stream), _after(event.at, timeout_seconds), cause, asked)
    if event.budget_until is not None:
        asked = Derived(ExhaustBudget(project=project, task=stream, token=token), stream, project)
        yield Wait(Subject(BUDGET_DUE, stream), event.budget_until, cause, asked)


def _of_plan(cause: Cause, event: TaskPlanned) -> Iterator[Wait]:
    stream, project = cause.stream, cause.project
    if event.not_before is not None and event.not_before > event.at:
        asked = Derived(ReachStart(project=project, task=stream), stream, project)
        yield Wait(Subject(START_DUE, stream), event.not_before, cause, asked)
    if event.deadline is not None:
        asked = Derived(PassDeadline(project=project, task=stream), stream, project)
        yield Wait(Subject(DEADLINE_DUE, stream), event.deadline, cause, asked)


def stopped_by(cause: Cause) -> tuple[Subject, ...]:
    """The waits that the event makes moot."""
    if type(cause.event) in lock_timers.STOPS:
        return lock_timers.stopped_by(cause)
    return tuple(Subject(policy, cause.stream) for policy in STOPS.get(type(cause.event), ()))


def _after(start: Instant, seconds: float) -> Instant:
    """Rounded as the task's own decision rounds it."""
    return Instant(start + int(seconds * SECOND))
