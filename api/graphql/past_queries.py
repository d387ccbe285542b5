"""What may be asked of what happened: lines, events, states, differences and causes."""

from typing import Annotated

import strawberry

from api.graphql.asking import Asking
from api.graphql.enums import TimeOrder
from api.graphql.pages import Connection
from api.graphql.reads import log, past, row_differences, rows
from api.graphql.reads.asked import After, AsOf, At, Cursor, First, asked
from api.graphql.reads.log import EventFilter
from api.graphql.reads.rows import LineFilter
from api.graphql.scalars import PointText
from api.graphql.types.history import LogEvent, TimelineLine
from api.graphql.types.past import Bookmarks, DifferenceFound, EventFound, RowDifference, StateFound
from projections.kernel.requests import LIMIT_DEFAULT

Stream = Annotated[str, strawberry.argument(description="Name of a stream, such as `task_…`.")]


@strawberry.type
class PastQuery:
    """Folded from the log for the question; whoever may read a project's events may ask."""

    @strawberry.field
    async def state(
        self,
        info: Asking,
        *,
        stream: Stream,
        path: Annotated[
            str | None, strawberry.argument(description="Only this part, such as `grants` or `plan.needs.0`.")
        ] = None,
        as_of: AsOf = None,
        at: At = None,
        after: After = None,
    ) -> StateFound:
        """The state of a stream at a point, as decisions saw it."""
        return await past.state(info.context, stream, path, await asked(info.context, 1, None, as_of, at, after))

    @strawberry.field
    async def difference(
        self,
        info: Asking,
        *,
        stream: Stream,
        since: Annotated[PointText, strawberry.argument(description="The earlier point.")],
        as_of: AsOf = None,
        at: At = None,
        after: After = None,
    ) -> DifferenceFound:
        """What a stream has differently at two points; the later one is `asOf` or `at`, else now."""
        wanted = await asked(info.context, 1, None, as_of, at, after)
        return await past.difference(info.context, stream, since, wanted)

    @strawberry.field
    async def row_differences(
        self,
        info: Asking,
        *,
        project: str,
        model: Annotated[
            str, strawberry.argument(description="A read model that keeps its past, such as `task_board`.")
        ],
        since: Annotated[PointText, strawberry.argument(description="The earlier point, 5,000 events before at most.")],
        first: First = LIMIT_DEFAULT,
        cursor: Cursor = None,
        as_of: AsOf = None,
        at: At = None,
        after: After = None,
    ) -> Connection[RowDifference]:
        """Rows of a project that two points have differently, by key; the later point is `asOf` or `at`, else now."""
        wanted = await asked(info.context, first, cursor, as_of, at, after)
        return await row_differences.page(info.context, project, model, since, wanted)

    @strawberry.field
    async def bookmarks(
        self, info: Asking, project: str, as_of: AsOf = None, at: At = None, after: After = None
    ) -> Bookmarks:
        """Positions that have a name in a project."""
        return await past.bookmarks(info.context, project, await asked(info.context, 1, None, as_of, at, after))

    @strawberry.field
    async def event(self, info: Asking, as_of: AsOf = None, at: At = None, after: After = None) -> EventFound:
        """The event at a point, what led to it and what it led to; the last one where no point is named."""
        return await past.event(info.context, await asked(info.context, 1, None, as_of, at, after))

    @strawberry.field
    async def timeline(
        self,
        info: Asking,
        *,
        project: str | None = None,
        session: str | None = None,
        task: str | None = None,
        types: list[str] | None = None,
        where: LineFilter | None = None,
        order: TimeOrder = TimeOrder.NEWEST_FIRST,
        first: First = LIMIT_DEFAULT,
        cursor: Cursor = None,
        as_of: AsOf = None,
        at: At = None,
        after: After = None,
    ) -> Connection[TimelineLine]:
        """What happened, in words."""
        wanted = await asked(info.context, first, cursor, as_of, at, after)
        return await rows.timeline(info.context, project, session, task, types, where or LineFilter(), order, wanted)

    @strawberry.field
    async def events(
        self,
        info: Asking,
        *,
        project: str | None = None,
        types: list[str] | None = None,
        where: EventFilter | None = None,
        first: First = LIMIT_DEFAULT,
        cursor: Cursor = None,
        as_of: AsOf = None,
        at: At = None,
        after: After = None,
    ) -> Connection[LogEvent]:
        """The log itself, oldest first. A cursor is a position; a page may be short where little fits."""
        wanted = await asked(info.context, first, cursor, as_of, at, after)
        return await log.events(info.context, project, types, where or EventFilter(), wanted)
