"""A run goes on by another version of its definition."""

from typing import ClassVar, Literal

from domain.kernel.ids import Instant
from domain.kernel.message import Event, Message
from domain.kernel.pipeline.definition import AnyPhase, Definition
from domain.run.child_events import Pin
from domain.run.events import Consumed


class KnownPhase(Message):
    """A phase as it was defined when it settled."""

    phase: AnyPhase


class AcceptedDrift(Message):
    """A settled phase that counts although it is another, or not there, in the version."""

    phase: str
    """Its key before."""
    reason: str


class MovedPhase(Message):
    """A settled phase that stands under another key from here on."""

    before: str
    place: str
    generation: int
    status: Literal["succeeded", "failed", "skipped", "blocked", "cancelled"]
    task: str
    reason: str
    arm: str
    input: str
    output: str
    summary: str
    consumed: tuple[Consumed, ...]
    """By the keys from here on."""
    effect: bool
    """Whether it may have changed the world."""
    undo: str
    """undoing, undone, failed or skipped; empty where nothing was taken back."""
    settled_at: Instant | None = None


class RunMigrated(Event):
    """What comes is decided by another version; what has settled stays, and so does the ledger."""

    TYPE: ClassVar[str] = "run.migrated.v1"
    before: int
    """Version that it kept to so far."""
    version: int
    digest: str
    definition: Definition
    inputs: str
    """JSON text: an object of those that the version knows."""
    pins: tuple[Pin, ...]
    moved: tuple[MovedPhase, ...]
    gone: tuple[str, ...]
    """Keys of settled phases that the version does not have: what they did can still be taken back."""
    dropped: tuple[str, ...]
    """Keys of other phases that it does not have."""
    drifted: tuple[AcceptedDrift, ...]
    deadline: Instant | None
    """Of the run from now on; None where it has none."""
    reason: str
    by: str
    at: Instant
