"""What can be asked of definitions of pipelines."""

from dataclasses import dataclass

from projections.kernel.requests import LIMIT_DEFAULT, Order, Selection, equal, one_of, select
from projections.pipeline_definitions.projection import PIPELINE_DEFINITIONS
from projections.pipeline_definitions.rows import PipelineDefinitionRow, VersionState


@dataclass(frozen=True, slots=True, kw_only=True)
class DefinitionPage:
    """A page of versions by name, the newest first; what is None or empty is not asked. ``limit`` is 1 to 200."""

    project: str | None = None
    name: str | None = None
    version: int | None = None
    states: tuple[VersionState, ...] = ()
    limit: int = LIMIT_DEFAULT
    cursor: str | None = None
    as_of: int | None = None

    def selection(self) -> Selection[PipelineDefinitionRow]:
        return select(
            PIPELINE_DEFINITIONS,
            (
                equal("project", self.project),
                equal("name", self.name),
                equal("version", self.version),
                one_of("state", self.states),
            ),
            order=Order(("name", "version"), descending=True),
            limit=self.limit,
            cursor=self.cursor,
            as_of=self.as_of,
        )
