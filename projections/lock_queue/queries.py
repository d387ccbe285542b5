"""What can be asked of the queue of locks."""

from dataclasses import dataclass

from projections.kernel.requests import LIMIT_DEFAULT, Holds, Order, Selection, equal, select
from projections.lock_queue.projection import LOCK_QUEUE
from projections.lock_queue.rows import LockQueueRow


@dataclass(frozen=True, slots=True, kw_only=True)
class LockQueuePage:
    """A page of waiting requests, the first to be served first; what is None is not asked. ``limit`` is 1 to 200."""

    project: str | None = None
    session: str | None = None
    task: str | None = None
    resource_text: str | None = None
    """A piece of a claim's text, letter by letter."""
    limit: int = LIMIT_DEFAULT
    cursor: str | None = None
    as_of: int | None = None

    def selection(self) -> Selection[LockQueueRow]:
        return select(
            LOCK_QUEUE,
            (
                equal("project", self.project),
                equal("session", self.session),
                equal("task", self.task),
                None if self.resource_text is None else Holds("claims", self.resource_text),
            ),
            order=Order(("served_as_of", "key")),
            limit=self.limit,
            cursor=self.cursor,
            as_of=self.as_of,
        )
