"""What follows from the grants and requests of a lock space, kept beside them so that a decision need not walk all."""

from dataclasses import dataclass
from typing import Final

from immutables import Map

from domain.kernel.change import replace
from domain.kernel.values import Spend
from domain.lock import queue
from domain.lock.claim_index import ClaimIndex
from domain.lock.entries import Grant, Waiter, wishes_in
from domain.lock.queue import Members, Queue

_NO_TOKENS: Final[Members] = Map()
NOTHING_SPENT: Final = Spend()


@dataclass(frozen=True, slots=True)
class Coverage:
    """Derived from grants and requests alone; never serialised."""

    index: ClaimIndex = ClaimIndex()
    """Claims of the grants, by token."""
    claims: int = 0
    """Live claims of the space, those of orphans included."""
    by_session: Map[str, int] = Map()
    """Live grants of each session; orphans no longer count."""
    by_owner: Map[str, Members] = Map()
    """Tokens of the live grants of each owner; orphans have none."""
    concurrency: Map[str, Members] = Map()
    """Name -> tokens of live grants that carry it; orphans carry none."""
    reserved: Spend = NOTHING_SPENT
    """What live grants set aside of the project's budget."""
    taken: Map[str, Map[str, int]] = Map()
    """Pool -> member -> token that holds it, orphans included."""
    intents: int = 0
    """Live grants that declare a plan in some claim: while there are none, no writer has to look for them."""
    queue: Queue = queue.EMPTY

    def with_grant(self, grant: Grant) -> "Coverage":
        """With the grant."""
        index = self.index
        for wish in wishes_in(grant.claims):
            index = index.add(str(grant.token), wish.resource)
        return replace(
            self if grant.is_orphaned else self._owned(grant, 1),
            index=index,
            claims=self.claims + len(grant.claims),
            intents=self.intents + _declares(grant),
            taken=_taken(self.taken, grant, grant.token),
            queue=self.queue.with_grant(grant),
        )

    def without_grant(self, grant: Grant) -> "Coverage":
        """Without the grant."""
        index = self.index
        for wish in wishes_in(grant.claims):
            index = index.remove(str(grant.token), wish.resource)
        return replace(
            self if grant.is_orphaned else self._owned(grant, -1),
            index=index,
            claims=self.claims - len(grant.claims),
            intents=self.intents - _declares(grant),
            taken=_taken(self.taken, grant, None),
            queue=self.queue.without_grant(grant.token),
        )

    def orphaned(self, grant: Grant, orphan: Grant) -> "Coverage":
        """With the grant's owner gone, its claims shut against everybody from now on."""
        queue_after = self.queue.without_grant(grant.token).with_grant(orphan)
        return replace(self._owned(grant, -1), queue=queue_after)

    def rehoused(self, grant: Grant) -> "Coverage":
        """With the grant's owner in another family: its name and claims are those of before."""
        return replace(self, queue=self.queue.without_grant(grant.token).with_grant(grant))

    def with_waiter(self, waiter: Waiter, grants: Map[int, Grant]) -> "Coverage":
        """With the request."""
        return replace(self, queue=self.queue.with_waiter(waiter, self.index, grants))

    def without_waiter(self, number: int) -> "Coverage":
        """Without the request."""
        return replace(self, queue=self.queue.without_waiter(number))

    def _owned(self, grant: Grant, change: int) -> "Coverage":
        name, session = grant.owner.name, grant.session
        tokens, count = self.by_owner.get(name, _NO_TOKENS), self.by_session.get(session, 0) + change
        tokens = tokens.set(grant.token, True) if change > 0 else tokens.delete(grant.token)
        return replace(
            self._counted(grant, change) if grant.concurrency or grant.reserved else self,
            by_session=self.by_session.set(session, count) if count else self.by_session.delete(session),
            by_owner=self.by_owner.set(name, tokens) if tokens else self.by_owner.delete(name),
        )

    def _counted(self, grant: Grant, change: int) -> "Coverage":
        concurrency, share = self.concurrency, grant.reserved or NOTHING_SPENT
        for name in {one.key for one in grant.concurrency}:
            tokens = concurrency.get(name, _NO_TOKENS)
            tokens = tokens.set(grant.token, True) if change > 0 else tokens.delete(grant.token)
            concurrency = concurrency.set(name, tokens) if tokens else concurrency.delete(name)
        reserved = self.reserved.plus(share) if change > 0 else self.reserved.minus(share)
        return replace(self, concurrency=concurrency, reserved=reserved)


NOTHING: Final = Coverage()


def _taken(pools: Map[str, Map[str, int]], grant: Grant, token: int | None) -> Map[str, Map[str, int]]:
    """With the grant's units held by the token, or by nobody."""
    for one in grant.members:
        members: Map[str, int] = pools.get(one.pool, Map())
        for member in one.members:
            if token is not None:
                members = members.set(member, token)
            elif member in members:
                members = members.delete(member)
        pools = pools.set(one.pool, members) if members else pools.delete(one.pool)
    return pools


def _declares(grant: Grant) -> bool:
    return any(claim.mode == "intent" for claim in grant.claims)


def coverage_of(grants: Map[int, Grant], waiters: Map[int, Waiter]) -> Coverage:
    """The coverage from scratch; O(claims x what they meet)."""
    coverage = NOTHING
    for token in sorted(grants):
        coverage = coverage.with_grant(grants[token])
    for number in sorted(waiters):
        coverage = coverage.with_waiter(waiters[number], grants)
    return coverage
