"""Pools of units from their read model."""

from collections.abc import Callable

import strawberry

from api.graphql.context import Context
from api.graphql.pages import Connection, connection
from api.graphql.reads.asked import Asked, ask, text
from api.graphql.types.pool import Pool, pool_of
from projections.kernel.requests import Selection, cursor_after
from projections.pools.queries import PoolPage
from projections.pools.rows import PoolRow


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
    selection = request.selection()
    return connection(
        [(pool_of(row), _cursor(selection, row)) for row in page.rows],
        next_cursor=page.next_cursor,
        position=page.position,
        stale=page.stale,
    )


def _cursor(selection: Selection[PoolRow], row: PoolRow) -> Callable[[], str]:
    return lambda: cursor_after(selection, row)
