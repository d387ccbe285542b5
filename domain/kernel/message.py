"""What passes through the system: commands ask, events state, answers reply. All frozen and strict."""

from typing import ClassVar, Final, Literal, NamedTuple, Self

from pydantic import BaseModel, ConfigDict

from domain.kernel.ids import CommandId, Instant, PrincipalId, ProjectId, StreamId
from domain.kernel.text import Reference

COUNT_MAX: Final = 2**53
"""Largest whole number in a message; what reads JSON with floating numbers keeps every digit of it."""


class Message(BaseModel):
    """A value: equal by content, never changed after it was made."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")


class Command(Message):
    """A wish, named by an imperative. ``NAME`` is what the doors for machines call it."""

    NAME: ClassVar[str]
    SCOPE: ClassVar[Literal["project", "fleet"]] = "project"
    """Whether the command belongs to the project that it names, or to the fleet."""
    ASKS: ClassVar[bool] = False
    """Whether it only asks. Such a command changes nothing and leaves no receipt: repeated, it is answered anew."""


class ProjectCommand(Command):
    """A command inside one project, named by slug or id; the edge resolves it into the stamp."""

    project: Reference


class FleetCommand(Command):
    """A command on something that no single project owns."""

    SCOPE = "fleet"


class Event(Message):
    """A fact, named by noun and past participle. ``TYPE`` is the stored name and is never reused."""

    TYPE: ClassVar[str]

    @classmethod
    def read(cls, state: bytes) -> Self:
        """The event of a stored JSON text; unknown fields are ignored, so old code reads newer rows."""
        # What model_validate_json does, without its checks of our arguments: every event that is read comes through.
        event: Self = cls.__pydantic_validator__.validate_json(state, strict=False, extra="ignore")
        return event

    def stored(self) -> bytes:
        """The plain JSON text that is hashed and kept."""
        return self.__pydantic_serializer__.to_json(self)


class Answer(Message):
    """What an accepted command replies."""


class Done(Answer):
    """The command was accepted and has nothing to add."""


class CommandKey(NamedTuple):
    """What a receipt is found by: an id belongs to whoever chose it, in one project."""

    command_id: str
    project: str
    principal: str


class Stamp(NamedTuple):
    """Who asked, when, and as part of what; set once, at the edge."""

    command_id: CommandId
    project: ProjectId
    principal: PrincipalId
    time: Instant
    correlation_id: str
    causation_id: str | None = None
    traceparent: str | None = None
    sees: frozenset[ProjectId] | None = None
    """Projects that the principal may know of; None is every one."""

    @property
    def key(self) -> CommandKey:
        """What its receipt is found by. Ids and chance of the decision come from all of it."""
        return CommandKey(self.command_id, self.project, self.principal)

    @property
    def seed(self) -> str:
        """The same as one text."""
        return "\x1f".join(self.key)


class KeyRow(NamedTuple):
    """A unique name that an append inserts: (scope, kind, name) leads to one stream for ever."""

    scope: ProjectId
    kind: str
    name: str
    stream: StreamId
