"""What happened to a project."""

from typing import ClassVar

from domain.kernel.ids import Instant
from domain.kernel.message import Event


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
