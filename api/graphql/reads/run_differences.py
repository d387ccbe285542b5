"""What two runs, or two points of one, have differently: of the whole, then phase by phase."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

import orjson

from api.graphql.context import Context
from api.graphql.errors import Refused
from api.graphql.pages import Connection, connection
from api.graphql.reads.asked import Asked, ask, position_at, text
from api.graphql.types.run_past import RunDifference
from domain.kernel.errors import UnknownThing
from domain.kernel.ids import Position
from domain.kernel.past.errors import PointsReversed
from domain.kernel.text import shown
from projections.kernel.errors import CursorUnreadable
from projections.pipeline_runs.queries import RunPage
from projections.pipeline_runs.rows import PipelineRunRow
from projections.run_phases.rows import RunPhaseRow

_OF_RUN: Final = ("pipeline", "version", "status", "reason", "because", "inputs", "outputs", "rollback", "labels")
_OF_PHASE: Final = ("status", "generation", "reason", "arm", "input", "output", "summary", "undo", "consumed")
_AS_JSON: Final = frozenset({"because", "inputs", "outputs", "labels", "input", "output", "consumed"})


class _Side(NamedTuple):
    """A run as it stood."""

    run: PipelineRunRow
    phases: Mapping[str, RunPhaseRow]
    position: int
    stale: bool


async def differences(
    context: Context, identifier: str, other: str | None, since: str | None, asked: Asked
) -> Connection[RunDifference]:
    """A page of them. ``since`` is the point of the one run; ``asOf`` or ``at`` that of the other, or of the same."""
    asked.require_size()
    name = text(identifier) or ""
    another = text(other) or name
    beginning = since or (f"{name}@1" if another == name else None)
    earlier = None if beginning is None else await position_at(context, beginning)
    if another == name and earlier is not None and asked.as_of is not None and earlier > asked.as_of:
        raise Refused(PointsReversed(earlier=earlier, later=asked.as_of))
    left = await _stood(context, name, earlier, asked.after)
    right = await _stood(context, another, asked.as_of, asked.after)
    return _page(list(_changes(left, right)), asked, right.position, stale=left.stale or right.stale)


async def _stood(context: Context, name: str, as_of: Position | None, after: Position | None) -> _Side:
    """The run as it stood; one that the caller may not see is not there. Raises Refused."""
    page = await ask(context, RunPage(keys=(name,), limit=1, as_of=as_of), after)
    row = next((row for row in page.rows if context.may("read.runs", row.project)), None)
    if row is None:
        raise Refused(UnknownThing(kind="run", name=shown(name)))
    phases = await context.loaders.phases.load((page.position, name))
    return _Side(row, {one.place: one for one in phases}, page.position, page.stale)


def _changes(left: _Side, right: _Side) -> Iterator[RunDifference]:
    """Of the runs, then of the phases in the order of the later side; what one side only has is told by its status."""
    for name in _OF_RUN:
        yield from _change("", name, left.run, right.run)
    for place in dict.fromkeys((*right.phases, *left.phases)):
        before, after = left.phases.get(place), right.phases.get(place)
        for name in _OF_PHASE if before is not None and after is not None else ("status",):
            yield from _change(place, name, before, after)


def _change(place: str, name: str, left: Any, right: Any) -> Iterator[RunDifference]:
    before, after = _value(left, name), _value(right, name)
    if before != after:
        yield RunDifference(place=place, name=name, before=before, after=after)


def _value(row: Any, name: str) -> Any:
    found = None if row is None else getattr(row, name)
    return (orjson.loads(found) if found else None) if name in _AS_JSON else found


def _page(changes: Sequence[RunDifference], asked: Asked, position: int, *, stale: bool) -> Connection[RunDifference]:
    """Those behind the one that the cursor names. Raises Refused where it is not there."""
    places = [f"{one.place}.{one.name}" for one in changes]
    if asked.cursor is not None and asked.cursor not in places:
        raise Refused(CursorUnreadable())
    start = 0 if asked.cursor is None else places.index(asked.cursor) + 1
    end = start + asked.first
    return connection(
        [(one, _cursor(place)) for one, place in zip(changes[start:end], places[start:end], strict=True)],
        next_cursor=places[end - 1] if end < len(changes) else None,
        position=position,
        stale=stale,
    )


def _cursor(place: str) -> Callable[[], str]:
    return lambda: place
