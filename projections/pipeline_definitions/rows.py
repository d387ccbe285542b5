"""What is shown of a version of a definition."""

from typing import Literal, NamedTuple

VersionState = Literal["draft", "published", "deprecated", "retired"]


class PipelineDefinitionRow(NamedTuple):
    """A version as it stands. Instants are microseconds since 1970."""

    key: str
    """``pipeline/version``: id of the name's stream, and number."""
    project: str
    pipeline: str
    """Id of the name's stream."""
    name: str
    version: int
    state: VersionState
    digest: str
    title: str
    phases: int
    """How many, those inside of loops included."""
    definition: str
    """JSON: the content."""
    added_by: str
    added_at: int
    changed_at: int
