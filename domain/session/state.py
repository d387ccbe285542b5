"""What a session is, as its decisions see it."""

from dataclasses import dataclass
from typing import Literal

from immutables import Map

from domain.kernel.activity import Activity
from domain.kernel.ids import Instant, ProjectId, StreamId
from domain.session.events import HeldThing, SessionOpened

HeldToken = tuple[ProjectId, int]
"""A token with its project: two projects may hand out the same number."""
Status = Literal["live", "suspect", "lost", "ended"]
"""Whether it is heard; what it does is its activity."""


@dataclass(frozen=True, slots=True)
class Absent:
    """No such session."""


@dataclass(frozen=True, slots=True)
class LiveAttempt:
    """A task that the session owns now."""

    project: ProjectId
    task: str
    locks_until: Instant | None = None
    """When the locks of its claim end, whatever is renewed."""
    revoked_at: Instant | None = None
    """Until when it may still report; None where nobody takes it away."""
    revoked_because: str = ""


@dataclass(frozen=True, slots=True)
class LiveGrant:
    """Locks that the session took by itself."""

    locks_until: Instant | None = None


@dataclass(frozen=True, slots=True)
class Session:
    """A session that was opened at least once."""

    opened: SessionOpened
    status: Status = "live"
    changed_at: Instant = Instant(0)
    attempts: Map[HeldToken, LiveAttempt] = Map()
    """Live attempts by project and token."""
    grants: Map[HeldToken, LiveGrant] = Map()
    """Locks held outside any attempt, by project and token."""
    activity: Activity = "idle"
    tool: str = ""
    """The tool that runs."""
    tool_until: Instant | None = None
    """The lease does not run out before this."""
    draining: bool = False
    parent: StreamId | None = None
    children: Map[StreamId, Instant] = Map()
    """Sessions right below, with the instant at which they joined."""
    lost_with: tuple[HeldThing, ...] = ()
    """What this life held when it was over."""
    served: tuple[str, ...] = ()
    """Ids of all projects that any of its lives has served, sorted."""
    erasure_asked_by: str = ""
    """Who wants its words erased; empty where nobody does."""
    erased: bool = False


SessionState = Absent | Session
