"""Boards and inboxes from their read models."""

import strawberry

from api.graphql.context import Context
from api.graphql.pages import Connection
from api.graphql.reads.asked import Asked, ask, connection_of, text
from api.graphql.reads.rows import is_own
from api.graphql.types.note import InboxMessage, Note, message_of, note_of
from projections.blackboard.queries import NotePage
from projections.inbox.queries import MessagePage


@strawberry.input
class NoteFilter:
    """Which notes; what is null is not asked."""

    project: str | None = None
    task_id: str | None = None
    thread: int | None = strawberry.field(default=None, description="Of one board: beside `taskId`, or of the project.")
    session: str | None = None
    author: str | None = None


async def notes(context: Context, where: NoteFilter, asked: Asked) -> Connection[Note]:
    """A page of notes, the newest first."""
    request = NotePage(
        project=await context.project("read.notes", where.project),
        task=text(where.task_id),
        thread=where.thread,
        session=text(where.session),
        author=text(where.author),
        limit=asked.first,
        cursor=asked.cursor,
        as_of=asked.as_of,
    )
    page = await ask(context, request, asked.after)
    return connection_of(request, page, note_of)


async def inbox(
    context: Context, project: str, session: str, read: bool | None, asked: Asked
) -> Connection[InboxMessage]:
    """A page of messages, the oldest first. An agent reads those of its own sessions only."""
    name = text(session) or ""
    request = MessagePage(
        project=await context.project("read.messages", project, own=await is_own(context, name)),
        session=name,
        read=read,
        limit=asked.first,
        cursor=asked.cursor,
        as_of=asked.as_of,
    )
    page = await ask(context, request, asked.after)
    return connection_of(request, page, message_of)
