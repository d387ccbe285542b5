"""Turns of runs: who is next is told when a place comes free, or the head has one; who is replaced, when asked."""

from typing import Final

from domain.kernel.decider import View
from domain.kernel.ids import StreamId
from domain.kernel.policy import Cause, Derived, Policy
from domain.run.commands import FollowParent
from domain.turn.commands import GiveWay, TakeTurn
from domain.turn.decider import LINE, next_in
from domain.turn.events import TurnAsked, TurnLeft, TurnTaken


def give(cause: Cause, view: View) -> tuple[Derived, ...]:
    """One command for each run that may take a place now, and for each that missed its turn: it looks at its parent."""
    project, line = cause.project, view.read(LINE, cause.stream)
    found = [Derived(TakeTurn(project=project, run=run), StreamId(run), project) for run in next_in(line)]
    if isinstance(cause.event, TurnLeft):
        asked = (FollowParent(project=project, run=run) for run in sorted(line.missed))
        found += [Derived(one, StreamId(one.run), project) for one in asked]
    return tuple(found)


def replace(cause: Cause, view: View) -> tuple[Derived, ...]:
    """One command for each run that waits before one that replaces it, and for so many that have a place."""
    event = cause.event
    line = view.read(LINE, cause.stream)
    own = line.waiter(event.run) if isinstance(event, TurnAsked) else None
    if own is None or not own.replaces:
        return ()
    waiting = [one.run for one in line.waiting if one.number < own.number]
    ended = line.in_order()[: max(0, len(line.places) + 1 - own.limit)]
    holding = [run for place in ended for run in sorted(line.places[place].runs)]
    return tuple(
        Derived(GiveWay(project=cause.project, run=run, to=own.run), StreamId(run), cause.project)
        for run in (*waiting, *holding)
    )


TURN_POLICIES: Final = (
    Policy("give_turns", (TurnLeft, TurnTaken), give),
    Policy("replace_runs", (TurnAsked,), replace),
)
