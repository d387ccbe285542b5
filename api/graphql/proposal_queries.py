"""What may be asked about proposals."""

import strawberry

from api.graphql.asking import Asking
from api.graphql.pages import Connection
from api.graphql.reads import proposals as reads
from api.graphql.reads.asked import After, AsOf, At, Cursor, First, asked
from api.graphql.types.proposal import Proposal, ProposalFilter
from projections.kernel.requests import LIMIT_DEFAULT


@strawberry.type
class ProposalQuery:
    """Questions outside of runs."""

    @strawberry.field
    async def proposals(
        self,
        info: Asking,
        *,
        where: ProposalFilter | None = None,
        first: First = LIMIT_DEFAULT,
        cursor: Cursor = None,
        as_of: AsOf = None,
        at: At = None,
        after: After = None,
    ) -> Connection[Proposal]:
        """Questions with options that people and agents vote on, the youngest first."""
        return await reads.proposals(
            info.context, where or ProposalFilter(), await asked(info.context, first, cursor, as_of, at, after)
        )
