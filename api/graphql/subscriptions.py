"""What is told as it happens: the log from a position on, without gap or repeat."""

from collections.abc import AsyncGenerator
from typing import Annotated

import strawberry

from api.graphql.asking import Asking
from api.graphql.reads.changes import CHECK_SECONDS, PAGE_EVENTS, changes, require_still
from api.graphql.reads.rows import checked_types
from api.graphql.reads.watches import LOCKS, RUNS, TASKS, sessions_for
from api.graphql.types.changes import LockChange, SessionChange, TaskChange
from api.graphql.types.history import LogEvent, event_of
from api.graphql.types.run import RunChange
from domain.kernel.ids import Position

Behind = Annotated[
    Position | None, strawberry.argument(description="Go on behind this position; null: behind the latest event.")
]


@strawberry.type
class Subscription:
    """Streams over a websocket (graphql-transport-ws) or server-sent events."""

    @strawberry.subscription
    async def events(
        self,
        info: Asking,
        project: str | None = None,
        after: Behind = None,
        types: list[str] | None = None,
    ) -> AsyncGenerator[LogEvent, None]:
        """Events of a project, or of all where the key sees all, each once and in order."""
        context = info.context
        wanted = frozenset(checked_types(types))
        found = await context.project("read.events", project, own=False)
        position = context.services.events.head() if after is None else after
        context.started = context.cursor = position
        while True:
            page = await context.services.events.page(after=position, limit=PAGE_EVENTS)
            require_still(context, "read.events", found, own=False)
            for one in page:
                position = one.position
                if (found is None or one.project == found) and (not wanted or type(one.event).TYPE in wanted):
                    # A slow reader may take long over a page.
                    require_still(context, "read.events", found, own=False)
                    context.cursor = position
                    yield event_of(one)
            context.cursor = position
            if not page:
                await context.services.events.wait_beyond(position, CHECK_SECONDS)

    @strawberry.subscription
    async def task_board(
        self, info: Asking, project: str | None = None, after: Behind = None
    ) -> AsyncGenerator[TaskChange, None]:
        """Tasks as they change: the latest state of each, in order of its latest change."""
        async for one in changes(info.context, TASKS, project, after):
            yield TaskChange(position=Position(one.position), id=strawberry.ID(one.key), task=one.now)

    @strawberry.subscription
    async def pipeline_runs(
        self, info: Asking, project: str | None = None, after: Behind = None
    ) -> AsyncGenerator[RunChange, None]:
        """Runs as they change: the latest state of each, in order of its latest change."""
        async for one in changes(info.context, RUNS, project, after):
            yield RunChange(position=Position(one.position), id=strawberry.ID(one.key), run=one.now)

    @strawberry.subscription
    async def session_roster(
        self, info: Asking, project: str | None = None, after: Behind = None
    ) -> AsyncGenerator[SessionChange, None]:
        """Sessions as they change: the latest state of each, in order of its latest change."""
        async for one in changes(info.context, sessions_for(info.context), project, after):
            yield SessionChange(position=Position(one.position), id=strawberry.ID(one.key), session=one.now)

    @strawberry.subscription
    async def lock_map(
        self, info: Asking, project: str | None = None, after: Behind = None
    ) -> AsyncGenerator[LockChange, None]:
        """Locks as they are taken and given back; `lock` is null where all that the token held is free."""
        async for one in changes(info.context, LOCKS, project, after):
            yield LockChange(position=Position(one.position), id=strawberry.ID(one.key), lock=one.now)
