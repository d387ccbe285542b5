"""Refusals about definitions of pipelines."""

from typing import ClassVar

from domain.kernel.errors import RefusalKind, Rejection
from domain.kernel.pipeline.findings import Finding
from domain.pipeline.commands import VERSIONS_MAX


class DefinitionFaulty(Rejection):
    """The definition {name} cannot be published: {first}.

    Mend it; `data.findings` says where, and what to do. `signalbox pipeline lint` shows the same with lines.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.BAD_PATTERN
    HTTP_STATUS: ClassVar[int] = 422
    name: str
    first: str
    findings: tuple[Finding, ...]
    """Faults, the first ones where there are many."""


class DefinitionTooLarge(Rejection):
    """The definition {name} has {bytes} bytes, and at most {bytes_max} are kept.

    Move long texts into files that the work reads, or phases into a pipeline of their own.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.LIMIT
    HTTP_STATUS: ClassVar[int] = 422
    name: str
    bytes: int
    bytes_max: int


class VersionsLimited(Rejection):
    """The pipeline {name} has {most} versions, which is the bound.

    Publish under another name.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.LIMIT
    name: str
    most: int = VERSIONS_MAX


class VersionUnknown(Rejection):
    """The pipeline {name} has no version {version}.

    `signalbox pipeline versions {name}` lists what there is.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.BAD_PATTERN
    HTTP_STATUS: ClassVar[int] = 404
    name: str
    version: int


class VersionInUse(Rejection):
    """Version {version} of the pipeline {name} is in use: {total} of its runs have not ended, such as {first}.

    Let them end, cancel them, or have them go on by another version with `signalbox run migrate`. `signalbox pipeline
    deprecate` sees to it meanwhile that no further ones begin.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.CONFLICT
    name: str
    version: int
    total: int
    runs: tuple[str, ...]
    """Ids, the first ones where there are many."""
    first: str


class VersionNotPublished(Rejection):
    """Version {version} of the pipeline {name} is {state}.

    Publish its content to let runs of it be started.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.CONFLICT
    name: str
    version: int
    state: str
