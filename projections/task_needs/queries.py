"""What can be asked of the edges."""

from dataclasses import dataclass

from projections.kernel.requests import LIMIT_DEFAULT, Equal, Order, Selection, equal, one_of, select
from projections.task_needs.projection import TASK_NEEDS
from projections.task_needs.rows import TaskNeedRow


@dataclass(frozen=True, slots=True, kw_only=True)
class NeedPage:
    """A page of edges: of what some tasks need, or of what needs some tasks. ``limit`` is 1 to 200."""

    project: str | None = None
    tasks: tuple[str, ...] = ()
    """Tasks that need."""
    needs: tuple[str, ...] = ()
    """Tasks that are needed."""
    unmet_only: bool = False
    limit: int = LIMIT_DEFAULT
    cursor: str | None = None
    as_of: int | None = None

    def selection(self) -> Selection[TaskNeedRow]:
        return select(
            TASK_NEEDS,
            (
                equal("project", self.project),
                one_of("task", self.tasks),
                one_of("need", self.needs),
                Equal("satisfied", False) if self.unmet_only else None,
            ),
            order=Order(("key",)),
            limit=self.limit,
            cursor=self.cursor,
            as_of=self.as_of,
        )
