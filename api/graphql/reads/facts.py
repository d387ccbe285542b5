"""Facts from their read model."""

from functools import partial

from api.graphql.context import Context
from api.graphql.pages import Connection, connection
from api.graphql.reads.asked import Asked, ask, text
from api.graphql.types.fact import Fact, FactFilter, fact_of
from projections.facts.queries import FactPage
from projections.kernel.requests import cursor_after


async def facts(context: Context, which: FactFilter, asked: Asked) -> Connection[Fact]:
    """A page of facts by kind and name."""
    request = FactPage(
        project=await context.project("read.runs", which.project),
        kinds=tuple(dict.fromkeys(one.value for one in which.kind or ())),
        name=text(which.name),
        correlation_key=text(which.correlation_key),
        limit=asked.first,
        cursor=asked.cursor,
        as_of=asked.as_of,
    )
    page = await ask(context, request, asked.after)
    selection = request.selection()
    return connection(
        [(fact_of(row), partial(cursor_after, selection, row)) for row in page.rows],
        next_cursor=page.next_cursor,
        position=page.position,
        stale=page.stale,
    )
