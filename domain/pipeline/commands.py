"""What may be asked of definitions of pipelines."""

from typing import ClassVar, Final

from pydantic import Field

from domain.kernel.message import ProjectCommand
from domain.kernel.pipeline.definition import Definition
from domain.kernel.pipeline.words import PipelineName

VERSIONS_MAX: Final = 1_000
"""Of one name; they are counted from 1."""


class PublishDefinition(ProjectCommand):
    """Give a definition the next version number of its name. The same content again is the same version."""

    NAME: ClassVar[str] = "publish_definition"
    definition: Definition
    as_draft: bool = False
    """Keep it for a look: a draft is started by its number only, never as the latest. Publishing it makes it one."""


class DeprecateDefinition(ProjectCommand):
    """Start no further runs of a version; those that there are go on."""

    NAME: ClassVar[str] = "deprecate_definition"
    pipeline: PipelineName
    version: int = Field(ge=1, le=VERSIONS_MAX)


class RetireDefinition(ProjectCommand):
    """Put a version away for good."""

    NAME: ClassVar[str] = "retire_definition"
    pipeline: PipelineName
    version: int = Field(ge=1, le=VERSIONS_MAX)
