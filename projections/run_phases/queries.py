"""What can be asked of the phases of runs."""

from dataclasses import dataclass

from projections.kernel.requests import LIMIT_DEFAULT, Order, Selection, Tally, equal, one_of, select, tally
from projections.run_phases.projection import RUN_PHASES
from projections.run_phases.rows import PhaseStatus, RunPhaseRow


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPhasePage:
    """A page of phases in the order of their definition; what is None or empty is not asked. ``limit`` is 1 to 200."""

    run: str | None = None
    runs: tuple[str, ...] = ()
    project: str | None = None
    statuses: tuple[PhaseStatus, ...] = ()
    limit: int = LIMIT_DEFAULT
    cursor: str | None = None
    as_of: int | None = None

    def selection(self) -> Selection[RunPhaseRow]:
        return select(
            RUN_PHASES,
            (
                equal("run", self.run),
                one_of("run", self.runs),
                equal("project", self.project),
                one_of("status", self.statuses),
            ),
            order=Order(("run", "position", "key")),
            limit=self.limit,
            cursor=self.cursor,
            as_of=self.as_of,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPhaseTally:
    """How many phases of all runs there are in each of some statuses."""

    statuses: tuple[PhaseStatus, ...]
    as_of: int | None = None

    def tally(self) -> Tally[RunPhaseRow]:
        return tally(RUN_PHASES, (one_of("status", self.statuses),), column="status", as_of=self.as_of)
