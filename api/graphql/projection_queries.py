"""What may be asked of read models as filled tables."""

import strawberry

from api.graphql.asking import Asking
from api.graphql.reads.projections import read_models
from api.graphql.types.projection import ReadModels


@strawberry.type
class ProjectionQuery:
    """A part of the root of every question."""

    @strawberry.field
    async def projections(self, info: Asking) -> ReadModels:
        """Every read model as a filled table: how far it is, what is built beside it, what stands still. Of now."""
        return await read_models(info.context)
