"""Says in words what is written on boards and into inboxes."""

from typing import assert_never

from domain.note.events import MessagesAcknowledged, MessageSent, NotePosted
from projections.timeline.task_words import with_detail

NoteTurn = NotePosted | MessageSent | MessagesAcknowledged


def note_turn(event: NoteTurn) -> str:
    """One line. What a message says is for its reader, so only that there was one is told."""
    match event:
        case NotePosted():
            what = f"note {event.number}" if event.answers is None else f"answer to note {event.answers}"
            return with_detail(what, event.text)
        case MessageSent():
            writer = event.session or event.author
            if event.kind == "please_release":
                return f"{writer} asks {event.to} to release {event.claim or 'something'}"
            return f"{writer} writes to {event.to}"
        case MessagesAcknowledged():
            return f"{event.session} has read its messages up to {event.through}"
        case _:
            assert_never(event)
