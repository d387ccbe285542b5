"""What happens in runs by itself once a time has come."""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Final

from domain.kernel.ids import Instant
from domain.kernel.message import Event
from domain.kernel.policy import Cause
from domain.policies.waits import Subject, Wait
from domain.run.commands import FireTimer, PassRunDeadline, ReachRunStart
from domain.run.events import RunQueued, RunResumed, RunReworked, RunSettled, RunStarted
from domain.run.gate_events import TimerSet
from domain.run.state import Run
from domain.run.undo_events import RunCompensated

RUN_START_DUE: Final = "run_start_due"
"""The earliest start of a run."""

RUN_DEADLINE: Final = "run_deadline"
"""The time of a run is over."""

RUN_TIMER: Final = "run_timer"
"""A gate has to be looked at, a timer is over, a signal is late."""

STARTS: Final[tuple[type[Event], ...]] = (RunQueued, RunResumed, RunReworked, RunCompensated, TimerSet)
STOPS: Final[Mapping[type[Event], tuple[str, ...]]] = {
    RunStarted: (RUN_START_DUE,),
    RunSettled: (RUN_START_DUE, RUN_DEADLINE),
}
"""Waits that an event makes moot."""


def waits_of(cause: Cause) -> tuple[Wait, ...]:
    """The waits that the event starts."""
    event = cause.event
    if isinstance(event, TimerSet):
        said = partial(FireTimer, project=cause.project, run=cause.stream, place=event.place)
        fire = partial(said, generation=event.generation, kind=event.kind)
        subject = Subject(RUN_TIMER, f"{cause.stream}/{event.place}/{event.kind}")
        return (Wait(subject, event.due, cause, fire),)
    return (*_start(cause), *_deadline(cause))


def _start(cause: Cause) -> Iterator[Wait]:
    event = cause.event
    if isinstance(event, RunQueued) and event.start_at > event.at:
        reach = partial(ReachRunStart, project=cause.project, run=cause.stream)
        yield Wait(Subject(RUN_START_DUE, cause.stream), event.start_at, cause, reach)


def _deadline(cause: Cause) -> Iterator[Wait]:
    event = cause.event
    due = _first_deadline(event) if isinstance(event, RunQueued) else None
    if isinstance(event, RunResumed | RunReworked | RunCompensated):
        due = event.deadline
    if due is not None:
        end = partial(PassRunDeadline, project=cause.project, run=cause.stream)
        yield Wait(Subject(RUN_DEADLINE, cause.stream), due, cause, end)


def _first_deadline(event: RunQueued) -> Instant | None:
    return Run(event).deadline
