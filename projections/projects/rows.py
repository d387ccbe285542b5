"""What is shown of a project."""

from typing import NamedTuple


class ProjectRow(NamedTuple):
    """A project as it stands. Instants are microseconds since 1970."""

    key: str
    """Id of the project."""
    project: str
    """The same: it is its own."""
    name: str
    """Unique and for ever."""
    lock_delay_seconds: int
    frozen: bool
    frozen_reason: str
    """Empty while it is not."""
    settings: str
    """JSON: {name: value} as they were set last, all of them; an empty object while nobody set any."""
    needs_granted: str
    """JSON: ids of the projects whose tasks may need tasks of this one."""
    created_at: int
    changed_at: int
