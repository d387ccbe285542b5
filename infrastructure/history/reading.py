"""What is asked of the past of a log, whoever keeps it: positions of points, states, and what caused what."""

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, Final, assert_never

from domain.catalogue import AGGREGATES, REGISTRY
from domain.kernel.decider import Aggregate, Recorded
from domain.kernel.errors import Rejection, UnknownThing
from domain.kernel.ids import prefix
from domain.kernel.past.causes import Causes, chain_of, effects_of
from domain.kernel.past.errors import PointNotReached
from domain.kernel.past.points import (
    AtBookmark,
    AtEvent,
    AtHead,
    AtInstant,
    AtPosition,
    Point,
    last_at_or_before,
)
from domain.kernel.past.steps import Blame, Step, Stood, steps
from domain.kernel.past.trees import Path, Trees
from domain.kernel.text import shown
from infrastructure.history.folds import Folds
from infrastructure.history.port import Past
from infrastructure.log.mapper import recorded
from infrastructure.log.port import LogRow
from projections.kernel.errors import RequestRefused

PAGE_EVENTS: Final = 2_000
NEIGHBOURS_EVENTS: Final = 50
"""Beside an event so many are read at once, to find what the same command wrote: mostly a few."""
Named = Callable[[AtBookmark], int | None]
"""Position of a bookmark, None where there is none of that name."""


def position_of(past: Past, point: Point, named: Named) -> int | Rejection:
    """The position that a point means. A position beyond the head is taken as it is."""
    match point:
        case AtPosition(position=position):
            return position
        case AtHead():
            return past.head()
        case AtInstant(instant=instant):
            return last_at_or_before(instant, past.head(), lambda at: recorded_at(past, at))
        case AtEvent(stream=stream, version=version):
            row = event_at(past, stream, version)
            return UnknownThing(kind="event", name=f"{stream}@{version}") if row is None else row.position
        case AtBookmark(project=project, name=name):
            noted = named(point)
            return UnknownThing(kind="bookmark", name=f"{project}/{name}") if noted is None else noted
        case _:
            assert_never(point)


def require_reached(past: Past, position: int) -> int:
    """The position, if the log goes so far. Raises RequestRefused."""
    head = past.head()
    if position > head:
        raise RequestRefused(PointNotReached(position=position, head=head))
    return position


def event_at(past: Past, stream: str, version: int) -> LogRow | None:
    """The event with that version of a stream."""
    row = next(iter(past.events_of(stream, after=version - 1, limit=1)), None)
    return row if row is not None and row.version == version else None


def aggregate_of(stream: str) -> Aggregate[Any] | None:
    """What folds a stream; None for a name that can be none."""
    return AGGREGATES.get(prefix(stream))


def events_until(past: Past, stream: str, position: int, version: int = 0) -> Iterator[Recorded]:
    """The events of one stream behind a version and up to a position, page by page."""
    while rows := past.events_of(stream, after=version, limit=PAGE_EVENTS):
        for row in rows:
            if row.position > position:
                return
            yield recorded(row, REGISTRY)
        if len(rows) < PAGE_EVENTS:
            return
        version = rows[-1].version


def stood_at(past: Past, folds: Folds, stream: str, position: int) -> Stood | UnknownThing:
    """The state of a stream after a position; absent where it has no event at all."""
    if aggregate_of(stream) is None or not past.has_stream(stream):
        return UnknownThing(kind="stream", name=shown(stream))
    version, last, state = folds.at_position(stream, position)
    return Stood(stream, version, last, position, Trees().of(state))


def steps_of(past: Past, folds: Folds, stream: str, *, after: int, until: int) -> Iterator[Step] | UnknownThing:
    """The events of a stream behind one position and up to another, with the state on either side."""
    aggregate = aggregate_of(stream)
    if aggregate is None or not past.has_stream(stream):
        return UnknownThing(kind="stream", name=shown(stream))
    begun = folds.at_position(stream, after)
    return steps(aggregate, events_until(past, stream, until, begun.version), begun.state)


def blamed(
    past: Past,
    folds: Folds,
    stream: str,
    until: int,
    *,
    within: Path = (),
    events_max: int | None = None,
    progress: Callable[[int], None] = lambda _: None,
) -> Blame | UnknownThing:
    """Which event last set each field of a stream's state, in the last ``events_max`` events or so, or in all.

    What was set lately is found at once: it begins at the end and ends when nothing is sought any more.
    """
    aggregate = aggregate_of(stream)
    if aggregate is None or not past.has_stream(stream):
        return UnknownThing(kind="stream", name=shown(stream))
    last = folds.at_position(stream, until)
    blame, version = Blame(Trees().of(last.state), within), last.version
    earliest = 0 if events_max is None else last.version - events_max
    while version > max(0, earliest) and not blame.is_complete:
        begun = folds.before(stream, version)
        events = islice(events_until(past, stream, until, begun.version), version - begun.version)
        blame.look(steps(aggregate, events, begun.state))
        progress(until - begun.position)
        version = begun.version
    return blame


def causes_of(past: Past, event: Recorded, later: Callable[[Recorded], Iterator[Recorded]]) -> Causes:
    """Why an event is there and what came of it; ``later`` finds what was asked in the same correlation behind it."""
    return Causes(
        event=event,
        siblings=tuple(_siblings(past, event)),
        chain=chain_of(event, lambda stream, version: _decoded(event_at(past, stream, version))),
        effects=effects_of(event, later(event)),
    )


def _siblings(past: Past, event: Recorded) -> Iterator[Recorded]:
    """The other events of the same command: an append writes them one behind the other, some thousands at most."""
    if event.command_id:
        yield from reversed(list(_same_command(event, _backwards(past, event.position))))
        yield from _same_command(event, _forwards(past, event.position))


def _same_command(event: Recorded, neighbours: Iterator[LogRow]) -> Iterator[Recorded]:
    for row in neighbours:
        if (row.command_id, row.actor) != (event.command_id, event.actor):
            return
        yield recorded(row, REGISTRY)


def _backwards(past: Past, position: int) -> Iterator[LogRow]:
    """The events before a position, the nearest first, up to a gap."""
    while position > 1:
        begin = max(0, position - 1 - NEIGHBOURS_EVENTS)
        before = [row for row in past.page(after=begin, limit=position - 1 - begin) if row.position < position]
        for row in reversed(before):
            if row.position != position - 1:
                return
            yield row
            position = row.position
        if not before:
            return


def _forwards(past: Past, position: int) -> Iterator[LogRow]:
    """The events behind a position, up to a gap."""
    while rows := past.page(after=position, limit=NEIGHBOURS_EVENTS):
        for row in rows:
            if row.position != position + 1:
                return
            yield row
            position = row.position


def _decoded(row: LogRow | None) -> Recorded | None:
    return None if row is None else recorded(row, REGISTRY)


def recorded_at(past: Past, position: int) -> int | None:
    """When the event at a position, or the next one that is kept, was recorded; None where none follows."""
    row = next(iter(past.page(after=position - 1, limit=1)), None)
    return None if row is None else row.recorded_at
