"""What happens in runs by itself once a time has come."""

from collections.abc import Mapping
from functools import partial
from typing import Final

from domain.kernel.message import Event
from domain.kernel.policy import Cause
from domain.policies.waits import Subject, Wait
from domain.run.commands import ReachRunStart
from domain.run.events import RunQueued, RunSettled, RunStarted

RUN_START_DUE: Final = "run_start_due"
"""The earliest start of a run."""

STARTS: Final[tuple[type[Event], ...]] = (RunQueued,)
STOPS: Final[Mapping[type[Event], tuple[str, ...]]] = {
    RunStarted: (RUN_START_DUE,),
    RunSettled: (RUN_START_DUE,),
}
"""Waits that an event makes moot."""


def waits_of(cause: Cause) -> tuple[Wait, ...]:
    """The waits that the event starts."""
    event = cause.event
    if not isinstance(event, RunQueued) or event.start_at <= event.at:
        return ()
    reach = partial(ReachRunStart, project=cause.project, run=cause.stream)
    return (Wait(Subject(RUN_START_DUE, cause.stream), event.start_at, cause, reach),)
