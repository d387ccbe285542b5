"""What the roster shows of a session."""

from typing import NamedTuple

from domain.kernel.activity import Activity, Liveness, SessionStatus
from domain.session.events import Beginning
from projections.kernel.quick import quick


@quick
class SessionRosterRow(NamedTuple):
    """A session as it stands. Instants are microseconds since 1970."""

    key: str
    """Id of the session."""
    project: str
    """Always the fleet; ``projects`` says who may see it."""
    begun_position: int
    """Of the event that opened it first."""
    projects: str
    """JSON: ids of the projects that it serves."""
    name: str
    tool: str
    model: str
    host: str
    role: str
    """Label of its part in the work."""
    worktree: str
    owner: str
    """Principal that opened it."""
    parent: str | None
    """Session above it."""
    credential_pool: str | None
    status: SessionStatus
    liveness: Liveness
    activity: Activity
    """What it did when it was last heard."""
    draining: bool
    running_tool: str
    """Empty where none runs."""
    tool_until: int | None
    """The lease does not run out before this."""
    began: Beginning
    """Why there is this incarnation."""
    incarnation: int
    capacity: int
    ttl_seconds: int
    capabilities: str
    """JSON: {key: value}."""
    labels: str
    """JSON: ["key", "key=value", …], what sessions are found by."""
    attempts: str
    """JSON: [{token, project, task}], the attempts that live now."""
    attempts_live: int
    grants: str
    """JSON: [{token, project}], locks held outside any attempt."""
    grants_live: int
    completed_total: int
    """Attempts of all incarnations that ended so."""
    failed_total: int
    lost_total: int
    busy_microseconds: int
    """Of this incarnation: the time of each attempt, up to ``busy_until``."""
    busy_until: int
    renewed_at: int | None
    """Last sign of life as known when the session was suspected or lost."""
    opened_at: int
    """Of this incarnation."""
    first_opened_at: int
    closed_at: int | None
    """When it was lost or ended."""
    changed_at: int
    """Instant of its latest change of status."""
    takes_pushed: bool
    """Whether it is given work unasked."""
