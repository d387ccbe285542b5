"""What can be asked of the roster of servers."""

from dataclasses import dataclass

from projections.kernel.requests import LIMIT_DEFAULT, Order, Selection, one_of, select
from projections.node_roster.projection import NODE_ROSTER
from projections.node_roster.rows import NodeRosterRow, NodeStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class NodePage:
    """A page of nodes, the latest started first; what is empty is not asked. ``limit`` is 1 to 200."""

    statuses: tuple[NodeStatus, ...] = ()
    limit: int = LIMIT_DEFAULT
    cursor: str | None = None
    as_of: int | None = None

    def selection(self) -> Selection[NodeRosterRow]:
        return select(
            NODE_ROSTER,
            (one_of("status", self.statuses),),
            order=Order(("key",), descending=True),
            limit=self.limit,
            cursor=self.cursor,
            as_of=self.as_of,
        )
