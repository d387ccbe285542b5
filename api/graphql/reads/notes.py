"""Boards and inboxes from their read models."""

from functools import partial

import strawberry

from api.graphql.context import Context
from api.graphql.pages import Connection, connection
from api.graphql.reads.asked import Asked, ask, text
from api.graphql.reads.rows import is_own
from api.graphql.types.note import InboxMessage, Note, message_of, note_of
from projections.blackboard.queries import NotePage
from projections.blackboard.rows import NoteRow
from projections.inbox.queries import MessagePage
from projections.inbox.rows import MessageRow
from projections.kernel.requests import cursor_after


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
    rows: tuple[NoteRow, ...] = page.rows
    selection = request.selection()
    return connection(
        [(note_of(row), partial(cursor_after, selection, row)) for row in rows],
        next_cursor=page.next_cursor,
        position=page.position,
        stale=page.stale,
    )


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
    rows: tuple[MessageRow, ...] = page.rows
    selection = request.selection()
    return connection(
        [(message_of(row), partial(cursor_after, selection, row)) for row in rows],
        next_cursor=page.next_cursor,
        position=page.position,
        stale=page.stale,
    )
