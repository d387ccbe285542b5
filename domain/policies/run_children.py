"""Runs inside of runs: begun where a phase asks for them, steered by their parent, and their end told to it."""

from collections.abc import Iterator
from typing import Final

from domain.kernel.decider import View
from domain.kernel.ids import StreamId
from domain.kernel.policy import Cause, Derived, Policy
from domain.run.child_events import ChildStarted
from domain.run.commands import BeginChild, FollowParent, TakeBackChild, TellParent
from domain.run.events import (
    PhaseDropped,
    PhaseInvalidated,
    RunCancelRequested,
    RunFailing,
    RunPaused,
    RunResumed,
    RunReworked,
    RunSettled,
)
from domain.run.evolve import RUN
from domain.run.state import Run, effect_key
from domain.run.undo_events import UndoStarted


def begin(cause: Cause, _: View) -> tuple[Derived, ...]:
    """One run for the phase."""
    event = cause.event
    if not isinstance(event, ChildStarted):
        return ()
    asked = BeginChild(project=cause.project, run=cause.stream, place=event.place, generation=event.generation)
    return (Derived(asked, StreamId(event.child), cause.project),)


def steer(cause: Cause, view: View) -> tuple[Derived, ...]:
    """One command for each run that the event may concern."""
    run = view.read(RUN, cause.stream)
    if not isinstance(run, Run) or not run.children:
        return ()
    return tuple(
        Derived(FollowParent(project=cause.project, run=child), StreamId(child), cause.project)
        for child in sorted(_concerned(run, cause))
    )


def _concerned(run: Run, cause: Cause) -> Iterator[str]:
    event = cause.event
    for child, begun in run.children.items():
        if isinstance(event, PhaseInvalidated | PhaseDropped):
            inside = begun.place == event.place or begun.place.startswith(f"{event.place}/")
            if inside and begun.generation >= event.generation:
                yield child
        elif run.phase(begun.place).child == child:
            yield child


def tell(cause: Cause, view: View) -> tuple[Derived, ...]:
    """One command where another run began this one."""
    run = view.read(RUN, cause.stream)
    if not isinstance(run, Run) or run.queued.parent is None:
        return ()
    parent = run.queued.parent.run
    return (
        Derived(TellParent(project=cause.project, run=parent, child=cause.stream), StreamId(parent), cause.project),
    )


def take_back(cause: Cause, view: View) -> tuple[Derived, ...]:
    """One command where a run did what is taken back."""
    event, run = cause.event, view.read(RUN, cause.stream)
    if not isinstance(event, UndoStarted) or not isinstance(run, Run):
        return ()
    entry = run.ledger.get(effect_key(event.place, event.generation))
    if entry is None or not entry.is_run:
        return ()
    asked = TakeBackChild(project=cause.project, run=cause.stream, place=event.place, generation=event.generation)
    return (Derived(asked, StreamId(entry.task), cause.project),)


RUN_CHILD_POLICIES: Final = (
    Policy("begin_children", (ChildStarted,), begin),
    Policy(
        "steer_children",
        (RunPaused, RunResumed, RunCancelRequested, RunFailing, PhaseDropped, PhaseInvalidated),
        steer,
    ),
    Policy("tell_parent", (RunSettled, RunReworked), tell),
    Policy("take_back_children", (UndoStarted,), take_back),
)
