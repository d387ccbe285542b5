"""Numbers of things, as they are shown."""

import strawberry

from api.graphql.enums import TaskStatus
from domain.kernel.ids import Position


@strawberry.type
class StatusCount:
    """How many tasks there are in one status."""

    status: TaskStatus
    total: int


@strawberry.type
class TaskCounts:
    """The tasks of a project by status; a status without tasks is not listed."""

    counts: list[StatusCount]
    position: Position
    """The log is folded in up to here."""
    stale: bool
