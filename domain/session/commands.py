"""What may be asked of sessions."""

from typing import Annotated, ClassVar

from pydantic import Field, StringConstraints

from domain.kernel.message import FleetCommand
from domain.kernel.values import Scalar

Label = Annotated[str, StringConstraints(max_length=200)]


class OpenSession(FleetCommand):
    """Connect one agent run, or bring a former one back to life as its next incarnation."""

    NAME: ClassVar[str] = "open_session"
    projects: tuple[str, ...] = Field(min_length=1, max_length=100)
    """Projects that it may serve, by slug or id."""
    resume: str | None = None
    """Id of a session to take up again; its next incarnation fences the former one."""
    name: Label = ""
    tool: Label = "shell"
    model: Label = ""
    host: Label = ""
    capabilities: dict[str, Scalar | tuple[Scalar, ...]] = Field(default_factory=dict, max_length=100)
    capacity: int = Field(default=1, ge=1, le=256)
    ttl_seconds: int = Field(default=60, ge=10, le=86_400)


class SessionCommand(FleetCommand):
    """A command on one life of a session."""

    session: str
    incarnation: int = Field(ge=1)


class EndSession(SessionCommand):
    """Say goodbye; attempts that still live end by the loss rule."""

    NAME: ClassVar[str] = "end_session"


class SuspectSession(SessionCommand):
    """A beat was missed (derived); nothing is released."""

    NAME: ClassVar[str] = "suspect_session"
    renewed_at: int


class RecoverSession(SessionCommand):
    """A suspect renewed its lease (derived)."""

    NAME: ClassVar[str] = "recover_session"


class LoseSession(SessionCommand):
    """The lease ran out (derived): attempts end, locks follow their loss rule."""

    NAME: ClassVar[str] = "lose_session"
    renewed_at: int
    """The renewal stamp that was read; the append refuses if the lease was renewed since."""
