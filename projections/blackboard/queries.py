"""What can be asked of the blackboard."""

from dataclasses import dataclass
from typing import Final, Literal

from projections.blackboard.projection import BLACKBOARD
from projections.blackboard.rows import NoteRow
from projections.kernel.requests import LIMIT_DEFAULT, Above, Order, Selection, equal, select

NoteOrder = Literal["newest_first", "oldest_first"]
_ORDERS: Final[dict[NoteOrder, Order]] = {
    "newest_first": Order(("position",), descending=True),
    "oldest_first": Order(("position",)),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class NotePage:
    """A page of notes; what is None is not asked. ``limit`` is 1 to 200."""

    project: str | None = None
    task: str | None = None
    thread: int | None = None
    """Of one board: name the task too, or what is found is of any board."""
    session: str | None = None
    author: str | None = None
    beyond: int | None = None
    """Only notes after this position: what a reader goes on from."""
    order: NoteOrder = "newest_first"
    limit: int = LIMIT_DEFAULT
    cursor: str | None = None
    as_of: int | None = None

    def selection(self) -> Selection[NoteRow]:
        return select(
            BLACKBOARD,
            (
                equal("project", self.project),
                equal("task", self.task),
                equal("thread", self.thread),
                equal("session", self.session),
                equal("author", self.author),
                None if self.beyond is None else Above("position", self.beyond),
            ),
            order=_ORDERS[self.order],
            limit=self.limit,
            cursor=self.cursor,
            as_of=self.as_of,
        )
