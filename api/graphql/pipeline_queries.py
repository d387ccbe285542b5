"""What may be asked about pipelines."""

import strawberry

from api.graphql.asking import Asking
from api.graphql.pages import Connection
from api.graphql.reads import pipelines
from api.graphql.reads.asked import After, AsOf, At, Cursor, First, asked
from api.graphql.reads.pipelines import DefinitionFilter
from api.graphql.types.pipeline import PipelineDefinition
from projections.kernel.requests import LIMIT_DEFAULT


@strawberry.type
class PipelineQuery:
    """Definitions of pipelines."""

    @strawberry.field
    async def pipeline_definitions(
        self,
        info: Asking,
        *,
        where: DefinitionFilter | None = None,
        first: First = LIMIT_DEFAULT,
        cursor: Cursor = None,
        as_of: AsOf = None,
        at: At = None,
        after: After = None,
    ) -> Connection[PipelineDefinition]:
        """Versions of definitions by name, from the end of the alphabet and the newest first."""
        wanted = await asked(info.context, first, cursor, as_of, at, after)
        return await pipelines.definitions(info.context, where or DefinitionFilter(), wanted)
