"""What the definitions of one name are, as their decisions see them."""

from dataclasses import dataclass
from typing import Literal

from immutables import Map

from domain.kernel.pipeline.definition import Definition

VersionState = Literal["draft", "published", "deprecated", "retired"]


@dataclass(frozen=True, slots=True)
class Absent:
    """No definition of that name."""


@dataclass(frozen=True, slots=True)
class Version:
    """One content."""

    definition: Definition
    digest: str
    state: VersionState = "draft"


@dataclass(frozen=True, slots=True)
class Pipeline:
    """A name with its versions."""

    name: str
    versions: Map[int, Version]
    """By number, from 1 without holes."""
    by_digest: Map[str, int]

    @property
    def latest(self) -> int | None:
        """The largest number that is published."""
        return max((number for number, one in self.versions.items() if one.state == "published"), default=None)


PipelineState = Absent | Pipeline
