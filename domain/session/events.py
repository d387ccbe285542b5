"""What happened to a session."""

from typing import ClassVar, Literal

from domain.kernel.activity import Activity
from domain.kernel.ids import Instant
from domain.kernel.message import Event, Message
from domain.kernel.values import Scalar

Signal = Literal[
    "tool_started", "tool_ended", "progress", "waiting_for_person", "quota_refused", "quota_restored", "stop", "exit"
]
"""What a session, or whoever watches it, may say of it."""
Beginning = Literal["new", "resume", "fork", "restart"]


class HeldThing(Message):
    """What a life held when it was over: an attempt with its task, or locks outside any attempt."""

    project: str
    token: int
    task: str | None


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
    parent: str | None = None
    """Session above it in the hierarchy."""
    role: str = ""
    """Label of its part in the work, such as lead or reviewer; it opens nothing."""
    worktree: str = ""
    credential_pool: str | None = None
    """Name of the credentials whose quota it spends."""
    began: Beginning = "new"
    takes_pushed: bool = False
    """Whether work may be given to it unasked."""
    under_key: bool = False
    """Whether what is said of it is kept under a key; False where it began before there were keys for sessions."""


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
    held: tuple[HeldThing, ...] = ()
    """What it held until now; a life that returns is told."""


class SessionEnded(Event):
    """The session said goodbye."""

    TYPE: ClassVar[str] = "session.ended.v1"
    incarnation: int
    at: Instant
    held: tuple[HeldThing, ...] = ()
    cascade: bool = False
    """Whether the sessions below end, too; else the one above adopts them."""


class SessionStatusChanged(Event):
    """The session does something else than before, as a signal said. Claims and ends of attempts say it themselves."""

    TYPE: ClassVar[str] = "session.status_changed.v1"
    incarnation: int
    status: Activity
    signal: Signal
    tool: str
    """The tool that runs; empty where none does."""
    tool_until: Instant | None
    """The lease does not run out before this instant, because a tool keeps the session silent."""
    digest: str
    """What the sign of progress looked like, to tell it from the one before."""
    note: str
    at: Instant


class SessionDrainBegun(Event):
    """The session takes no new attempts, and ends with the last one that it has."""

    TYPE: ClassVar[str] = "session.drain_begun.v1"
    incarnation: int
    reason: str
    below: tuple[str, ...]
    """Sessions right below that are drained, too."""
    by: str
    at: Instant


class SessionDrainEnded(Event):
    """The session takes attempts again."""

    TYPE: ClassVar[str] = "session.drain_ended.v1"
    incarnation: int
    by: str
    at: Instant


class SessionReparented(Event):
    """The session stands below another one, or below none."""

    TYPE: ClassVar[str] = "session.reparented.v1"
    parent: str | None
    because: Literal["asked", "adopted"]
    """``adopted``: the one above it is gone, and the one above that took it over."""
    at: Instant


class SessionChildJoined(Event):
    """Another session stands below this one."""

    TYPE: ClassVar[str] = "session.child_joined.v1"
    child: str
    at: Instant


class SessionChildLeft(Event):
    """A session no longer stands below this one."""

    TYPE: ClassVar[str] = "session.child_left.v1"
    child: str
    at: Instant


class SessionAttemptStarted(Event):
    """The session took a task."""

    TYPE: ClassVar[str] = "session.attempt_started.v1"
    project: str
    task: str
    token: int
    locks_until: Instant | None = None
    """When the locks of the claim end however often the session is renewed; None where it has none."""


class SessionRevokeNoticed(Event):
    """The session was told that it loses an attempt: it may report until the instant, and its locks are shut then."""

    TYPE: ClassVar[str] = "session.revoke_noticed.v1"
    project: str
    task: str
    token: int
    reason: str
    until: Instant
    at: Instant


class SessionAttemptEnded(Event):
    """The session no longer owns the task."""

    TYPE: ClassVar[str] = "session.attempt_ended.v1"
    project: str
    token: int
    outcome: Literal["completed", "failed", "released", "lost", "cancelled", "timeout", "lost_delivery", "reassigned"]


class SessionGrantTaken(Event):
    """The session holds locks of its own, outside any attempt."""

    TYPE: ClassVar[str] = "session.grant_taken.v1"
    project: str
    token: int
    locks_until: Instant | None = None
    """When the locks end however often the session is renewed; None in records of a former program."""


class SessionGrantGone(Event):
    """Locks of the session's own were released."""

    TYPE: ClassVar[str] = "session.grant_gone.v1"
    project: str
    token: int
