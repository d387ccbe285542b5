"""Pools of units from their read model."""

import strawberry

from api.graphql.context import Context
from api.graphql.pages import Connection
from api.graphql.reads.asked import Asked, ask, connection_of, text
from api.graphql.types.pool import Pool, pool_of
from projections.pools.queries import PoolPage


@strawberry.input
class PoolFilter:
    """Which pools; what is null or false is not asked."""

    project: str | None = None
    name: str | None = None
    waited_for: bool = strawberry.field(default=False, description="Only those that somebody waits for.")
    with_quarantine: bool = strawberry.field(default=False, description="Only those with a unit in quarantine.")


async def pools(context: Context, where: PoolFilter, asked: Asked) -> Connection[Pool]:
    """A page of pools by project and name."""
    request = PoolPage(
        project=await context.project("read.locks", where.project),
        name=text(where.name),
        waited_for=where.waited_for,
        with_quarantine=where.with_quarantine,
        limit=asked.first,
        cursor=asked.cursor,
        as_of=asked.as_of,
    )
    page = await ask(context, request, asked.after)
    return connection_of(request, page, pool_of)
