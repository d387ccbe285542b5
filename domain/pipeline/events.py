"""What happened to the definitions of one name."""

from typing import ClassVar

from domain.kernel.ids import Instant
from domain.kernel.message import Event
from domain.kernel.pipeline.definition import Definition


class DefinitionAdded(Event):
    """A version exists, as a draft; its content never changes."""

    TYPE: ClassVar[str] = "pipeline.added.v1"
    name: str
    version: int
    digest: str
    """``sha256:…`` of its canonical content."""
    definition: Definition
    by: str
    at: Instant


class DefinitionPublished(Event):
    """Runs of the version may be started."""

    TYPE: ClassVar[str] = "pipeline.published.v1"
    name: str
    version: int
    digest: str
    by: str
    at: Instant


class DefinitionDeprecated(Event):
    """No further runs of the version are started."""

    TYPE: ClassVar[str] = "pipeline.deprecated.v1"
    name: str
    version: int
    by: str
    at: Instant


class DefinitionRetired(Event):
    """The version is put away: no run pins it."""

    TYPE: ClassVar[str] = "pipeline.retired.v1"
    name: str
    version: int
    by: str
    at: Instant


PipelineEvent = DefinitionAdded | DefinitionPublished | DefinitionDeprecated | DefinitionRetired
