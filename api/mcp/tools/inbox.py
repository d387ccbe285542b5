"""inbox: messages to the session, and that they were read."""

from typing import Annotated, Final

from pydantic import Field

from api.mcp.answers import Fields, present, untrusted
from api.mcp.arguments import Arguments, Name
from api.mcp.call import Call
from projections.inbox.queries import MessagePage
from projections.inbox.rows import MessageRow

MESSAGES_TOLD_MAX: Final = 20


class Inbox(Arguments):
    """What others wrote to me."""

    acknowledge: Annotated[
        int | None, Field(ge=1, le=2**53, description="Number of the last message that you have read and dealt with")
    ] = None
    project: Name | None = None


async def inbox(call: Call, arguments: Inbox) -> Fields:
    """What waits, oldest first; it waits until it is acknowledged, also for the session's next life."""
    await call.presence()
    project = await call.project(arguments.project, "read.messages")
    if arguments.acknowledge is not None:
        wish = {"project": project, **call.life_fields(), "through": arguments.acknowledge}
        await call.submit("acknowledge_messages", wish)
    session, _ = call.life()
    page = await call.ask(MessagePage(project=project, session=session, read=False, limit=MESSAGES_TOLD_MAX))
    rows: list[MessageRow] = list(page.rows)
    told: Fields = {"messages": [_shown(row) for row in rows], "more": page.next_cursor is not None}
    last = max((row.number for row in rows), default=0)
    advice = f"Once you have dealt with them call inbox with acknowledge {last}." if rows else "Nothing waits."
    return {**present(**told), "next": advice}


def _shown(row: MessageRow) -> Fields:
    author = row.sender or row.author
    asks = row.kind == "please_release"
    return present(
        number=row.number,
        asks_you_to_release=row.claim if asks else None,
        token=str(row.token) if asks and row.token is not None else None,
        message=untrusted(row.text, f"{author}/{row.agent}" if row.agent else author, len(row.text)),
        answer_to=row.sender,
        at=row.sent_at,
    )
