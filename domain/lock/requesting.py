"""Waiting for locks: how a request joins the queue, leaves it, and is granted in its turn."""

from dataclasses import dataclass
from typing import Final, Literal

from domain.kernel.errors import Rejection
from domain.kernel.ids import SECOND, Instant
from domain.kernel.values import ScopeClaim
from domain.lock.blocking import Obstacle, grants_in_the_way, requests_in_the_way, wishes_of
from domain.lock.circles import closed_by_wait
from domain.lock.decider import limited, next_token
from domain.lock.entries import Owner, Waiter, wishes_in
from domain.lock.errors import AlreadyWaiting, BadPattern, LocksLimited, TooComplex
from domain.lock.events import LockRequestWithdrawn, LockRevokeNoticed, LocksGranted, LocksRequested, LossRule
from domain.lock.evolve import evolve
from domain.lock.ordering import first_grantable
from domain.lock.overlap import StepBudget
from domain.lock.pool_name import units_in
from domain.lock.pools import allocated, unfit
from domain.lock.state import LockSpace

WAITERS_PER_SPACE_MAX: Final = 2_000
PREEMPT_GRACE_SECONDS: Final = 120
"""From the notice until a person takes over."""


@dataclass(frozen=True, slots=True)
class Terms:
    """How a request wants to wait, and what shall become of its grant."""

    on_loss: LossRule | None = None
    preemptible: bool = False
    replaces: int | None = None
    """Token that ends with the grant: an upgrade."""
    supersede_key: str = ""
    preempts: bool = False


NO_TERMS: Final = Terms()
WithdrawReason = Literal["withdrawn", "timeout", "lost", "ended", "superseded"]


def enqueue(
    space: LockSpace,
    owner: Owner,
    claims: tuple[ScopeClaim, ...],
    *,
    purpose: str,
    at: Instant,
    since: Instant | None = None,
    boost_seconds: int = 0,
    wait_seconds: float | None = None,
    terms: Terms = NO_TERMS,
) -> LocksRequested | Rejection:
    """The request in the queue, or why it may not wait. Whether it can be granted at once shows afterwards.

    Waits until it is granted or withdrawn, or ``wait_seconds`` after ``at`` are over. ``since`` is when one that it
    takes the place of was made, whose place it keeps.
    """
    wishes = wishes_of(claims, space)
    if isinstance(wishes, BadPattern):
        return wishes
    standing = space.coverage.queue.by_owner.get(owner.name)
    if standing is not None:
        return already_waiting(space.waiters[standing])
    if len(space.waiters) >= WAITERS_PER_SPACE_MAX:
        return LocksLimited(what="waiting requests", count=len(space.waiters) + 1, most=WAITERS_PER_SPACE_MAX)
    refused = limited(space, owner, wishes) or unfit(space, owner, wishes)
    if refused is not None:
        return refused
    if since is None:
        since = Instant(max(at, space.last_at))
    requested = LocksRequested(
        request=space.last_request + 1,
        session=owner.session,
        incarnation=owner.incarnation,
        task=owner.task,
        ancestors=owner.ancestors,
        claims=tuple(ScopeClaim(claim=wish.resource.text, mode=wish.mode) for wish in wishes),
        purpose=purpose,
        boost_seconds=boost_seconds,
        expires_at=None if wait_seconds is None else Instant(at + int(wait_seconds * SECOND)),
        at=since,
        on_loss=terms.on_loss,
        preemptible=terms.preemptible,
        replaces=terms.replaces,
        supersede_key=terms.supersede_key,
        preempts=terms.preempts,
    )
    return _endless(space, evolve(space, requested), requested) or requested


def in_the_way_of(space: LockSpace, number: int) -> list[Obstacle] | TooComplex:
    """What keeps a waiting request from being granted: claims that are held and earlier requests, both."""
    waiter, budget = space.waiters[number], StepBudget()
    wishes = wishes_of(waiter.claims, space)
    if isinstance(wishes, BadPattern):
        return []
    held = grants_in_the_way(space, waiter.owner, wishes, budget)
    if isinstance(held, TooComplex):
        return held
    earlier = requests_in_the_way(space, waiter, wishes, budget)
    return earlier if isinstance(earlier, TooComplex) else [*held, *earlier]


