"""What happened to a project."""

from typing import ClassVar

from domain.kernel.ids import Instant
from domain.kernel.message import Event
from domain.project.settings import ProjectSettings


class ProjectCreated(Event):
    """The project exists; its name is taken for ever."""

    TYPE: ClassVar[str] = "project.created.v1"
    name: str
    lock_delay_seconds: int
    at: Instant


class ProjectFrozen(Event):
    """Nothing new is dispatched."""

    TYPE: ClassVar[str] = "project.frozen.v1"
    reason: str
    at: Instant


class ProjectUnfrozen(Event):
    """Work is dispatched again."""

    TYPE: ClassVar[str] = "project.unfrozen.v1"
    at: Instant


class ProjectSet(Event):
    """Settings changed; these hold from here on, all of them."""

    TYPE: ClassVar[str] = "project.set.v1"
    settings: ProjectSettings
    changed: tuple[str, ...]
    """Names of the fields that differ from before."""
    by: str
    at: Instant


class ProjectNeedsGranted(Event):
    """Tasks of another project may need tasks of this one."""

    TYPE: ClassVar[str] = "project.needs_granted.v1"
    to: str
    """Id of the other project."""
    at: Instant


class ProjectNeedsRevoked(Event):
    """No further tasks of another project may need tasks of this one; needs that exist stay.

    Its runs hear no further fact of runs of this one.
    """

    TYPE: ClassVar[str] = "project.needs_revoked.v1"
    to: str
    at: Instant


class ProjectBookmarkSet(Event):
    """A position of the log has a name in this project, whatever had it before."""

    TYPE: ClassVar[str] = "project.bookmark_set.v1"
    name: str
    position: int
    by: str
    at: Instant


class ProjectBookmarkRemoved(Event):
    """The name stands for no position any more."""

    TYPE: ClassVar[str] = "project.bookmark_removed.v1"
    name: str
    by: str
    at: Instant


class ProjectBudgetNoticed(Event):
    """What was spent has reached the soft budget: a person should look. Told once until the budget changes."""

    TYPE: ClassVar[str] = "project.budget_noticed.v1"
    unit: str
    spent: int
    limit: int
    at: Instant
