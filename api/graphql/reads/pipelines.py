"""Definitions of pipelines from their read model."""

from collections.abc import Callable
from typing import cast, get_args

import strawberry

from api.graphql.context import Context
from api.graphql.pages import Connection, connection
from api.graphql.reads.asked import Asked, ask, text
from api.graphql.types.pipeline import PipelineDefinition, definition_of
from projections.kernel.requests import Selection, cursor_after
from projections.pipeline_definitions.queries import DefinitionPage
from projections.pipeline_definitions.rows import PipelineDefinitionRow, VersionState


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
    selection = request.selection()
    return connection(
        [(definition_of(row), _cursor(selection, row)) for row in page.rows],
        next_cursor=page.next_cursor,
        position=page.position,
        stale=page.stale,
    )


def _cursor(selection: Selection[PipelineDefinitionRow], row: PipelineDefinitionRow) -> Callable[[], str]:
    return lambda: cursor_after(selection, row)
