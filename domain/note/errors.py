"""Refusals of boards and inboxes."""

from typing import ClassVar

from domain.kernel.errors import RefusalKind, Rejection


class WriterUnclear(Rejection):
    """A session and its incarnation are named together or not at all.

    Pass both, as they were told when the session was opened.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.BAD_PATTERN
    HTTP_STATUS: ClassVar[int] = 422


class UnknownNote(Rejection):
    """The board has no note {number}; the latest is {last}.

    Read the board, and answer a note that is there.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.BAD_PATTERN
    HTTP_STATUS: ClassVar[int] = 404
    number: int
    last: int


class TooManyNotes(Rejection):
    """{author} wrote {most} notes on this board within {seconds} s, which is the limit.

    Write less often: one note that says all. Try again in a few minutes.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.LIMIT
    HTTP_STATUS: ClassVar[int] = 429
    author: str
    most: int
    seconds: int


class ReceiverHasEnded(Rejection):
    """The session {session} has ended; nobody would read it.

    Write a note on the board of the task, where whoever comes next finds it.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.CONFLICT
    session: str


class NobodyHolds(Rejection):
    """No other session holds anything that meets {claim}.

    Acquire it.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.CONFLICT
    claim: str


class InboxFull(Rejection):
    """{waiting} messages wait in the inbox of {session} that it has not read, which is the limit.

    Wait until it has read them, or write a note on the board of its task.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.LIMIT
    HTTP_STATUS: ClassVar[int] = 429
    session: str
    waiting: int


class TooManyMessages(Rejection):
    """{waiting} messages of {author} wait in the inbox of {session} that it has not read, which is the limit.

    Wait until it has read them.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.LIMIT
    HTTP_STATUS: ClassVar[int] = 429
    session: str
    author: str
    waiting: int


class MessageNotThere(Rejection):
    """The inbox of {session} has no message {number}; the latest is {last}.

    Acknowledge up to a message that you have read.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.BAD_PATTERN
    HTTP_STATUS: ClassVar[int] = 422
    session: str
    number: int
    last: int
