"""What can be asked of the roster of credential pools."""

from dataclasses import dataclass

from projections.kernel.requests import LIMIT_DEFAULT, Holds, Order, Selection, equal, one_of, select
from projections.kernel.rows import json_text
from projections.quota_roster.projection import QUOTA_ROSTER
from projections.quota_roster.rows import BreakerState, QuotaRosterRow


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotaPage:
    """A page of pools; what is None or empty is not asked. ``limit`` is 1 to 200."""

    serves: str | None = None
    """Id of a project that their sessions serve."""
    name: str | None = None
    states: tuple[BreakerState, ...] = ()
    limit: int = LIMIT_DEFAULT
    cursor: str | None = None
    as_of: int | None = None

    def selection(self) -> Selection[QuotaRosterRow]:
        return select(
            QUOTA_ROSTER,
            (
                None if self.serves is None else Holds("projects", json_text([self.serves])[1:-1]),
                equal("name", self.name),
                one_of("state", self.states),
            ),
            order=Order(("key",)),
            limit=self.limit,
            cursor=self.cursor,
            as_of=self.as_of,
        )
