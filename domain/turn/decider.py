"""How the line of a key folds, under which id it is found, and who is next."""

from bisect import bisect_left
from typing import Final, assert_never

from immutables import Map

from domain.kernel.change import replace
from domain.kernel.decider import Aggregate
from domain.kernel.ids import Instant, StreamId, derived_id
from domain.turn.events import TurnAsked, TurnEvent, TurnLeft, TurnMissed, TurnTaken
from domain.turn.state import Line, Place, Waiting

WAITING_MAX: Final = 10_000
"""Runs in one line."""


def line_of(project: str, key: str) -> StreamId:
    """Where a project keeps the line of a key."""
    return derived_id(LINE.prefix, Instant(0), (project, key))


def evolve(state: Line, event: TurnEvent) -> Line:
    """The line after the event."""
    match event:
        case TurnAsked():
            gone = without(state, event.run)
            one = Waiting(
                event.run, event.limit, event.rank, event.since, state.asked, event.holds, replaces=event.replaces
            )
            return replace(gone, waiting=with_waiter(gone, one), asked=state.asked + 1)
        case TurnTaken():
            return _taken(without(state, event.run), event)
        case TurnLeft():
            return _left(without(state, event.run), event.run)
        case TurnMissed():
            return replace(state, missed=state.missed.set(event.run, True))
        case _:
            assert_never(event)


def with_waiter(line: Line, one: Waiting) -> tuple[Waiting, ...]:
    """The line with one more, behind those that come before it."""
    index = bisect_left(line.waiting, one.order, key=lambda other: other.order)
    return (*line.waiting[:index], one, *line.waiting[index:])


def without(line: Line, run: str) -> Line:
    """The same without a run that waits, or missed its turn."""
    if run in line.missed:
        line = replace(line, missed=line.missed.delete(run))
    one = line.waiter(run)
    if one is None:
        return line
    return replace(line, waiting=tuple(other for other in line.waiting if other.run != run))


def next_in(line: Line) -> tuple[str, ...]:
    """Runs that may take a place now, in whatever order they come for it: none takes that of one before it.

    Nobody passes one that has to wait for more to come free.
    """
    found: list[str] = []
    tightest = line.waiting[0].limit if line.waiting else 0
    for one in line.waiting:
        tightest = min(tightest, one.limit)
        if len(line.places) + len(found) >= tightest:
            break
        found.append(one.run)
    return tuple(found)


def _taken(line: Line, event: TurnTaken) -> Line:
    if event.run in line.place_of:
        return line
    before = line.places.get(event.place)
    place = Place(line.taken, Map()) if before is None else before
    shared = replace(place, runs=place.runs.set(event.run, True))
    return replace(
        line,
        places=line.places.set(event.place, shared),
        place_of=line.place_of.set(event.run, event.place),
        taken=line.taken + (before is None),
    )


def _left(line: Line, run: str) -> Line:
    name = line.place_of.get(run)
    if name is None:
        return line
    place = line.places[name]
    runs = place.runs.delete(run)
    places = line.places.set(name, replace(place, runs=runs)) if runs else line.places.delete(name)
    return replace(line, places=places, place_of=line.place_of.delete(run))


LINE: Final[Aggregate[Line]] = Aggregate(
    prefix="turn", initial=Line(), evolve=evolve, state_type=Line, snapshot_every=200
)
