"""What an inbox shows of a message."""

from typing import NamedTuple

from domain.note.events import MessageKind


class MessageRow(NamedTuple):
    """A message in the inbox of a session. Instants are microseconds since 1970."""

    key: str
    """``inbox/number``."""
    project: str
    position: int
    """Of its event; the later message has the larger one."""
    session: str
    """Whose inbox it is."""
    number: int
    """From 1, in the order of the inbox; acknowledge by it."""
    kind: MessageKind
    author: str
    """Principal who wrote it."""
    sender: str | None
    """Session for which that was."""
    agent: str
    """What a sub-agent called itself; nobody checked it."""
    text: str
    claim: str
    """The claim of the receiver's that is meant; empty where none is."""
    token: int | None
    """Under which the receiver held it."""
    read: bool
    sent_at: int
    read_at: int | None
