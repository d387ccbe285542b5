"""What a run needs of other projects: that it waits, what it has taken, and that this is not so any more."""

from typing import ClassVar, Literal

from domain.kernel.ids import Instant
from domain.kernel.message import Event

NeedKind = Literal["run", "latest", "task", "artefact", "signal"]
FactOutcome = Literal["succeeded", "failed", "cancelled"]
Revision = Literal["rolled_back", "done_anew"]


class ExternalNeedRegistered(Event):
    """The phase waits for a fact of another project, which knows of that."""

    TYPE: ClassVar[str] = "run.need_registered.v1"
    place: str
    generation: int
    project: str
    """Id of the other project."""
    kind: NeedKind
    source: str
    """Id of the run or task, or of the topic under which the project says it."""
    pipeline: str
    """Of the runs that would do; empty where one run is named."""
    correlation_key: str
    what: str
    """In words."""
    at: Instant


class ExternalNeedResolved(Event):
    """The fact is there and is frozen here: whatever becomes of it later, this is what was taken."""

    TYPE: ClassVar[str] = "run.need_resolved.v1"
    place: str
    generation: int
    project: str
    source: str
    """Id of the run or task that it is of, or of the topic of a signal or of one version of a result."""
    outcome: FactOutcome
    digest: str
    """Of what it says: ``sha256:…``."""
    settled_at: Instant
    at: Instant
    source_generation: int = 0
    """Of a task; 0 of what has none."""


class UpstreamRevised(Event):
    """What was taken does not hold any more."""

    TYPE: ClassVar[str] = "run.upstream_revised.v1"
    place: str
    generation: int
    source: str
    how: Revision
    settled_at: Instant
    """When it settled anew; of what was taken back, when it had settled."""
    policy: Literal["ignore", "attention", "pause", "rework"]
    """What follows."""
    at: Instant


class RunAwaited(Event):
    """A run of this or another project waits for how this one ends, or has taken it for a fact."""

    TYPE: ClassVar[str] = "run.awaited.v1"
    by_run: str
    project: str
    """Id of the project that it belongs to."""
    at: Instant


NeedEvent = ExternalNeedRegistered | ExternalNeedResolved | UpstreamRevised | RunAwaited
