"""What can be asked of proposals."""

from dataclasses import dataclass

from projections.kernel.requests import LIMIT_DEFAULT, Order, Selection, equal, one_of, select
from projections.proposals.projection import PROPOSALS
from projections.proposals.rows import ProposalRow, ProposalStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposalPage:
    """A page of proposals, the youngest first; what is None or empty is not asked. ``limit``: 1-200."""

    project: str | None = None
    keys: tuple[str, ...] = ()
    statuses: tuple[ProposalStatus, ...] = ()
    limit: int = LIMIT_DEFAULT
    cursor: str | None = None
    as_of: int | None = None

    def selection(self) -> Selection[ProposalRow]:
        return select(
            PROPOSALS,
            (equal("project", self.project), one_of("key", self.keys), one_of("status", self.statuses)),
            order=Order(("key",), descending=True),
            limit=self.limit,
            cursor=self.cursor,
            as_of=self.as_of,
        )
