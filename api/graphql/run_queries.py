"""What may be asked about runs of pipelines."""

import strawberry

from api.graphql.asking import Asking
from api.graphql.pages import Connection
from api.graphql.reads import facts as fact_reads
from api.graphql.reads import runs as reads
from api.graphql.reads.asked import After, AsOf, At, Cursor, First, asked
from api.graphql.types.fact import Fact, FactFilter
from api.graphql.types.gate import Gate, GateFilter
from api.graphql.types.run import Run, RunFilter, RunFound, RunId
from projections.kernel.requests import LIMIT_DEFAULT


@strawberry.type
class RunQuery:
    """Runs, one and many, their questions, and what projects tell runs of others."""

    @strawberry.field
    async def runs(
        self,
        info: Asking,
        *,
        where: RunFilter | None = None,
        first: First = LIMIT_DEFAULT,
        cursor: Cursor = None,
        as_of: AsOf = None,
        at: At = None,
        after: After = None,
    ) -> Connection[Run]:
        """Runs of a project, or of all where the key sees all, the youngest first."""
        return await reads.runs(
            info.context, where or RunFilter(), await asked(info.context, first, cursor, as_of, at, after)
        )

    @strawberry.field
    async def run(
        self, info: Asking, identifier: RunId, as_of: AsOf = None, at: At = None, after: After = None
    ) -> RunFound:
        """One run with its phases."""
        return await reads.run(info.context, identifier, await asked(info.context, 1, None, as_of, at, after))

    @strawberry.field
    async def gates(
        self,
        info: Asking,
        *,
        where: GateFilter | None = None,
        first: First = LIMIT_DEFAULT,
        cursor: Cursor = None,
        as_of: AsOf = None,
        at: At = None,
        after: After = None,
    ) -> Connection[Gate]:
        """Questions that runs put to people and agents, by run."""
        return await reads.gates(
            info.context, where or GateFilter(), await asked(info.context, first, cursor, as_of, at, after)
        )

    @strawberry.field
    async def facts(
        self,
        info: Asking,
        *,
        where: FactFilter | None = None,
        first: First = LIMIT_DEFAULT,
        cursor: Cursor = None,
        as_of: AsOf = None,
        at: At = None,
        after: After = None,
    ) -> Connection[Fact]:
        """What a project publishes: how runs ended last, signals, results in versions. From the end of the alphabet."""
        wanted = await asked(info.context, first, cursor, as_of, at, after)
        return await fact_reads.facts(info.context, where or FactFilter(), wanted)
