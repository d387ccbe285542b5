"""Credential pools from their read model."""

from api.graphql.context import Context
from api.graphql.pages import Connection
from api.graphql.reads.asked import Asked, ask, connection_of, text
from api.graphql.types.quota import Quota, quota_of
from projections.quota_roster.queries import QuotaPage


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
    return connection_of(request, page, lambda row: quota_of(row, context))
