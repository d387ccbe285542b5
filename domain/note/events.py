"""What was written on a board or into an inbox, and what was read."""

from typing import ClassVar, Literal

from domain.kernel.ids import Instant
from domain.kernel.message import Event

MessageKind = Literal["message", "please_release"]


class NotePosted(Event):
    """Somebody wrote on a board."""

    TYPE: ClassVar[str] = "note.posted.v1"
    task: str | None
    """Id of the task whose board it is; None is the project's."""
    number: int
    """From 1, in the order of the board."""
    answers: int | None
    """Number of the note that began the thread; None where this one begins it."""
    author: str
    """Principal who asked, as the edge stamped it."""
    session: str | None
    incarnation: int | None
    agent: str
    """What the sub-agent called itself: a word of the session's, which nobody checked."""
    text: str
    at: Instant


class MessageSent(Event):
    """Somebody wrote into the inbox of a session."""

    TYPE: ClassVar[str] = "message.sent.v1"
    to: str
    """The session."""
    number: int
    """From 1, in the order of the inbox."""
    kind: MessageKind
    author: str
    """As in a note, with the three that follow."""
    session: str | None
    incarnation: int | None
    agent: str
    text: str
    claim: str
    """The claim of the receiver's that is meant; empty where none is."""
    token: int | None
    """Under which the receiver holds it."""
    at: Instant


class MessagesAcknowledged(Event):
    """The session has read its messages up to a number; its next life goes on behind it."""

    TYPE: ClassVar[str] = "message.acknowledged.v1"
    session: str
    incarnation: int
    after: int
    """Number up to which they were read before."""
    through: int
    at: Instant
