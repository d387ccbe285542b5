"""The queue of locks from its read model."""

from api.graphql.context import Context
from api.graphql.pages import Connection
from api.graphql.reads.asked import Asked, ask, connection_of, text
from api.graphql.types.lock_request import LockRequest, lock_request_of
from projections.lock_queue.queries import LockQueuePage


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
    return connection_of(request, page, lock_request_of)
