"""What may be asked about what a person has to look at."""

import strawberry

from api.graphql.asking import Asking
from api.graphql.pages import Connection
from api.graphql.reads import attention
from api.graphql.reads.asked import After, AsOf, At, Cursor, First, asked
from api.graphql.reads.attention import AttentionFilter
from api.graphql.types.attention import Attention, Standstills
from projections.kernel.requests import LIMIT_DEFAULT


@strawberry.type
class AttentionQuery:
    """Over tasks, locks, pools, sessions, quotas and projects at once."""

    @strawberry.field
    async def attention(
        self,
        info: Asking,
        *,
        where: AttentionFilter | None = None,
        first: First = LIMIT_DEFAULT,
        cursor: Cursor = None,
        as_of: AsOf = None,
        at: At = None,
        after: After = None,
    ) -> Connection[Attention]:
        """What a person has to look at: since when, why, and what would end it. By kind of thing, then by id."""
        wanted = await asked(info.context, first, cursor, as_of, at, after)
        return await attention.attention(info.context, where or AttentionFilter(), wanted)

    @strawberry.field
    async def standstills(self, info: Asking, project: str, after: After = None) -> Standstills:
        """Waits that go round through needs, parts, scopes and agents, so that nothing in them ever moves. Of now."""
        return await attention.standstills(info.context, project, after)
