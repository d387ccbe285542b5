"""The grant rule: which requests stand before which, who may be granted next, and where waiting would never end."""

from collections.abc import Iterable
from typing import NamedTuple

from immutables import Map

from domain.kernel.values import ScopeClaim
from domain.lock.entries import Grant, Owner, QueueKey, Waiter, wishes_in
from domain.lock.pools import allocated, holders, pool_wishes, unmet
from domain.lock.queue import Members
from domain.lock.state import LockSpace

_NO_MEMBERS: Members = Map()


class Link(NamedTuple):
    """One step of a deadlock: ``waiter`` wants what ``grant`` holds."""

    waiter: str
    """Name of the owner that waits."""
    grant: Grant


def first_grantable(space: LockSpace) -> Waiter | None:
    """The first request in key order that nothing blocks."""
    queue = space.coverage.queue
    rule: GrantRule | None = None
    for key in queue.order:
        number = key.number
        if number in queue.shut_by or not units_free(space, queue.waiters[number]):
            continue
        if number not in queue.ahead:
            return queue.waiters[number]
        rule = rule or GrantRule(space)
        if rule.may_overtake(number) and not rule.before(number):
            return queue.waiters[number]
    return None


def units_free(space: LockSpace, waiter: Waiter) -> bool:
    """Whether the pools have what the request wants of them."""
    wishes = [wish for wish in wishes_in(waiter.claims) if wish.resource.kind == "pool"] if space.pools else []
    return not wishes or allocated(space, wishes) is not None


class GrantRule:
    """Which earlier requests block a later one, found out once for one lock space and as far as it is asked.

    An earlier request blocks a later one where their claims conflict, unless it waits already, directly or through
    others, for the owner of the later one, or for what contains that: then waiting for it would never end (locks.md 6,
    ADR 30). ``twin`` is a request whose owner has a later one in the space, too: one that is only tried.
    """

    def __init__(self, space: LockSpace, twin: int | None = None) -> None:
        self._space = space
        self._queue = space.coverage.queue
        self._twin = twin
        self._overtaken: dict[int, set[int]] = {}
        self._known = 0
        self._direct: dict[str, list[int]] = {}

    def before(self, number: int) -> set[int]:
        """The requests that block this one."""
        self._find_up_to(self._queue.waiters[number].key)
        return set(self._queue.ahead.get(number, _NO_MEMBERS)) - self._overtaken.get(number, set())

    def may_overtake(self, number: int) -> bool:
        """Whether anybody waits for the owner, or what contains it; only then it goes before earlier ones."""
        return bool(self._waiting_for_family(number)) or self._is_twin_of(number)

    def _find_up_to(self, last: QueueKey) -> None:
        """In key order, since whom a request overtakes depends on those before it only."""
        order = self._queue.order
        while self._known < len(order) and order[self._known] <= last:
            number = order[self._known].number
            if number in self._queue.ahead and self.may_overtake(number):
                self._overtaken[number] = self._reaching(number)
            self._known += 1

    def _reaching(self, number: int) -> set[int]:
        """Earlier requests that wait for the owner of this one, through grants and earlier requests."""
        own = self._queue.waiters[number]
        reached: set[int] = set()
        open_numbers = self._waiting_for_family(number)
        if self._twin is not None and self._is_twin_of(number):
            open_numbers += self._followers(self._twin, own.key)
        while open_numbers:
            found = open_numbers.pop()
            if found not in reached:
                reached.add(found)
                open_numbers += self._waiting_for(self._queue.waiters[found].owner.name)
                open_numbers += self._followers(found, own.key)
        return reached

    def _followers(self, number: int, last: QueueKey) -> list[int]:
        """Requests before ``last`` that this one blocks."""
        waiters, overtaken = self._queue.waiters, self._overtaken
        behind = self._queue.behind.get(number, _NO_MEMBERS)
        return [one for one in behind if waiters[one].key < last and number not in overtaken.get(one, ())]

    def _waiting_for_family(self, number: int) -> list[int]:
        """Requests that grants of the request's owner block, or of what contains it."""
        owner = self._queue.waiters[number].owner
        return [one for name in (owner.name, *owner.around) for one in self._waiting_for(name) if one != number]

    def _waiting_for(self, name: str) -> list[int]:
        """Requests that grants of the owner block."""
        known = self._direct.get(name)
        if known is None:
            known = self._direct[name] = _directly_waiting_for(self._space, name)
        return known

    def _is_twin_of(self, number: int) -> bool:
        if self._twin is None or self._twin == number:
            return False
        return self._queue.waiters[self._twin].owner.name == self._queue.waiters[number].owner.name


