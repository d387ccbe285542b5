"""Definitions of pipelines from their read model."""

from typing import cast, get_args

import strawberry

from api.graphql.context import Context
from api.graphql.pages import Connection
from api.graphql.reads.asked import Asked, ask, connection_of, text
from api.graphql.types.pipeline import PipelineDefinition, definition_of
from projections.pipeline_definitions.queries import DefinitionPage
from projections.pipeline_definitions.rows import VersionState


@strawberry.input
class DefinitionFilter:
    """Which versions; what is null is not asked."""

    project: str | None = None
    name: str | None = None
    version: int | None = None
    states: list[str] | None = strawberry.field(
        default=None, description="draft, published, deprecated, retired; null for all."
    )


async def definitions(context: Context, where: DefinitionFilter, asked: Asked) -> Connection[PipelineDefinition]:
    """A page of versions by name, newest first."""
    request = DefinitionPage(
        project=await context.project("read.pipelines", where.project),
        name=text(where.name),
        version=where.version,
        states=tuple(cast("VersionState", one) for one in where.states or () if one in get_args(VersionState)),
        limit=asked.first,
        cursor=asked.cursor,
        as_of=asked.as_of,
    )
    page = await ask(context, request, asked.after)
    return connection_of(request, page, definition_of)
