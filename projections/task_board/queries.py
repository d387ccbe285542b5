"""What can be asked of the board."""

from dataclasses import dataclass
from typing import Final, Literal

from projections.kernel.requests import (
    LIMIT_DEFAULT,
    Equal,
    Order,
    Selection,
    Tally,
    begins,
    equal,
    one_of,
    select,
    tally,
)
from projections.task_board.projection import TASK_BOARD
from projections.task_board.rows import TaskBoardRow, TaskStatus

TaskOrder = Literal["urgent_first", "newest_first", "oldest_first"]
_ORDERS: Final[dict[TaskOrder, Order]] = {
    "urgent_first": Order(("urgency", "key")),
    "newest_first": Order(("begun_position",), descending=True),
    "oldest_first": Order(("begun_position",)),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskPage:
    """A page of tasks, one project's or all; what is None or empty is not asked. ``limit`` is 1 to 200."""

    project: str | None = None
    keys: tuple[str, ...] = ()
    """Ids, for data loaders; at most a page of them."""
    name: str | None = None
    name_prefix: str | None = None
    """How the key inside the project begins."""
    statuses: tuple[TaskStatus, ...] = ()
    kind: str | None = None
    session: str | None = None
    """The session of the latest attempt."""
    parent: str | None = None
    needs_person: bool | None = None
    order: TaskOrder = "urgent_first"
    limit: int = LIMIT_DEFAULT
    cursor: str | None = None
    as_of: int | None = None

    def selection(self) -> Selection[TaskBoardRow]:
        return select(
            TASK_BOARD,
            (
                equal("project", self.project),
                one_of("key", self.keys),
                equal("name", self.name),
                begins("name", self.name_prefix),
                one_of("status", self.statuses),
                equal("kind", self.kind),
                equal("session", self.session),
                equal("parent", self.parent),
                None if self.needs_person is None else Equal("needs_person", self.needs_person),
            ),
            order=_ORDERS[self.order],
            limit=self.limit,
            cursor=self.cursor,
            as_of=self.as_of,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskCounts:
    """How many tasks there are in each status, of one project or of all."""

    project: str | None = None
    as_of: int | None = None

    def tally(self) -> Tally[TaskBoardRow]:
        return tally(TASK_BOARD, (equal("project", self.project),), column="status", as_of=self.as_of)
