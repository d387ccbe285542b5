"""What a run takes over of one that went before."""

from typing import ClassVar, Literal

from domain.kernel.ids import Instant
from domain.kernel.message import Event
from domain.run.events import Consumed


class PhaseAdopted(Event):
    """The phase counts as it settled in another run: it would do the same, and took the same."""

    TYPE: ClassVar[str] = "run.phase_adopted.v1"
    place: str
    generation: int
    """Here; the first."""
    run: str
    """Id of the other run."""
    source_generation: int
    """Of the phase there."""
    outcome: Literal["succeeded", "skipped"]
    digest: str
    """Of its output: ``sha256:…``."""
    consumed: tuple[Consumed, ...]
    reason: str
    arm: str
    summary: str
    input: str
    output: str
    at: Instant
