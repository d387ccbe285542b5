"""Read models as filled tables, from the desk that builds them."""

from api.graphql.context import Context
from api.graphql.types.projection import ReadModels, model_of, parked_of
from domain.kernel.ids import Position


async def read_models(context: Context) -> ReadModels:
    """Every read model as of now. Raises Refused."""
    context.require("read.projections", None)
    return await shown(context)


async def shown(context: Context) -> ReadModels:
    """The same for whoever was allowed to change them."""
    desk = context.services.projections
    reports, parked = await desk.reports(), await desk.parked()
    following = [one.checkpoint for one in reports if one.state == "following"]
    head = context.services.events.head()
    return ReadModels(
        models=[model_of(one) for one in reports],
        parked=[parked_of(one) for one in parked],
        head=Position(head),
        position=Position(min(following, default=0)),
        stale=False,
    )
