"""What can be asked of how ids end."""

from dataclasses import dataclass

from projections.kernel.requests import LIMIT_DEFAULT, Order, Selection, begins, equal, select
from projections.short_ids.projection import SHORT_IDS
from projections.short_ids.rows import ShortIdRow


@dataclass(frozen=True, slots=True, kw_only=True)
class ShortIdPage:
    """A page of the ids that end so. ``limit`` is 1 to 200."""

    kind: str
    """``task``, ``run`` or ``sess``."""
    ending: str
    """The last characters; an empty text asks for all."""
    project: str | None = None
    """Only of tasks and runs: a session belongs to the fleet."""
    limit: int = LIMIT_DEFAULT
    cursor: str | None = None
    as_of: int | None = None

    def selection(self) -> Selection[ShortIdRow]:
        return select(
            SHORT_IDS,
            (equal("kind", self.kind), equal("project", self.project), begins("reversed", self.ending[::-1])),
            order=Order(("key",)),
            limit=self.limit,
            cursor=self.cursor,
            as_of=self.as_of,
        )
