"""What is told as it happens: the log from a position on, without gap or repeat."""

from collections.abc import AsyncGenerator
from typing import Annotated, Final

import strawberry

from api.graphql.asking import Asking
from api.graphql.context import Context
from api.graphql.errors import KeyNotValid, Refused
from api.graphql.reads.rows import checked_types
from api.graphql.types.history import LogEvent, event_of
from domain.kernel.ids import Position, ProjectId
from domain.principal.allow import allow

PAGE_EVENTS: Final = 200
CHECK_SECONDS: Final = 2.0
"""Where nothing happens, this often it is looked whether the key still opens."""


@strawberry.type
class Subscription:
    """Streams over a websocket (graphql-transport-ws) or server-sent events."""

    @strawberry.subscription
    async def events(
        self,
        info: Asking,
        project: str | None = None,
        after: Annotated[
            Position | None,
            strawberry.argument(description="Go on behind this position; null: behind the latest event."),
        ] = None,
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
            _require_still(context, found)
            for one in page:
                position = one.position
                if (found is None or one.project == found) and (not wanted or type(one.event).TYPE in wanted):
                    # A slow reader may take long over a page.
                    _require_still(context, found)
                    context.cursor = position
                    yield event_of(one)
            context.cursor = position
            if not page:
                await context.services.events.wait_beyond(position, CHECK_SECONDS)


def _require_still(context: Context, project: ProjectId | None) -> None:
    """The key may have been revoked, expired, or lost the project. Raises Refused."""
    principal = context.services.principals.authenticate(context.caller.secret)
    if principal is None:
        raise Refused(KeyNotValid())
    refused = allow(principal, "read.events", project, own=False)
    if refused is not None:
        raise Refused(refused)
