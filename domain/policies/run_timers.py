"""What happens in runs by itself once a time has come."""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Final, get_args

from domain.kernel.ids import SECOND, Instant
from domain.kernel.message import Event
from domain.kernel.pipeline.graph import unit_at
from domain.kernel.policy import Cause
from domain.policies.waits import Subject, Wait
from domain.run.commands import FireTimer, PassRunDeadline, ReachRunStart
from domain.run.events import (
    PhaseBlocked,
    PhaseInvalidated,
    PhaseOffered,
    PhaseReleased,
    PhaseRetried,
    PhaseSettled,
    PhaseSkipped,
    RunQueued,
    RunResumed,
    RunReworked,
    RunSettled,
    RunStarted,
)
from domain.run.gate_events import TimerKind, TimerSet
from domain.run.state import Run
from domain.run.undo_events import RunCompensated, UndoFailed, UndoResolved, UndoStarted, UndoSucceeded
from domain.run.work_time import UNCLAIMED_SECONDS

RUN_START_DUE: Final = "run_start_due"
"""The earliest start of a run."""

RUN_DEADLINE: Final = "run_deadline"
"""The time of a run is over."""

RUN_TIMER: Final = "run_timer"
"""A gate has to be looked at, a timer is over, a signal is late."""

UNDO_PICKUP: Final = "undo_pickup"
"""Somebody has to have come for what takes back an effect; beside the time that it may have as a whole."""

_Out = PhaseOffered | PhaseRetried | PhaseReleased
_Gone = PhaseSettled | PhaseSkipped | PhaseBlocked | PhaseInvalidated
_Undone = UndoSucceeded | UndoFailed | UndoResolved
STARTS: Final[tuple[type[Event], ...]] = (
    RunQueued,
    RunResumed,
    RunReworked,
    RunCompensated,
    TimerSet,
    PhaseOffered,
    PhaseRetried,
    PhaseReleased,
    PhaseSettled,
    UndoStarted,
)
STOPS: Final[Mapping[type[Event], tuple[str, ...]]] = {
    RunStarted: (RUN_START_DUE,),
    RunSettled: (RUN_START_DUE, RUN_DEADLINE),
}
"""Waits of the whole run that an event makes moot."""
PLACE_STOPS: Final[Mapping[type[Event], tuple[TimerKind, ...]]] = {
    **dict.fromkeys(get_args(_Gone), get_args(TimerKind)),
    **dict.fromkeys(get_args(_Undone), ("undo",)),
}
"""The same of one place, and of what takes back what it did."""


def waits_of(cause: Cause) -> tuple[Wait, ...]:
    """The waits that the event starts."""
    event = cause.event
    match event:
        case TimerSet(kind="undo_pickup"):
            return (_undo_pickup(cause, event.place, event.generation, event.due),)
        case TimerSet():
            return (_timer(cause, event.place, event.generation, event.kind, event.due),)
        case UndoStarted():
            return tuple(_of_undo(cause, event))
        case PhaseOffered() | PhaseRetried() | PhaseReleased():
            return (_pickup(cause, event),)
        case PhaseSettled():  # of an item: its map goes on with others, for which somebody has to come
            return (_pickup(cause, event),) if unit_at(event.place) != event.place else ()
        case _:
            return (*_start(cause), *_deadline(cause))


def _of_undo(cause: Cause, event: UndoStarted) -> Iterator[Wait]:
    if event.due is not None:
        yield _timer(cause, event.place, event.generation, "undo", event.due)
    yield _undo_pickup(cause, event.place, event.generation, Instant(event.at + UNCLAIMED_SECONDS * SECOND))


def _undo_pickup(cause: Cause, place: str, generation: int, due: Instant) -> Wait:
    said = partial(FireTimer, project=cause.project, run=cause.stream, place=place)
    ask = partial(said, generation=generation, kind="undo_pickup")
    return Wait(_of_pickup(cause, place, generation), due, cause, ask)


def _of_pickup(cause: Cause, place: str, generation: int) -> Subject:
    return Subject(UNDO_PICKUP, f"{cause.stream}/{place}@{generation}")


def stopped_by(cause: Cause) -> tuple[Subject, ...]:
    """The waits of one place that the event makes moot."""
    event, kinds = cause.event, PLACE_STOPS.get(type(cause.event), ())
    if not isinstance(event, _Gone | _Undone):
        return ()
    found = tuple([_subject(cause, event.place, event.generation, kind) for kind in kinds])
    return (*found, _of_pickup(cause, event.place, event.generation)) if isinstance(event, _Undone) else found


def _pickup(cause: Cause, event: _Out | PhaseSettled) -> Wait:
    """When somebody has to have come for what is given out; of the items of a map for the latest of them."""
    due = Instant(event.at + UNCLAIMED_SECONDS * SECOND)
    return _timer(cause, unit_at(event.place), event.generation, "pickup", due)


def _timer(cause: Cause, place: str, generation: int, kind: TimerKind, due: Instant) -> Wait:
    fire = partial(FireTimer, project=cause.project, run=cause.stream, place=place, generation=generation, kind=kind)
    return Wait(_subject(cause, place, generation, kind), due, cause, fire)


def _subject(cause: Cause, place: str, generation: int, kind: TimerKind) -> Subject:
    again = f"@{generation}" if kind == "undo" else ""  # two generations of one place may be taken back
    return Subject(RUN_TIMER, f"{cause.stream}/{place}{again}/{kind}")


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
