"""Setting up pools, taking single members out of service, and telling how a pool stands."""

from typing import Final, Literal

from domain.dispatch.lookup import lock_stream
from domain.kernel.decider import Decision, View, Write, refuse
from domain.kernel.errors import Rejection, UnknownThing
from domain.kernel.ids import StreamId
from domain.kernel.message import Answer, Event, Message, Stamp
from domain.lock.commands import DescribePool, QuarantineMember, ReturnMember, SetPool
from domain.lock.decider import LOCKS
from domain.lock.entries import Pool
from domain.lock.errors import BadPattern, LocksLimited
from domain.lock.events import PoolMember, PoolMemberQuarantined, PoolMemberReturned, PoolSet
from domain.lock.pool_errors import NoSuchMember, PoolUnknown
from domain.lock.pools import POOLS_MAX
from domain.lock.resource import parse
from domain.lock.state import LockSpace
from domain.project.decider import read_project
from domain.project.settings import EnvironmentPool

MEMBERS_MAX: Final = 256
"""Of one pool, as in ``set_pool``."""


class MemberShown(Message):
    """One unit as it stands."""

    name: str
    labels: tuple[str, ...]
    state: Literal["free", "held", "quarantined", "draining"]
    """``draining`` is held and belongs to the pool no more."""
    token: str | None = None
    """Under which it is held."""


class PoolShown(Answer):
    """A pool as it stands."""

    pool: str
    quota: int | None
    members: tuple[MemberShown, ...]
    free: int


def set_pool(command: SetPool, stamp: Stamp, view: View) -> Decision:
    """Define a pool; the same definition again changes nothing, and nothing that is held is taken away."""
    project = read_project(stamp, view)
    if isinstance(project, UnknownThing):
        return refuse(project)
    named = parse(f"pool:{command.pool}")
    if isinstance(named, BadPattern):
        return refuse(named)
    stream, space = _space(stamp, view)
    count = command.count or 0
    members = command.members or tuple(PoolMember(name=str(number)) for number in range(1, count + 1))
    known = space.pools.get(command.pool)
    if known is None and len(space.pools) >= POOLS_MAX:
        return refuse(LocksLimited(what="pools in the project", count=POOLS_MAX + 1, most=POOLS_MAX))
    labelled = {one.name: frozenset(one.labels) for one in members}
    if len(labelled) < len(members):
        return refuse(BadPattern(resource=named.text, reason="two of its members have the same name"))
    if known is not None and dict(known.members) == labelled and known.quota == command.quota:
        return Decision(answer=_shown(space, command.pool))
    event = PoolSet(pool=command.pool, members=members, quota=command.quota, at=stamp.time)
    return _changed(stream, space, event, command.pool, stamp)


def pools_of_environments(
    environments: tuple[EnvironmentPool, ...], space: LockSpace, stamp: Stamp
) -> list[Event] | Rejection:
    """What makes a pool of units of each pool of environments; one that has just these members already stays as it is,
    and so do labels and quota. A pool that is no longer listed stays, too: somebody may hold units of it."""
    found: list[Event] = []
    fresh = sum(one.name not in space.pools for one in environments)
    if len(space.pools) + fresh > POOLS_MAX:
        return LocksLimited(what="pools in the project", count=len(space.pools) + fresh, most=POOLS_MAX)
    for one in environments:
        known = space.pools.get(one.name)
        if known is not None and set(known.members) == set(one.members):
            continue
        if len(one.members) > MEMBERS_MAX:
            return LocksLimited(what=f"members of the pool {one.name}", count=len(one.members), most=MEMBERS_MAX)
        named = parse(f"pool:{one.name}")
        if isinstance(named, BadPattern):
            return named
        members = tuple(PoolMember(name=name, labels=_labels_of(name, known)) for name in one.members)
        quota = None if known is None else known.quota
        found.append(PoolSet(pool=one.name, members=members, quota=quota, at=stamp.time))
    return found


def _labels_of(member: str, pool: Pool | None) -> tuple[str, ...]:
    return () if pool is None or member not in pool.members else tuple(sorted(pool.members[member]))


def quarantine(command: QuarantineMember, stamp: Stamp, view: View) -> Decision:
    """Nobody gets the member from now on; requests for the pool keep their places."""
    stream, space = _space(stamp, view)
    pool = space.pools.get(command.pool)
    if pool is None:
        return refuse(PoolUnknown(pool=command.pool))
    if command.member not in pool.members:
        return refuse(NoSuchMember(pool=command.pool, member=command.member))
    if command.member in pool.quarantined:
        return Decision(answer=_shown(space, command.pool))
    event = PoolMemberQuarantined(pool=command.pool, member=command.member, reason=command.reason, at=stamp.time)
    return _changed(stream, space, event, command.pool, stamp)


def give_back(command: ReturnMember, stamp: Stamp, view: View) -> Decision:
    """The member may be given again."""
    stream, space = _space(stamp, view)
    pool = space.pools.get(command.pool)
    if pool is None:
        return refuse(PoolUnknown(pool=command.pool))
    if command.member not in pool.members:
        return refuse(NoSuchMember(pool=command.pool, member=command.member))
    if command.member not in pool.quarantined:
        return Decision(answer=_shown(space, command.pool))
    event = PoolMemberReturned(pool=command.pool, member=command.member, at=stamp.time)
    return _changed(stream, space, event, command.pool, stamp)


def describe(command: DescribePool, stamp: Stamp, view: View) -> Decision:
    """How the pool stands; nothing changes."""
    _, space = _space(stamp, view)
    if command.pool not in space.pools:
        return refuse(PoolUnknown(pool=command.pool))
    return Decision(answer=_shown(space, command.pool))


def _space(stamp: Stamp, view: View) -> tuple[StreamId, LockSpace]:
    stream = lock_stream(stamp.project)
    return stream, view.read(LOCKS, stream)


def _changed(stream: StreamId, space: LockSpace, event: Event, pool: str, stamp: Stamp) -> Decision:
    after = LOCKS.evolve(space, event)
    return Decision((Write(stream, (event,), stamp.project),), _shown(after, pool))


def _shown(space: LockSpace, name: str) -> PoolShown:
    pool = space.pools[name]
    taken = dict(space.coverage.taken.get(name, {}))
    members = tuple(_member(pool, one, taken.get(one)) for one in sorted({*pool.members, *taken}))
    return PoolShown(pool=name, quota=pool.quota, members=members, free=sum(one.state == "free" for one in members))


def _member(pool: Pool, name: str, token: int | None) -> MemberShown:
    labels = tuple(sorted(pool.members.get(name, frozenset())))
    held = None if token is None else str(token)
    if name not in pool.members:
        return MemberShown(name=name, labels=labels, state="draining", token=held)
    if name in pool.quarantined:
        return MemberShown(name=name, labels=labels, state="quarantined", token=held)
    return MemberShown(name=name, labels=labels, state="free" if token is None else "held", token=held)
