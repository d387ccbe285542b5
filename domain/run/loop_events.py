"""What happens to loops in a run."""

from typing import ClassVar, Literal

from domain.kernel.ids import Instant
from domain.kernel.message import Event, Message
from domain.kernel.pipeline.gate import Gate
from domain.run.events import Consumed


class InnerPlace(Message):
    """A phase of the loop in one iteration."""

    place: str
    """``loop/iteration/phase``."""
    kind: str
    title: str
    needs: tuple[str, ...]
    """Places in the same iteration."""
    gate: Gate | None = None
    """What is asked, where it is a gate."""
    generation: int = 0
    """That it begins with; 0 where that was not told, and follows from the one before."""


class IterationStarted(Event):
    """The phases of a loop begin, for the first time or once more."""

    TYPE: ClassVar[str] = "run.iteration_started.v1"
    place: str
    generation: int
    iteration: int
    """From 1, in each generation of the loop."""
    position: int
    """Of the loop in the order of the definition, from 1."""
    phases: tuple[InnerPlace, ...]
    at: Instant
    pipeline: str = ""
    """Name of the definition."""


class IterationSettled(Event):
    """All phases of an iteration have settled, and whether it was the last was looked at, once."""

    TYPE: ClassVar[str] = "run.iteration_settled.v1"
    place: str
    generation: int
    iteration: int
    outcome: Literal["succeeded", "failed"]
    until: Literal["true", "false", "error", ""]
    """What its condition said; empty where it was not asked, because the iteration had failed."""
    detail: str
    """Why it could not be told; empty where it could."""
    reads: tuple[Consumed, ...]
    """What its condition and its phases took, those around the loop included."""
    at: Instant


LoopEvent = IterationStarted | IterationSettled
