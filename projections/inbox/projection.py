"""How messages come into inboxes and are read."""

from typing import Final, assert_never, cast, get_args

from domain.kernel.decider import Recorded
from domain.note.events import MessagesAcknowledged, MessageSent
from projections.inbox.rows import MessageRow
from projections.kernel.projection import Projection, worded

InboxEvent = MessageSent | MessagesAcknowledged


def keys(recorded: Recorded) -> tuple[str, ...]:
    """A message is unique in its inbox only; an acknowledgement is about all that waited, which is bounded."""
    event = cast(InboxEvent, recorded.event)
    match event:
        case MessageSent():
            return (f"{recorded.stream}/{event.number}",)
        case MessagesAcknowledged():
            return tuple(f"{recorded.stream}/{number}" for number in range(event.after + 1, event.through + 1))
        case _:
            assert_never(event)


def evolve(row: MessageRow | None, recorded: Recorded, key: str) -> MessageRow | None:
    """The row after the event."""
    event = cast(InboxEvent, recorded.event)
    match event:
        case MessageSent():
            return row or _begun(event, recorded, key)
        case MessagesAcknowledged():
            return None if row is None else row._replace(read=True, read_at=event.at)
        case _:
            assert_never(event)


def _begun(event: MessageSent, recorded: Recorded, key: str) -> MessageRow:
    return MessageRow(
        key=key,
        project=recorded.project,
        position=recorded.position,
        session=event.to,
        number=event.number,
        kind=event.kind,
        author=event.author,
        sender=event.session,
        agent=event.agent,
        text=event.text,
        claim=event.claim,
        token=event.token,
        read=False,
        sent_at=event.at,
        read_at=None,
    )


INBOX: Final = Projection(
    name="inbox",
    version=1,
    row=MessageRow,
    handles=frozenset(get_args(InboxEvent)),
    begins=frozenset({MessageSent}),
    keys=keys,
    evolve=evolve,
    words=worded(agent="text", text="text"),
    indexes=(("session", "position"),),
)
