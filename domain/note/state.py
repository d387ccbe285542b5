"""What boards and inboxes are, as their decisions see them: numbers and bounds, never the texts."""

from dataclasses import dataclass

from immutables import Map

from domain.kernel.ids import Instant


@dataclass(frozen=True, slots=True)
class Window:
    """What one author wrote lately."""

    began_at: Instant
    notes: int


@dataclass(frozen=True, slots=True)
class Board:
    """The board of a project or of a task."""

    notes: int = 0
    windows: Map[str, Window] = Map()
    """By author; such as are over are dropped when others begin."""


@dataclass(frozen=True, slots=True)
class Inbox:
    """The inbox of a session in one project."""

    last: int = 0
    """Number of the latest message."""
    acknowledged: int = 0
    """Number up to which they were read."""
    waiting: Map[int, str] = Map()
    """Author of each message that was not read, by number."""