def place_of(space: LockSpace, number: int) -> int:
    """How many requests of the space come before this one, and itself: the first is 1."""
    return 1 + space.coverage.queue.order.index(space.waiters[number].key)


def withdraw(space: LockSpace, number: int, reason: WithdrawReason, at: Instant) -> tuple[LockRequestWithdrawn, ...]:
    """The end of a wait; nothing for a request that does not wait, and no timeout before its time."""
    waiter = space.waiters.get(number)
    if waiter is None:
        return ()
    if reason == "timeout" and (waiter.expires_at is None or at < waiter.expires_at):
        return ()
    return (_withdrawn(waiter, reason, at),)


def _withdrawn(waiter: Waiter, reason: WithdrawReason, at: Instant) -> LockRequestWithdrawn:
    return LockRequestWithdrawn(request=waiter.number, reason=reason, at=at, pools=tuple(units_in(waiter.claims)))


def hand_on(space: LockSpace, era: int, at: Instant) -> LocksGranted | None:
    """The grant of the first request in key order that nothing blocks any more."""
    waiter = first_grantable(space)
    if waiter is None:
        return None
    return LocksGranted(
        token=next_token(space, era),
        session=waiter.owner.session,
        incarnation=waiter.owner.incarnation,
        task=waiter.owner.task,
        claims=waiter.claims,
        purpose=waiter.purpose,
        at=at,
        ancestors=waiter.owner.ancestors,
        request=waiter.number,
        replaces=waiter.replaces if waiter.replaces in space.grants else None,
        on_loss=waiter.on_loss,
        preemptible=waiter.preemptible,
        members=allocated(space, wishes_in(waiter.claims)) or (),
    )


def at_once(space: LockSpace, requested: LocksRequested, era: int, at: Instant) -> LocksGranted:
    """The grant of a request that nothing keeps waiting, in place of the request itself."""
    return LocksGranted(
        token=next_token(space, era),
        session=requested.session,
        incarnation=requested.incarnation,
        task=requested.task,
        claims=requested.claims,
        purpose=requested.purpose,
        at=at,
        ancestors=requested.ancestors,
        replaces=requested.replaces,
        on_loss=requested.on_loss,
        preemptible=requested.preemptible,
        members=allocated(space, wishes_in(requested.claims)) or (),
    )


def superseded(space: LockSpace, key: str, at: Instant) -> tuple[LockSpace, tuple[LockRequestWithdrawn, ...]]:
    """The space without the waiting requests with this key, and how they end. A holder is never superseded."""
    if not key:
        return space, ()
    events = tuple(
        _withdrawn(space.waiters[number], "superseded", at)
        for number in sorted(space.waiters)
        if space.waiters[number].supersede_key == key
    )
    for event in events:
        space = evolve(space, event)
    return space, events


def notices(space: LockSpace, number: int, at: Instant) -> tuple[LockRevokeNoticed, ...]:
    """What the holders are told that a request with that right preempts; each is told once."""
    if not space.waiters[number].preempts:
        return ()
    until = Instant(at + PREEMPT_GRACE_SECONDS * SECOND)
    held = [space.grants[token] for token in sorted(space.coverage.queue.shut_by.get(number, ()))]
    return tuple(
        LockRevokeNoticed(token=one.token, request=number, until=until, at=at)
        for one in held
        if one.preemptible and not one.is_orphaned and one.leaves_at is None
    )


def already_waiting(waiter: Waiter) -> AlreadyWaiting:
    """The refusal of a second request while this one waits."""
    claims = ", ".join(claim.claim for claim in waiter.claims[:3])
    return AlreadyWaiting(owner=waiter.owner.name, request=str(waiter.number), claims=claims)


def _endless(before: LockSpace, after: LockSpace, requested: LocksRequested) -> Rejection | None:
    """Why the request would wait for ever, or cannot be compared."""
    waiter = after.waiters[requested.request]
    found = in_the_way_of(after, waiter.number)
    if isinstance(found, TooComplex):
        return found
    tokens = after.coverage.queue.shut_by.get(waiter.number, ())
    return closed_by_wait(before, waiter.owner, waiter.claims, tokens)