def circle(
    space: LockSpace, owner: Owner, tokens: Iterable[int], claims: tuple[ScopeClaim, ...] = ()
) -> tuple[Link, ...]:
    """The deadlock that waiting for the grants with these tokens would close for the owner; empty where it closes none.
    Units of a pool that are among ``claims`` close one only where every holder would wait for the owner.

    Only waits for grants count: a request that waits for another request can still be overtaken. The first link is
    the owner's own, each next one is that of the former's holder, and the last grant is the owner's.
    """
    came = _chain_to(space, owner.name)
    for token in (*sorted(tokens), *_exhausted(space, claims, {owner.name, *came})):
        holder = space.grants[token]
        if holder.is_orphaned:
            continue
        links, name = [Link(owner.name, holder)], holder.owner.name
        while name in came:
            links.append(Link(name, came[name]))
            name = came[name].owner.name
        if name == owner.name:
            return tuple(links)
    return ()


def waits_for(space: LockSpace, name: str) -> set[str]:
    """Owners that wait, directly or through others, for grants of the owner with this name."""
    return set(_chain_to(space, name))


def _chain_to(space: LockSpace, name: str) -> dict[str, Grant]:
    """Owner that waits -> the grant that it waits for, each on the way to the owner with this name."""
    queue = space.coverage.queue
    came: dict[str, Grant] = {}
    open_names = [name]
    while open_names:
        holder = open_names.pop()
        for token in sorted(space.coverage.by_owner.get(holder, _NO_MEMBERS)):
            for number in sorted(queue.shuts.get(token, _NO_MEMBERS)):
                waiting = queue.waiters[number].owner.name
                if waiting not in came and waiting != name:
                    came[waiting] = space.grants[token]
                    open_names.append(waiting)
        if not open_names and space.pools:
            for waiting, grant in _out_of_units(space, {name, *came}):
                came[waiting] = grant
                open_names.append(waiting)
    return came


def _out_of_units(space: LockSpace, stuck: set[str]) -> list[tuple[str, Grant]]:
    """Owners that wait for units of a pool which only these could give back, with one of those grants."""
    found: list[tuple[str, Grant]] = []
    for number in sorted(space.waiters):
        waiter = space.waiters[number]
        tokens = () if waiter.owner.name in stuck else _exhausted(space, waiter.claims, stuck)
        if tokens:
            found.append((waiter.owner.name, space.grants[tokens[0]]))
    return found


def _exhausted(space: LockSpace, claims: tuple[ScopeClaim, ...], stuck: set[str]) -> tuple[int, ...]:
    """Tokens of these owners that hold what a pool lacks for the claims, where nobody else could give back enough."""
    if not space.pools:
        return ()
    return tuple(
        grant.token
        for wish in pool_wishes(wishes_in(claims))
        if unmet(space, wish, stuck)
        for grant in holders(space, wish)
        if grant.owner.name in stuck and not grant.is_orphaned
    )


def _directly_waiting_for(space: LockSpace, name: str) -> list[int]:
    """Requests that grants of the owner block."""
    shuts = space.coverage.queue.shuts
    tokens = space.coverage.by_owner.get(name, _NO_MEMBERS)
    # What an owner has left behind bars those within it, too.
    live = (token for token in tokens if not space.grants[token].is_orphaned)
    return [number for token in live for number in shuts.get(token, _NO_MEMBERS)]
