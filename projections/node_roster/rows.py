"""What the roster shows of a server."""

from typing import Literal, NamedTuple

NodeStatus = Literal["healthy", "unhealthy", "lost", "left"]


class NodeRosterRow(NamedTuple):
    """A server as it stands. Instants are microseconds since 1970."""

    key: str
    """Id of the node: one process from its start to its end."""
    project: str
    """Always the fleet: nodes serve every project."""
    status: NodeStatus
    incarnation: int
    """How often it joined; more than once where it was taken for lost meanwhile."""
    url: str
    """How programs call it."""
    host: str
    process: int
    version: str
    store: str
    lease_seconds: int
    """Silence of so many seconds means that it is lost."""
    troubles: str
    """JSON: why it is not well."""
    duties: str
    """JSON: work that it does for all nodes."""
    joined_at: int
    changed_at: int
