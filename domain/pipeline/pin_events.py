"""Which runs that have not ended keep to which versions of a pipeline."""

from typing import ClassVar

from domain.kernel.ids import Instant
from domain.kernel.message import Event


class VersionsPinned(Event):
    """A run keeps to these versions, its own and those that it may call, and to no others of the pipeline."""

    TYPE: ClassVar[str] = "pipeline.versions_pinned.v1"
    run: str
    versions: tuple[int, ...]
    """Numbers in their order."""
    at: Instant


class VersionsLeft(Event):
    """The run keeps to none of them any more."""

    TYPE: ClassVar[str] = "pipeline.versions_left.v1"
    run: str
    at: Instant


PinEvent = VersionsPinned | VersionsLeft
