"""What can be asked of the list of runs."""

from dataclasses import dataclass
from typing import Final

from projections.kernel.requests import LIMIT_DEFAULT, Order, Selection, Tally, equal, one_of, select, tally
from projections.pipeline_runs.projection import PIPELINE_RUNS
from projections.pipeline_runs.rows import PipelineRunRow, RunStatus

OPEN_STATUSES: Final[tuple[RunStatus, ...]] = ("queued", "running", "paused", "cancelling", "compensating")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPage:
    """A page of runs, the youngest first; what is None or empty is not asked. ``limit`` is 1 to 200."""

    project: str | None = None
    keys: tuple[str, ...] = ()
    pipeline: str | None = None
    correlation_key: str | None = None
    parent: str | None = None
    statuses: tuple[RunStatus, ...] = ()
    limit: int = LIMIT_DEFAULT
    cursor: str | None = None
    as_of: int | None = None

    def selection(self) -> Selection[PipelineRunRow]:
        return select(
            PIPELINE_RUNS,
            (
                equal("project", self.project),
                one_of("key", self.keys),
                equal("pipeline", self.pipeline),
                equal("correlation_key", self.correlation_key),
                equal("parent", self.parent),
                one_of("status", self.statuses),
            ),
            order=Order(("begun_position",), descending=True),
            limit=self.limit,
            cursor=self.cursor,
            as_of=self.as_of,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RunTally:
    """How many runs there are in each status."""

    project: str | None = None
    as_of: int | None = None

    def tally(self) -> Tally[PipelineRunRow]:
        return tally(PIPELINE_RUNS, (equal("project", self.project),), column="status", as_of=self.as_of)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReservedTally:
    """How many runs that nobody began and that have not ended have set aside the same: by its JSON text.

    What a run inside has set aside is part of what its parent has. Most runs have no budget, and are one group.
    """

    as_of: int | None = None

    def tally(self) -> Tally[PipelineRunRow]:
        of_roots = (equal("parent_place", ""), one_of("status", OPEN_STATUSES))
        return tally(PIPELINE_RUNS, of_roots, column="reserved", as_of=self.as_of)
