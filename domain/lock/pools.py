"""Pools of units that are alike or carry labels: which members a request gets, and who holds the rest (locks.md 12).

Everything is members: a pool of a fixed count has the members 1 to n. Requests for the same pool are served in their
order, so that many small ones never starve a large one.
"""

from collections.abc import Iterable
from typing import Final

from immutables import Map

from domain.lock.entries import Grant, Owner, Pool, Wish
from domain.lock.errors import LocksLimited
from domain.lock.events import TakenMembers
from domain.lock.pool_errors import PoolUnknown
from domain.lock.pool_name import PoolWish, read_pool
from domain.lock.state import LockSpace

POOLS_MAX: Final = 256
MEMBERS_MAX: Final = 256
_NONE: Final[Map[str, int]] = Map()


def pool_wishes(wishes: Iterable[Wish]) -> list[PoolWish]:
    """The wishes for units of pools."""
    return [read_pool(wish.resource.pattern) for wish in wishes if wish.resource.kind == "pool"]


def unfit(space: LockSpace, owner: Owner, wishes: Iterable[Wish]) -> PoolUnknown | LocksLimited | None:
    """Why the wishes can never be met: no such pool or member, more than there are, more than one owner may have."""
    wanted: dict[str, int] = {}
    by_pool = _by_pool(wishes)
    for wish in (one for asked in by_pool.values() for one in asked):
        pool = space.pools.get(wish.name)
        if pool is None:
            return PoolUnknown(pool=wish.name)
        there = len(eligible(pool, wish))
        if there < wish.quantity:
            return LocksLimited(what=f"fitting units of the pool {wish.name}", count=wish.quantity, most=there)
        wanted[wish.name] = wanted.get(wish.name, 0) + wish.quantity
        quota = pool.quota
        count = wanted[wish.name] + _held_by(space, owner, wish.name)
        if quota is not None and count > quota:
            return LocksLimited(what=f"units of the pool {wish.name} for one owner", count=count, most=quota)
    for name, asked in by_pool.items():
        if _matched(space.pools[name], _NONE, asked) is None:
            # Each would find its units, all of them together do not.
            what = f"fitting units of the pool {name} for the claims together"
            return LocksLimited(what=what, count=wanted[name], most=wanted[name] - 1)
    return None


def allocated(space: LockSpace, wishes: Iterable[Wish]) -> tuple[TakenMembers, ...] | None:
    """Free members for all the wishes together, or None; named ones first, the others by a bipartite matching."""
    found: dict[str, list[str]] = {}
    for name, asked in _by_pool(wishes).items():
        pool = space.pools.get(name)
        members = None if pool is None else _matched(pool, space.coverage.taken.get(name, _NONE), asked)
        if members is None:
            return None
        found[name] = sorted(members)
    return tuple(TakenMembers(pool=name, members=tuple(found[name])) for name in sorted(found))


def holders(space: LockSpace, wish: PoolWish) -> list[Grant]:
    """The grants that hold members which the wish could use, the oldest first."""
    pool, taken = space.pools.get(wish.name), space.coverage.taken.get(wish.name, _NONE)
    fitting = () if pool is None else eligible(pool, wish, also_quarantined=True)
    tokens = {taken[member] for member in fitting if member in taken}
    return [space.grants[token] for token in sorted(tokens)]


def unmet(space: LockSpace, wish: PoolWish, gone: set[str]) -> bool:
    """Whether the wish could not be met even if all gave back what they hold but the owners with these names."""
    pool, taken = space.pools.get(wish.name), space.coverage.taken.get(wish.name, _NONE)
    if pool is None:
        return False
    stuck = [member for member in eligible(pool, wish) if member in taken and _keeps(space.grants[taken[member]], gone)]
    return len(eligible(pool, wish)) - len(stuck) < wish.quantity


def eligible(pool: Pool, wish: PoolWish, *, also_quarantined: bool = False) -> list[str]:
    """Members that fit the wish, whether they are free or not, in order."""
    if wish.members:
        named = [one for one in wish.members if one in pool.members]
        return [one for one in named if also_quarantined or one not in pool.quarantined]
    return [
        name
        for name in sorted(pool.members)
        if wish.labels <= pool.members[name] and (also_quarantined or name not in pool.quarantined)
    ]


def _by_pool(wishes: Iterable[Wish]) -> dict[str, list[PoolWish]]:
    found: dict[str, list[PoolWish]] = {}
    for wish in pool_wishes(wishes):
        found.setdefault(wish.name, []).append(wish)
    return found


def _matched(pool: Pool, taken: Map[str, int], asked: list[PoolWish]) -> set[str] | None:
    """Kuhn's algorithm over single units; those with fewer candidates first."""
    units = [
        [member for member in eligible(pool, wish) if member not in taken]
        for wish in sorted(asked, key=lambda one: not one.members)
        if not wish.members
        for _ in range(wish.quantity)
    ]
    named = [[member] for wish in asked for member in wish.members if member not in taken and member in pool.members]
    if len(named) < sum(len(wish.members) for wish in asked) or any(one[0] in pool.quarantined for one in named):
        return None
    candidates = [*named, *sorted(units, key=len)]
    holder: dict[str, int] = {}
    for unit in range(len(candidates)):
        if not _placed(unit, candidates, holder, set()):
            return None
    return set(holder)


def _placed(unit: int, candidates: list[list[str]], holder: dict[str, int], seen: set[str]) -> bool:
    for member in candidates[unit]:
        if member not in holder:
            holder[member] = unit
            return True
    for member in candidates[unit]:
        if member not in seen:
            seen.add(member)
            if _placed(holder[member], candidates, holder, seen):
                holder[member] = unit
                return True
    return False


def _keeps(grant: Grant, gone: set[str]) -> bool:
    return not grant.is_orphaned and grant.owner.name in gone


def _held_by(space: LockSpace, owner: Owner, pool: str) -> int:
    tokens = space.coverage.by_owner.get(owner.name, ())
    return sum(len(one.members) for token in tokens for one in space.grants[token].members if one.pool == pool)
