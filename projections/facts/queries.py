"""What can be asked of facts."""

from dataclasses import dataclass

from projections.facts.projection import FACTS
from projections.facts.rows import FactKind, FactRow
from projections.kernel.requests import LIMIT_DEFAULT, Order, Selection, equal, one_of, select


@dataclass(frozen=True, slots=True, kw_only=True)
class FactPage:
    """A page of facts by kind and name, from the end of the alphabet; what is None or empty is not asked.

    ``limit`` is 1 to 200.
    """

    project: str | None = None
    kinds: tuple[FactKind, ...] = ()
    name: str | None = None
    correlation_key: str | None = None
    limit: int = LIMIT_DEFAULT
    cursor: str | None = None
    as_of: int | None = None

    def selection(self) -> Selection[FactRow]:
        return select(
            FACTS,
            (
                equal("project", self.project),
                one_of("kind", self.kinds),
                equal("name", self.name),
                equal("correlation_key", self.correlation_key),
            ),
            order=Order(("kind", "name", "key"), descending=True),
            limit=self.limit,
            cursor=self.cursor,
            as_of=self.as_of,
        )
