"""The queue beside a lock space: who waits behind whom, kept with every change so that a decision need not find out."""

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from immutables import Map

from domain.kernel.change import replace
from domain.lock.claim_index import ClaimIndex, IndexedClaim
from domain.lock.entries import Grant, QueueKey, Waiter, Wish, excludes, mode_of, stands_in_the_way, wishes_in
from domain.lock.errors import TooComplex
from domain.lock.overlap import StepBudget

Members = Map[int, bool]
"""A persistent set of numbers."""
_NONE: Final[Members] = Map()


@dataclass(frozen=True, slots=True)
class Queue:
    """Waiting requests by number, in key order, with what is in the way of each.

    Tokens in the way are exact. ``ahead`` are the requests with a smaller key whose claims conflict; which of them
    block is the grant rule's to say (``ordering``).
    """

    index: ClaimIndex = ClaimIndex()
    """Claims of the requests, by number."""
    waiters: Map[int, Waiter] = Map()
    order: tuple[QueueKey, ...] = ()
    by_owner: Map[str, int] = Map()
    """Name of the owner -> its one request."""
    shut_by: Map[int, Members] = Map()
    """Request -> tokens of grants in its way."""
    shuts: Map[int, Members] = Map()
    """Token -> requests in whose way it is."""
    ahead: Map[int, Members] = Map()
    """Request -> conflicting requests before it."""
    behind: Map[int, Members] = Map()
    """Request -> conflicting requests after it."""

    def with_grant(self, grant: Grant) -> "Queue":
        """After a grant; O(its claims + the requests that it meets)."""
        if not self.waiters:
            return self
        shut = dict.fromkeys(_shut_out(self, grant), True)
        if not shut:
            return self
        shut_by = self.shut_by
        for number in shut:
            shut_by = _joined(shut_by, number, grant.token)
        return replace(self, shut_by=shut_by, shuts=self.shuts.set(grant.token, Map(shut)))

    def without_grant(self, token: int) -> "Queue":
        """After a grant's end; O(the requests in whose way it was)."""
        shut = self.shuts.get(token)
        if shut is None:
            return self
        shut_by = self.shut_by
        for number in shut:
            shut_by = _parted(shut_by, number, token)
        return replace(self, shut_by=shut_by, shuts=self.shuts.delete(token))

    def with_waiter(self, waiter: Waiter, held: ClaimIndex, grants: Map[int, Grant]) -> "Queue":
        """With the request; ``held`` indexes the claims of ``grants``. O(its claims + what it meets)."""
        number = waiter.number
        tokens = dict.fromkeys(_tokens_before(waiter, held, grants), True)
        ahead, behind = self.ahead, self.behind
        for other in _rivals(self, waiter):
            first, second = (number, other.number) if waiter.key < other.key else (other.number, number)
            ahead, behind = _joined(ahead, second, first), _joined(behind, first, second)
        shuts = self.shuts
        for token in tokens:
            shuts = _joined(shuts, token, number)
        order = list(self.order)
        insort(order, waiter.key)
        return Queue(
            index=_indexed(self.index, waiter),
            waiters=self.waiters.set(number, waiter),
            order=tuple(order),
            by_owner=self.by_owner.set(waiter.owner.name, number),
            shut_by=self.shut_by.set(number, Map(tokens)) if tokens else self.shut_by,
            shuts=shuts,
            ahead=ahead,
            behind=behind,
        )

    def without_waiter(self, number: int) -> "Queue":
        """Without the request; O(what it met)."""
        waiter = self.waiters.get(number)
        if waiter is None:
            return self
        shuts, ahead, behind = self.shuts, self.ahead, self.behind
        for token in self.shut_by.get(number, _NONE):
            shuts = _parted(shuts, token, number)
        for other in behind.get(number, _NONE):
            ahead = _parted(ahead, other, number)
        for other in self.ahead.get(number, _NONE):
            behind = _parted(behind, other, number)
        place = bisect_left(self.order, waiter.key)
        index = self.index
        for wish in wishes_in(waiter.claims):
            index = index.remove(str(number), wish.resource)
        return Queue(
            index=index,
            waiters=self.waiters.delete(number),
            order=(*self.order[:place], *self.order[place + 1 :]),
            by_owner=self.by_owner.delete(waiter.owner.name),
            shut_by=_gone(self.shut_by, number),
            shuts=shuts,
            ahead=_gone(ahead, number),
            behind=_gone(behind, number),
        )


EMPTY: Final = Queue()


def _shut_out(queue: Queue, grant: Grant) -> Iterator[int]:
    for wish in wishes_in(grant.claims):
        if wish.resource.kind == "pool":
            continue  # many hold units of one pool; who gets which is told anew each time
        for entry in _met(queue.index, wish):
            waiter = queue.waiters[int(entry.claim_id)]
            if stands_in_the_way(grant, wish.mode, waiter.owner, mode_of(waiter.claims, entry.resource)):
                yield waiter.number


def _tokens_before(waiter: Waiter, held: ClaimIndex, grants: Map[int, Grant]) -> Iterator[int]:
    for wish in wishes_in(waiter.claims):
        if wish.resource.kind == "pool":
            continue
        for entry in _met(held, wish):
            grant = grants[int(entry.claim_id)]
            if stands_in_the_way(grant, mode_of(grant.claims, entry.resource), waiter.owner, wish.mode):
                yield grant.token


def _rivals(queue: Queue, waiter: Waiter) -> Iterable[Waiter]:
    """Requests whose claims conflict, each once."""
    found: dict[int, Waiter] = {}
    for wish in wishes_in(waiter.claims):
        for entry in _met(queue.index, wish):
            other = queue.waiters[int(entry.claim_id)]
            first, second = (waiter, other) if waiter.key < other.key else (other, waiter)
            modes = wish.mode, mode_of(other.claims, entry.resource)
            mode, wanted = modes if first is waiter else modes[::-1]
            if excludes(first.owner, mode, second.owner, wanted):
                found[other.number] = other
    return found.values()


def _met(index: ClaimIndex, wish: Wish) -> tuple[IndexedClaim, ...]:
    """What overlaps; what costs too much to compare is taken to: a wait too long, never a lock too many."""
    found = index.overlapping(wish.resource, StepBudget())
    return index.possible(wish.resource) if isinstance(found, TooComplex) else found


def _indexed(index: ClaimIndex, waiter: Waiter) -> ClaimIndex:
    for wish in wishes_in(waiter.claims):
        index = index.add(str(waiter.number), wish.resource)
    return index


def _joined(sets: Map[int, Members], key: int, member: int) -> Map[int, Members]:
    return sets.set(key, sets.get(key, _NONE).set(member, True))


def _parted(sets: Map[int, Members], key: int, member: int) -> Map[int, Members]:
    left = sets[key].delete(member)
    return sets.set(key, left) if left else sets.delete(key)


def _gone(sets: Map[int, Members], key: int) -> Map[int, Members]:
    return sets.delete(key) if key in sets else sets
