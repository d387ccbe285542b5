"""What a project is, as its decisions see it."""

from dataclasses import dataclass

from immutables import Map

from domain.kernel.ids import Instant
from domain.project.settings import DEFAULTS, ProjectSettings


@dataclass(frozen=True, slots=True)
class Absent:
    """No such project."""


@dataclass(frozen=True, slots=True)
class Project:
    """A project that exists."""

    name: str
    lock_delay_seconds: int
    created_at: Instant
    frozen: bool = False
    settings: ProjectSettings = DEFAULTS
    budget_noticed: bool = False
    """Whether a person was told that the soft budget is reached."""
    needs_granted: tuple[str, ...] = ()
    """Ids of the projects whose tasks may need tasks of this one, sorted."""
    bookmarks: Map[str, int] = Map()
    """Positions of the log that have a name here."""


ProjectState = Absent | Project
