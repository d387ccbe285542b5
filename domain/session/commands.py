"""What may be asked of sessions."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field, StringConstraints

from domain.kernel.message import COUNT_MAX, FleetCommand
from domain.kernel.text import Reference
from domain.session.events import Signal

Label = Annotated[str, StringConstraints(max_length=200)]
Note = Annotated[str, StringConstraints(max_length=500)]
PoolName = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"),
    Field(description="1 to 100 letters, digits and . _ -, beginning with a letter or digit"),
]
Number = int | Annotated[float, Field(allow_inf_nan=False)]
Capability = bool | Number | Label
CapabilityKey = Annotated[str, StringConstraints(min_length=1, max_length=100)]
CapabilitySet = Annotated[tuple[Capability, ...], Field(max_length=100)]
TTL_SECONDS_MIN = 10
TTL_SECONDS_MAX = 86_400


class OpenSession(FleetCommand):
    """Connect one agent run, or bring a former one back to life as its next incarnation."""

    NAME: ClassVar[str] = "open_session"
    projects: tuple[Reference, ...] = Field(min_length=1, max_length=100)
    """Projects that it may serve, by slug or id."""
    resume: Reference | None = None
    """Id of a session to take up again; its next incarnation fences the former one."""
    began: Literal["resume", "fork", "restart"] = "resume"
    """Why there is a next life, where ``resume`` names a session."""
    name: Label = ""
    role: Label = ""
    """Its part in the work, such as lead or reviewer; a label that opens nothing."""
    tool: Label = "shell"
    """claude-code, codex, gemini, ollama, shell, human or any other."""
    model: Label = ""
    host: Label = ""
    worktree: Annotated[str, StringConstraints(max_length=1_000)] = ""
    parent: Reference | None = None
    """Session above it. Where absent, a next life stays where the former one stood, if that session still lives."""
    capabilities: dict[CapabilityKey, Capability | CapabilitySet] = Field(default_factory=dict, max_length=100)
    """What tasks may require: booleans, numbers, words, and sets of them."""
    capacity: int = Field(default=1, ge=1, le=256)
    credential_pool: PoolName | None = None
    """Credentials whose quota it spends; sessions that share them are stopped together when it is used up."""
    takes_pushed: bool = False
    """Whether work may be given to it unasked: it listens to what its heartbeats are answered, and fetches it."""
    renewed_by: Literal["beats", "calls"] = "beats"
    """``calls``: nothing beats beside the agent, so only what it asks tells that it lives, and the lease is longer."""
    ttl_seconds: int | None = Field(default=None, ge=TTL_SECONDS_MIN, le=TTL_SECONDS_MAX)
    """60 where something beats, 1,800 where only calls renew."""


class SessionCommand(FleetCommand):
    """A command on one life of a session."""

    session: Reference
    incarnation: int = Field(ge=1, le=COUNT_MAX)


class EndSession(SessionCommand):
    """Say goodbye; attempts that still live end by the loss rule."""

    NAME: ClassVar[str] = "end_session"
    cascade: bool = False
    """End the sessions below, too; else the one above adopts them."""


class SignalSession(SessionCommand):
    """Say what a session does now. The log hears of it where that differs from before."""

    NAME: ClassVar[str] = "signal_session"
    signal: Signal
    tool: Label = ""
    """The tool that started or ended."""
    seconds: int | None = Field(default=None, ge=1, le=TTL_SECONDS_MAX)
    """How long the tool may take, at most 30 minutes of which hold the lease; or when a refused quota is restored."""
    digest: Annotated[str, StringConstraints(max_length=128)] = ""
    note: Note = ""


class DrainSession(FleetCommand):
    """Give the session no new attempts; it ends with the last one that it has."""

    NAME: ClassVar[str] = "drain_session"
    session: Reference
    reason: Note = ""
    cascade: bool = False
    """Drain the sessions below, too."""


class UndrainSession(FleetCommand):
    """Let a draining session take attempts again."""

    NAME: ClassVar[str] = "undrain_session"
    session: Reference


class ReparentSession(FleetCommand):
    """Put a session below another one, or below none."""

    NAME: ClassVar[str] = "reparent_session"
    session: Reference
    parent: Reference | None = None


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
