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


class SignalPublished(Event):
    """The project has sent out a signal."""

    TYPE: ClassVar[str] = "fact.signal_published.v1"
    name: str
    number: int
    """How many of that name there were, this one included."""
    content: str
    """JSON text; empty where it says nothing."""
    by: str
    at: Instant


class ArtefactPublished(Event):
    """A result is there in a version."""

    TYPE: ClassVar[str] = "fact.artefact_published.v1"
    name: str
    version: str
    uri: str
    digest: str
    by: str
    at: Instant


class ArtefactWithdrawn(Event):
    """A version does not hold any more: told under the name, and where those are known that have taken it."""

    TYPE: ClassVar[str] = "fact.artefact_withdrawn.v1"
    name: str
    version: str
    reason: str
    by: str
    at: Instant


class FactAwaited(Event):
    """A run waits for the next fact, or has taken this version of a result."""

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


FactEvent = FactPublished | SignalPublished | ArtefactPublished | ArtefactWithdrawn | FactAwaited | FactLeft
