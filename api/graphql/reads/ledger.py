"""The audit ledger, for those who watch over it: the same answers as its doors give, under the same rights."""

from typing import Annotated

import strawberry

from api.graphql.asking import Asking
from api.graphql.errors import Refused, RequestNotReadable
from api.graphql.types.ledger import (
    LedgerCheckpoint,
    LedgerConsistency,
    LedgerInclusion,
    LedgerPublicKey,
    checkpoint_of,
    consistency_of,
    inclusion_of,
    key_of,
)
from domain.kernel.errors import UnknownThing
from domain.kernel.ids import Position
from projections.kernel.requests import LIMIT_DEFAULT, LIMIT_MAX

EVENT_CHARACTERS_MAX = 100


@strawberry.type
class Ledger:
    """The log as a Merkle tree. Nothing here tells what an event says; `events` does."""

    @strawberry.field
    async def latest(self, info: Asking) -> LedgerCheckpoint | None:
        """The last checkpoint that was signed; null while there is none."""
        signed = await info.context.services.ledger.latest()
        return None if signed is None else checkpoint_of(signed)

    @strawberry.field
    async def checkpoints(
        self,
        info: Asking,
        size: Annotated[Position | None, strawberry.argument(description="Only those of so many or more.")] = None,
        first: Annotated[int, strawberry.argument(description="At most so many, 1 to 200.")] = LIMIT_DEFAULT,
    ) -> list[LedgerCheckpoint]:
        """Signed checkpoints, the smallest first; go on with the last size + 1."""
        if not 1 <= first <= LIMIT_MAX:
            raise Refused(RequestNotReadable(reason=f"a page holds 1 to {LIMIT_MAX} checkpoints"))
        return [checkpoint_of(one) for one in await info.context.services.ledger.checkpoints(size or 0, first)]

    @strawberry.field
    async def keys(self, info: Asking) -> list[LedgerPublicKey]:
        """Every public key that ever signed, the oldest first."""
        return [key_of(one) for one in await info.context.services.ledger.keys()]

    @strawberry.field
    async def inclusion(
        self,
        info: Asking,
        event: Annotated[str, strawberry.argument(description="A position, or `stream@version`.")],
        size: Annotated[
            Position | None,
            strawberry.argument(description="To the first checkpoint of this size, else one of now."),
        ] = None,
    ) -> LedgerInclusion:
        """That an event is in the log."""
        context = info.context
        if len(event) > EVENT_CHARACTERS_MAX:
            raise Refused(RequestNotReadable(reason=f"an event is named by {EVENT_CHARACTERS_MAX} characters at most"))
        row = await context.services.ledger.find(event)
        # A bare position tells nothing that the tree does not; the name of a stream would.
        if row is None or ("@" in event[1:] and not context.sees(str(row.project))):
            raise Refused(UnknownThing(kind="event", name=event))
        found = await context.services.ledger.inclusion(row, size)
        if found is None:
            raise Refused(UnknownThing(kind="checkpoint", name=str(size or 0)))
        return inclusion_of(found)

    @strawberry.field
    async def consistency(self, info: Asking, old: Position, new: Position) -> LedgerConsistency:
        """That the log of `old` events is the beginning of that of `new`."""
        found = await info.context.services.ledger.consistency(old, new)
        if found is None:
            raise Refused(UnknownThing(kind="tree of the sizes", name=f"{old} and {new}"))
        return consistency_of(found)


@strawberry.type
class LedgerQuery:
    """The question for the ledger."""

    @strawberry.field
    async def ledger(self, info: Asking) -> Ledger:
        """The audit ledger: signed checkpoints, and proofs that they bind every event."""
        # Whoever may read it under one project may read it under each: it tells nothing of any event.
        projects = info.context.principal.projects
        info.context.require("read.ledger", None if projects is None else min(projects))
        return Ledger()
