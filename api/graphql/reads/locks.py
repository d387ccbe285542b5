"""The queue of locks from its read model."""

from collections.abc import Callable

from api.graphql.context import Context
from api.graphql.pages import Connection, connection
from api.graphql.reads.asked import Asked, ask, text
from api.graphql.types.lock_request import LockRequest, lock_request_of
from projections.kernel.requests import Selection, cursor_after
from projections.lock_queue.queries import LockQueuePage
from projections.lock_queue.rows import LockQueueRow


async def lock_requests(
    context: Context, project: str | None, session: str | None, task: str | None, resource: str | None, asked: Asked
) -> Connection[LockRequest]:
    """A page of requests that wait, the first to be served first."""
    request = LockQueuePage(
        project=await context.project("read.locks", project),
        session=text(session),
        task=text(task),
        resource_text=text(resource),
        limit=asked.first,
        cursor=asked.cursor,
        as_of=asked.as_of,
    )
    page = await ask(context, request, asked.after)
    selection = request.selection()
    return connection(
        [(lock_request_of(row), _cursor(selection, row)) for row in page.rows],
        next_cursor=page.next_cursor,
        position=page.position,
        stale=page.stale,
    )


def _cursor(selection: Selection[LockQueueRow], row: LockQueueRow) -> Callable[[], str]:
    return lambda: cursor_after(selection, row)
