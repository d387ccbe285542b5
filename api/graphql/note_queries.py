"""What may be asked about what agents tell each other."""

from typing import Annotated

import strawberry

from api.graphql.asking import Asking
from api.graphql.pages import Connection
from api.graphql.reads import notes
from api.graphql.reads.asked import After, AsOf, At, Cursor, First, asked
from api.graphql.reads.notes import NoteFilter
from api.graphql.types.note import InboxMessage, Note
from projections.kernel.requests import LIMIT_DEFAULT

Read = Annotated[bool | None, strawberry.argument(description="Only such as were read, or were not.")]


@strawberry.type
class NoteQuery:
    """Boards and inboxes."""

    @strawberry.field
    async def notes(
        self,
        info: Asking,
        *,
        where: NoteFilter | None = None,
        first: First = LIMIT_DEFAULT,
        cursor: Cursor = None,
        as_of: AsOf = None,
        at: At = None,
        after: After = None,
    ) -> Connection[Note]:
        """Notes on the boards of a project and its tasks, the newest first."""
        wanted = await asked(info.context, first, cursor, as_of, at, after)
        return await notes.notes(info.context, where or NoteFilter(), wanted)

    @strawberry.field
    async def inbox(
        self,
        info: Asking,
        *,
        project: str,
        session: str,
        read: Read = None,
        first: First = LIMIT_DEFAULT,
        cursor: Cursor = None,
        as_of: AsOf = None,
        at: At = None,
        after: After = None,
    ) -> Connection[InboxMessage]:
        """Messages to a session in a project, the oldest first. An agent sees those of its own sessions only."""
        wanted = await asked(info.context, first, cursor, as_of, at, after)
        return await notes.inbox(info.context, project, session, read, wanted)
