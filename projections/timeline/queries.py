"""What can be asked of the timeline."""

from dataclasses import dataclass
from typing import Final, Literal

from projections.kernel.requests import LIMIT_DEFAULT, Above, Order, Selection, equal, one_of, select
from projections.timeline.projection import TIMELINE
from projections.timeline.rows import TimelineRow

TimelineOrder = Literal["newest_first", "oldest_first"]
_ORDERS: Final[dict[TimelineOrder, Order]] = {
    "newest_first": Order(("position",), descending=True),
    "oldest_first": Order(("position",)),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelinePage:
    """A page of lines; what is None or empty is not asked. ``limit`` is 1 to 200."""

    project: str | None = None
    stream: str | None = None
    task: str | None = None
    tasks: tuple[str, ...] = ()
    """Lines of any of these."""
    session: str | None = None
    actor: str | None = None
    correlation: str | None = None
    types: tuple[str, ...] = ()
    """Stored names, such as ``task.claimed.v1``."""
    beyond: int | None = None
    """Only lines after this position: what a subscription resumes from."""
    order: TimelineOrder = "newest_first"
    limit: int = LIMIT_DEFAULT
    cursor: str | None = None
    as_of: int | None = None

    def selection(self) -> Selection[TimelineRow]:
        return select(
            TIMELINE,
            (
                equal("project", self.project),
                equal("stream", self.stream),
                equal("task", self.task),
                one_of("task", self.tasks),
                equal("session", self.session),
                equal("actor", self.actor),
                equal("correlation", self.correlation),
                one_of("type", self.types),
                None if self.beyond is None else Above("position", self.beyond),
            ),
            order=_ORDERS[self.order],
            limit=self.limit,
            cursor=self.cursor,
            as_of=self.as_of,
        )
