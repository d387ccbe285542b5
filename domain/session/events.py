"""What happened to a session."""

from typing import ClassVar, Literal

from domain.kernel.ids import Instant
from domain.kernel.message import Event
from domain.kernel.values import Scalar


class SessionOpened(Event):
    """A life of the session began; every former incarnation is fenced."""

    TYPE: ClassVar[str] = "session.opened.v1"
    incarnation: int
    projects: tuple[str, ...]
    """Ids of the projects it serves."""
    name: str
    tool: str
    model: str
    host: str
    capabilities: dict[str, Scalar | tuple[Scalar, ...]]
    capacity: int
    ttl_seconds: int
    owner: str
    """Principal that opened it; only the owner speaks for the session."""
    at: Instant


class SessionSuspected(Event):
    """A beat was missed; nothing is released."""

    TYPE: ClassVar[str] = "session.suspected.v1"
    incarnation: int
    renewed_at: Instant
    at: Instant


class SessionRecovered(Event):
    """The suspect was heard again."""

    TYPE: ClassVar[str] = "session.recovered.v1"
    incarnation: int
    at: Instant


class SessionLost(Event):
    """The lease ran out."""

    TYPE: ClassVar[str] = "session.lost.v1"
    incarnation: int
    renewed_at: Instant
    at: Instant


class SessionEnded(Event):
    """The session said goodbye."""

    TYPE: ClassVar[str] = "session.ended.v1"
    incarnation: int
    at: Instant


class SessionAttemptStarted(Event):
    """The session took a task."""

    TYPE: ClassVar[str] = "session.attempt_started.v1"
    project: str
    task: str
    token: int


class SessionAttemptEnded(Event):
    """The session no longer owns the task."""

    TYPE: ClassVar[str] = "session.attempt_ended.v1"
    project: str
    token: int
    outcome: Literal["completed", "failed", "released", "lost", "cancelled", "timeout", "lost_delivery"]


class SessionGrantTaken(Event):
    """The session holds locks of its own, outside any attempt."""

    TYPE: ClassVar[str] = "session.grant_taken.v1"
    project: str
    token: int


class SessionGrantGone(Event):
    """Locks of the session's own were released."""

    TYPE: ClassVar[str] = "session.grant_gone.v1"
    project: str
    token: int
