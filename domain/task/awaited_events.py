"""That somebody beside other tasks waits for how a task ends."""

from typing import ClassVar

from domain.kernel.ids import Instant
from domain.kernel.message import Event


class TaskAwaited(Event):
    """A run waits for how the task ends, or has taken that for a fact."""

    TYPE: ClassVar[str] = "task.awaited.v1"
    run: str
    project: str
    """Id of the project that the run belongs to."""
    at: Instant
