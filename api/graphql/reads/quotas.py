"""Credential pools from their read model."""

from functools import partial

from api.graphql.context import Context
from api.graphql.pages import Connection, connection
from api.graphql.reads.asked import Asked, ask, text
from api.graphql.types.quota import Quota, quota_of
from projections.kernel.requests import cursor_after
from projections.quota_roster.queries import QuotaPage
from projections.quota_roster.rows import QuotaRosterRow


async def quotas(context: Context, project: str | None, name: str | None, asked: Asked) -> Connection[Quota]:
    """A page of the pools that sessions of a project spend."""
    request = QuotaPage(
        serves=await context.project("read.sessions", project),
        name=text(name),
        limit=asked.first,
        cursor=asked.cursor,
        as_of=asked.as_of,
    )
    page = await ask(context, request, asked.after)
    rows: tuple[QuotaRosterRow, ...] = page.rows
    shown = ((row, quota_of(row, context)) for row in rows)
    selection = request.selection()
    return connection(
        [(quota, partial(cursor_after, selection, row)) for row, quota in shown if quota is not None],
        next_cursor=page.next_cursor,
        position=page.position,
        stale=page.stale,
    )
