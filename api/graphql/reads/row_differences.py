"""Rows of read models that two points have differently, for whoever may read the events that made them so."""

from collections.abc import Callable, Sequence
from typing import Any, Final

from api.graphql.context import Context
from api.graphql.errors import AnswerTooLarge, Refused
from api.graphql.pages import Connection, connection
from api.graphql.reads.asked import Asked, ask, position_at, text
from api.graphql.reads.past import moment
from api.graphql.types.past import ChangeKind, RowDifference, change_of
from domain.kernel.errors import UnknownThing
from domain.kernel.ids import Position, ProjectId
from domain.kernel.past.errors import PointsReversed
from domain.kernel.past.trees import differences
from domain.kernel.text import shown
from projections.catalogue import PROJECTIONS, AnyProjection
from projections.kernel.errors import PastNotKept
from projections.kernel.requests import LIMIT_MAX, RowsOfKeys

EVENTS_MAX: Final = 5_000
"""Events between the two points; `signalbox replay diff` compares any two."""
PAGE_EVENTS: Final = 1_000
Cells = dict[str, Any]


async def page(context: Context, project: str, model: str, earlier: str, asked: Asked) -> Connection[RowDifference]:
    """A page of them by key. What differs is looked for in the rows that the events between the points touch."""
    asked.require_size()
    owner = await context.project("read.events", project, own=False)
    projection = _model(model)
    after = await position_at(context, earlier)
    at, stale = await moment(context, asked)
    if after > at:
        raise Refused(PointsReversed(earlier=after, later=at))
    if at - after > EVENTS_MAX:
        raise Refused(AnswerTooLarge(what="events between the two points", limit=EVENTS_MAX))
    keys = sorted(key for key in await _touched(context, projection, after, at) if key > (text(asked.cursor) or ""))
    found: list[tuple[RowDifference, Callable[[], str]]] = []
    for start in range(0, len(keys), LIMIT_MAX):
        some = tuple(keys[start : start + LIMIT_MAX])
        before, _ = await _rows(context, projection, owner, some, after, None)
        now, behind = await _rows(context, projection, owner, some, at, asked.after)
        stale = stale or behind
        changed = (key for key in some if before.get(key) != now.get(key))
        found += [_told(key, before.get(key), now.get(key)) for key in changed]
        if len(found) > asked.first:
            break
    shown_now = found[: asked.first]
    following = shown_now[-1][0].key if len(found) > asked.first else None
    return connection(shown_now, next_cursor=following, position=at, stale=stale)


def _model(name: str) -> AnyProjection:
    found = next((one for one in PROJECTIONS if one.name == name), None)
    if found is None:
        raise Refused(UnknownThing(kind="read model", name=shown(name)))
    if found.keeps != "versions":
        raise Refused(PastNotKept(projection=name))
    return found


async def _touched(context: Context, projection: AnyProjection, after: int, until: int) -> set[str]:
    """Keys of the rows that the events between two positions may have changed, whoever's they are. Raises Refused
    where the log does not keep all of these events."""
    keys: set[str] = set()
    while after < until:
        events = await context.services.events.page(after=after, limit=min(PAGE_EVENTS, until - after))
        if not events or events[0].position != after + 1:
            # It is archived and pruned: without it nobody can say that nothing else differs.
            raise Refused(UnknownThing(kind="event", name=f"@{after + 1}"))
        between = (one for one in events if one.position <= until and type(one.event) in projection.handles)
        keys.update(key for one in between for key in projection.keys(one))
        after = events[-1].position
    return keys


async def _rows(
    context: Context,
    projection: AnyProjection,
    owner: ProjectId | None,
    keys: Sequence[str],
    position: int,
    after: Position | None,
) -> tuple[dict[str, Cells], bool]:
    """Rows of the project by key as of a position, and whether the read model is not there yet."""
    request = RowsOfKeys(projection=projection, project=owner or "", keys=tuple(keys), as_of=position)
    answer = await ask(context, request, after)
    return {row.key: row._asdict() for row in answer.rows}, answer.stale


def _told(key: str, before: Cells | None, now: Cells | None) -> tuple[RowDifference, Callable[[], str]]:
    kind = ChangeKind.ADDED if before is None else ChangeKind.REMOVED if now is None else ChangeKind.CHANGED
    changes = [change_of(one) for one in differences(before or {}, now or {})]
    return RowDifference(key=key, kind=kind, changes=changes), lambda: key
