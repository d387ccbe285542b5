"""What the roster shows of a credential pool."""

from typing import Literal, NamedTuple

BreakerState = Literal["closed", "open", "half_open"]


class QuotaRosterRow(NamedTuple):
    """A pool as it stands. Instants are microseconds since 1970."""

    key: str
    """Id of the pool."""
    project: str
    """Always the fleet; ``projects`` says who may see it."""
    projects: str
    """JSON: ids of the projects that its sessions served, whether they still do or not."""
    name: str
    state: BreakerState
    kind: str
    """Why it opened last; empty where it never did."""
    reason: str
    reported_by: str
    """Session whose report that was."""
    failures: int
    """Times that it opened since it was last closed."""
    due_at: int | None
    """When somebody may try, or when the try is over."""
    probed_by: str | None
    """Session that tries."""
    sessions: str
    """JSON: ids of the sessions that spend its quota."""
    sessions_live: int
    changed_at: int
