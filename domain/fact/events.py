"""What is published under one topic, and who waits for it."""

from typing import ClassVar, Literal

from domain.kernel.ids import Instant
from domain.kernel.message import Event


class FactPublished(Event):
    """A run of the pipeline has ended, the latest of those with the correlation key, or of all where that is empty."""

    TYPE: ClassVar[str] = "fact.published.v1"
    pipeline: str
    correlation_key: str
    run: str
    outcome: Literal["succeeded", "failed", "cancelled"]
    output: str
    """JSON text: what the run says; empty where it says nothing."""
    settled_at: Instant
    rolled_back: bool
    """What the run did was taken back since, or is: nobody takes it for a fact any more."""
    at: Instant


class FactAwaited(Event):
    """A run waits for the next fact."""

    TYPE: ClassVar[str] = "fact.awaited.v1"
    run: str
    project: str
    """Id of the project that it belongs to."""
    at: Instant


class FactLeft(Event):
    """The run does not wait any more."""

    TYPE: ClassVar[str] = "fact.left.v1"
    run: str
    at: Instant


FactEvent = FactPublished | FactAwaited | FactLeft
