"""What can be asked of the pools."""

from dataclasses import dataclass

from projections.kernel.requests import LIMIT_DEFAULT, Above, Order, Selection, equal, select
from projections.pools.projection import POOLS
from projections.pools.rows import PoolRow


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolPage:
    """A page of pools by project and name; what is None or False is not asked. ``limit`` is 1 to 200."""

    project: str | None = None
    name: str | None = None
    waited_for: bool = False
    """Only those that somebody waits for."""
    with_quarantine: bool = False
    """Only those with a unit in quarantine."""
    limit: int = LIMIT_DEFAULT
    cursor: str | None = None
    as_of: int | None = None

    def selection(self) -> Selection[PoolRow]:
        return select(
            POOLS,
            (
                equal("project", self.project),
                equal("name", self.name),
                Above("waiting", 0) if self.waited_for else None,
                Above("quarantined", 0) if self.with_quarantine else None,
            ),
            order=Order(("key",)),
            limit=self.limit,
            cursor=self.cursor,
            as_of=self.as_of,
        )
