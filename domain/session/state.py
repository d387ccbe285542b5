"""What a session is, as its decisions see it."""

from dataclasses import dataclass
from typing import Literal

from immutables import Map

from domain.kernel.ids import Instant, ProjectId
from domain.session.events import SessionOpened

Status = Literal["live", "suspect", "lost", "ended"]


@dataclass(frozen=True, slots=True)
class Absent:
    """No such session."""


@dataclass(frozen=True, slots=True)
class LiveAttempt:
    """A task that the session owns now."""

    project: ProjectId
    task: str


@dataclass(frozen=True, slots=True)
class Session:
    """A session that was opened at least once."""

    opened: SessionOpened
    status: Status = "live"
    changed_at: Instant = Instant(0)
    attempts: Map[int, LiveAttempt] = Map()
    """Live attempts by token."""
    grants: Map[int, ProjectId] = Map()
    """Tokens of locks held outside any attempt, with their project."""


SessionState = Absent | Session
