"""What may be asked of boards and inboxes."""

from typing import Annotated, ClassVar

from pydantic import Field, StringConstraints

from domain.kernel.message import COUNT_MAX, ProjectCommand
from domain.kernel.text import Reference
from domain.note.events import MessageKind

NOTE_CHARACTERS_MAX = 4_096
Words = Annotated[str, StringConstraints(min_length=1, max_length=NOTE_CHARACTERS_MAX)]
AgentName = Annotated[str, StringConstraints(max_length=100)]


class WriterCommand(ProjectCommand):
    """A command of somebody who writes: a life of a session, or a person without one. No other name can be given."""

    session: Reference | None = None
    incarnation: int | None = Field(default=None, ge=1, le=COUNT_MAX)
    """Of the session; both or neither."""
    agent: AgentName = ""
    """What the sub-agent that writes calls itself inside the session."""


class PostNote(WriterCommand):
    """Write on the board of the project, or of one of its tasks."""

    NAME: ClassVar[str] = "post_note"
    text: Words
    task: Reference | None = None
    """The task whose board it is; None is the project's."""
    answers: int | None = Field(default=None, ge=1, le=COUNT_MAX)
    """Number of the note of that board that began the thread; None begins one."""


class SendMessage(WriterCommand):
    """Write into the inbox of a session, or of everybody who holds what meets a claim."""

    NAME: ClassVar[str] = "send_message"
    to: str = Field(min_length=1, max_length=600)
    """Id of a session, or a claim such as ``path:repo//src/**``: then it goes to all who hold what meets it."""
    text: Words
    kind: MessageKind = "message"
    """``please_release`` asks a holder to give back what is meant."""


class AcknowledgeMessages(ProjectCommand):
    """Say that the messages of a project up to a number are read. Saying it twice changes nothing."""

    NAME: ClassVar[str] = "acknowledge_messages"
    session: Reference
    incarnation: int = Field(ge=1, le=COUNT_MAX)
    through: int = Field(ge=1, le=COUNT_MAX)
    """Number of the last message that was read."""
