"""The grant rule: which requests stand before which, who may be granted next, and where waiting would never end."""

from collections.abc import Iterable
from typing import NamedTuple

from immutables import Map

from domain.lock.entries import Grant, Owner, Waiter
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
    edges: dict[int, set[int]] | None = None
    for key in queue.order:
        number = key.number
        if number in queue.shut_by:
            continue
        ahead = queue.ahead.get(number)
        if ahead is None:
            return queue.waiters[number]
        if not _directly_waiting_for(space, queue.waiters[number].owner.name):
            continue
        edges = edges or requests_before(space)
        if not edges[number]:
            return queue.waiters[number]
    return None


def requests_before(space: LockSpace, twin: int | None = None) -> dict[int, set[int]]:
    """Request -> the requests before it that block it, for every request that waits.

    ``twin`` is a request whose owner has a later one in the space, too: one that is only tried.

    An earlier request blocks a later one where their claims conflict, unless it waits already, directly or through
    others, for the owner of the later one: then waiting for it would never end (locks.md 6).
    """
    queue = space.coverage.queue
    edges: dict[int, set[int]] = {}
    followers: dict[int, list[int]] = {}
    for key in queue.order:
        number = key.number
        ahead = set(queue.ahead.get(number, _NO_MEMBERS))
        name = queue.waiters[number].owner.name
        direct = _directly_waiting_for(space, name) if ahead else []
        if twin is not None and twin != number and queue.waiters[twin].owner.name == name:
            direct += followers.get(twin, ())
        if direct:
            ahead -= _reaching(space, direct, followers)
        edges[number] = ahead
        for earlier in ahead:
            followers.setdefault(earlier, []).append(number)
    return edges


def circle(space: LockSpace, owner: Owner, tokens: Iterable[int]) -> tuple[Link, ...]:
    """The deadlock that waiting for the grants with these tokens would close for the owner; empty where it closes none.

    Only waits for grants count: a request that waits for another request can still be overtaken. The first link is
    the owner's own, each next one is that of the former's holder, and the last grant is the owner's.
    """
    came = _chain_to(space, owner.name)
    for token in sorted(tokens):
        holder = space.grants[token]
        if holder.is_orphaned:
            continue
        links, name = [Link(owner.name, holder)], holder.owner.name
        while name in came:
            links.append(Link(name, came[name]))
            name = came[name].owner.name
        if name == owner.name and len(links) > 1:
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
    return came


def _directly_waiting_for(space: LockSpace, name: str) -> list[int]:
    """Requests that grants of the owner block."""
    shuts = space.coverage.queue.shuts
    tokens = space.coverage.by_owner.get(name, _NO_MEMBERS)
    return [number for token in tokens for number in shuts.get(token, _NO_MEMBERS)]


def _reaching(space: LockSpace, direct: Iterable[int], followers: dict[int, list[int]]) -> set[int]:
    """Requests that wait for one of ``direct``, through grants or through the edges found so far, with these."""
    reached: set[int] = set()
    open_numbers = list(direct)
    waiters = space.coverage.queue.waiters
    while open_numbers:
        number = open_numbers.pop()
        if number not in reached:
            reached.add(number)
            open_numbers += _directly_waiting_for(space, waiters[number].owner.name)
            open_numbers += followers.get(number, ())
    return reached
