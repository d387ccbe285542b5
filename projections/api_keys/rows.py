"""What is shown of an API key."""

from typing import NamedTuple


class ApiKeyRow(NamedTuple):
    """A key as it stands; what would help to guess it is not kept here. Instants are microseconds since 1970."""

    key: str
    """Id of the key."""
    project: str
    """Always the fleet; ``projects`` says what it opens."""
    name: str
    role: str
    projects: str
    """JSON: ids of the projects; an empty list means every one."""
    issued_at: int
    expires_at: int | None
    revoked: bool
    revoked_at: int | None
