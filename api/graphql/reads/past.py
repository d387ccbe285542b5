"""States, differences and causes, folded from the log for whoever may see the events."""

from dataclasses import replace

from api.graphql.context import Context
from api.graphql.errors import AnswerTooLarge, Refused
from api.graphql.reads.asked import Asked, bookmarks_of, position_at, text
from api.graphql.types.past import (
    Bookmark,
    Bookmarks,
    Difference,
    DifferenceFound,
    EventFound,
    StateFound,
    change_of,
    detail_of,
    state_of,
)
from domain.kernel.decider import Recorded
from domain.kernel.errors import Rejection, UnknownThing
from domain.kernel.ids import Position, ProjectId
from domain.kernel.past.causes import Causes, pruned
from domain.kernel.past.errors import PointsReversed
from domain.kernel.past.steps import Stood
from domain.kernel.past.trees import Missing, at_path, differences, path_of
from domain.kernel.text import shown

CHANGES_MAX = 1_000
"""Fields that one difference tells; a large state that differs everywhere is asked as two states."""


async def state(context: Context, stream: str, path: str | None, asked: Asked) -> StateFound:
    """The folded state of a stream, or a part of it. A foreign stream is answered like an absent one."""
    at, stale = await moment(context, asked)
    stood = await _stood(context, stream, at)
    if stood is None:
        return StateFound(state=None, position=at, stale=stale)
    wanted = path_of(text(path) or "")
    part = at_path(stood.tree, wanted)
    if isinstance(part, Missing):
        raise Refused(UnknownThing(kind="part of the state", name=shown(path or "")))
    return StateFound(state=state_of(stood, part, wanted), position=at, stale=stale)


async def difference(context: Context, stream: str, earlier: str, asked: Asked) -> DifferenceFound:
    """What a stream has differently at two points, field by field."""
    after = await position_at(context, earlier)
    at, stale = await moment(context, asked)
    if after > at:
        raise Refused(PointsReversed(earlier=after, later=at))
    before, now = await _stood(context, stream, after), await _stood(context, stream, at)
    if before is None or now is None:
        return DifferenceFound(difference=None, position=at, stale=stale)
    changes = [change_of(one) for one in differences(before.tree, now.tree)]
    if len(changes) > CHANGES_MAX:
        raise Refused(AnswerTooLarge(what="changes", limit=CHANGES_MAX))
    found = Difference(stream=stream, version_before=before.version, version_after=now.version, changes=changes)
    return DifferenceFound(difference=found, position=at, stale=stale)


async def event(context: Context, asked: Asked) -> EventFound:
    """The event at a position with its causes and effects. A foreign one is answered like an absent one."""
    at, stale = await moment(context, asked)
    found = None if stale else await context.services.past.event(at)
    if found is None or not _may_see(context, found):
        return EventFound(event=None, position=at, stale=stale)
    causes = _seen(context, await context.services.past.causes(found))
    return EventFound(event=detail_of(causes), position=at, stale=stale)


async def bookmarks(context: Context, project: str, asked: Asked) -> Bookmarks:
    """The names of positions in a project."""
    found = await context.project("read.projects", project)
    at, stale = await moment(context, asked)
    names = {} if found is None else await bookmarks_of(context, found, at)
    shown = [Bookmark(name=name, bookmarked=Position(position)) for name, position in sorted(names.items())]
    return Bookmarks(bookmarks=shown, position=at, stale=stale)


async def moment(context: Context, asked: Asked) -> tuple[Position, bool]:
    """The position that is answered for, and whether the log is not there yet."""
    fresh = await context.log_is_at(asked.after)
    head = context.services.events.head()
    at = head if asked.as_of is None else asked.as_of
    return Position(min(at, head)), not fresh or head < at


async def _stood(context: Context, stream: str, position: int) -> Stood | None:
    first = await context.services.past.first(text(stream) or "")
    if first is None or not _may_see(context, first):
        return None
    found = await context.services.past.state(stream, position)
    return None if isinstance(found, Rejection) else found


def _may_see(context: Context, one: Recorded) -> bool:
    """Whether the events of its stream are the caller's to read; agents ask for their own sessions elsewhere.

    Raises Refused where the caller may read no events at all.
    """
    if not context.sees(one.project):
        return False
    context.require("read.events", ProjectId(one.project), own=False)
    return True


def _seen(context: Context, causes: Causes) -> Causes:
    """Without what belongs to projects that the caller does not see, and what that led to."""
    return replace(
        causes,
        chain=tuple(one for one in causes.chain if context.sees(one.project)),
        siblings=tuple(one for one in causes.siblings if context.sees(one.project)),
        effects=pruned(causes.effects, lambda one: context.sees(one.project)),
    )
