"""Servers from their read model, with what each says of itself now."""

from collections.abc import Mapping

from api.graphql.context import Context
from api.graphql.enums import NodeStatus
from api.graphql.pages import Connection
from api.graphql.reads.asked import Asked, ask, connection_of
from api.graphql.types.node import Node, node_of
from domain.node.health import NodeReport
from projections.node_roster.queries import NodePage
from projections.node_roster.rows import NodeRosterRow


async def nodes(context: Context, statuses: list[NodeStatus] | None, asked: Asked) -> Connection[Node]:
    """A page of the servers, the latest started first."""
    context.require("read.nodes", None)
    request = NodePage(
        statuses=tuple(one.value for one in statuses or ()),
        limit=asked.first,
        cursor=asked.cursor,
        as_of=asked.as_of,
    )
    page = await ask(context, request, asked.after)
    rows: tuple[NodeRosterRow, ...] = page.rows
    told: Mapping[str, NodeReport] = {}
    if asked.as_of is None and rows:
        told = await context.services.health.told()
    return connection_of(request, page, lambda row: node_of(row, told.get(row.key)))
