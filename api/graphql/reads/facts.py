"""Facts from their read model."""

from api.graphql.context import Context
from api.graphql.pages import Connection
from api.graphql.reads.asked import Asked, ask, connection_of, text
from api.graphql.types.fact import Fact, FactFilter, fact_of
from projections.facts.queries import FactPage


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
    return connection_of(request, page, fact_of)
