"""What happens in runs by itself once a time has come."""

from collections.abc import Mapping
from functools import partial
from typing import Final

from domain.kernel.message import Event
from domain.kernel.policy import Cause
from domain.policies.waits import Subject, Wait
from domain.run.commands import FireTimer, ReachRunStart
from domain.run.events import RunQueued, RunSettled, RunStarted
from domain.run.gate_events import TimerSet

RUN_START_DUE: Final = "run_start_due"
"""The earliest start of a run."""

RUN_TIMER: Final = "run_timer"
"""A gate has to be looked at, a timer is over, a signal is late."""

STARTS: Final[tuple[type[Event], ...]] = (RunQueued, TimerSet)
STOPS: Final[Mapping[type[Event], tuple[str, ...]]] = {
    RunStarted: (RUN_START_DUE,),
    RunSettled: (RUN_START_DUE,),
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
    if not isinstance(event, RunQueued) or event.start_at <= event.at:
        return ()
    reach = partial(ReachRunStart, project=cause.project, run=cause.stream)
    return (Wait(Subject(RUN_START_DUE, cause.stream), event.start_at, cause, reach),)
