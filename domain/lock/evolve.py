"""How the events of a lock space fold into its state; nothing here refuses, whatever was stored."""

from typing import assert_never

from immutables import Map

from domain.kernel.change import replace
from domain.kernel.ids import Instant, Token
from domain.kernel.values import LockMode, ScopeClaim
from domain.lock.entries import Grant, Offer, Owner, Pool, Waiter
from domain.lock.events import (
    CaseRuleSet,
    FenceRaised,
    LeaseExpired,
    LockRequestWithdrawn,
    LockRevokeNoticed,
    LocksBroken,
    LocksDowngraded,
    LocksGranted,
    LocksLingered,
    LocksQuarantined,
    LocksReleased,
    LocksRequested,
    LocksTransferred,
    LockTransferAccepted,
    LockTransferReverted,
    PoolMemberQuarantined,
    PoolMemberReturned,
    PoolSet,
    SoftConflictNoticed,
)
from domain.lock.family_events import LockOwnersMoved
from domain.lock.modes import is_downgrade
from domain.lock.moving import with_families
from domain.lock.state import HOLDS_MAX, LockSpace

LockEvent = (
    LocksGranted
    | LocksReleased
    | LocksLingered
    | LocksRequested
    | LockRequestWithdrawn
    | LocksDowngraded
    | LocksQuarantined
    | LeaseExpired
    | LocksTransferred
    | LockTransferAccepted
    | LockTransferReverted
    | LocksBroken
    | LockRevokeNoticed
    | SoftConflictNoticed
    | FenceRaised
    | PoolSet
    | PoolMemberQuarantined
    | PoolMemberReturned
    | CaseRuleSet
    | LockOwnersMoved
)


def evolve(space: LockSpace, event: LockEvent) -> LockSpace:
    """The lock space after the event; O((claims + what they meet in the queue) x log grants)."""
    match event:
        case LocksGranted():
            return _granted(space, event)
        case LocksReleased():
            return _released(space, event)
        case LocksBroken():
            return space.without_grant(event.token)
        case LocksRequested():
            return _requested(space, event)
        case LockRequestWithdrawn():
            return space.without_waiter(event.request, None, event.reason)
        case FenceRaised():
            fences = space.fences.set(event.resource, Token(event.token))
            return replace(space, fences=fences, known_coverage=space.kept_coverage)
        case PoolSet() | PoolMemberQuarantined() | PoolMemberReturned():
            return _pool(space, event)
        case CaseRuleSet():
            return replace(space, ignoring_case=frozenset(event.ignoring_case), known_coverage=space.kept_coverage)
        case LockOwnersMoved():
            return with_families(space, {(one.session, one.incarnation): one.ancestors for one in event.owners})
        case LeaseExpired() | SoftConflictNoticed():
            return space
        case _:
            held = space.grants.get(event.token)
            return space if held is None else _changed(space, held, event)


def _changed(
    space: LockSpace,
    held: Grant,
    event: LocksLingered
    | LocksQuarantined
    | LocksDowngraded
    | LocksTransferred
    | LockTransferAccepted
    | LockTransferReverted
    | LockRevokeNoticed,
) -> LockSpace:
    match event:
        case LocksLingered():
            return space if held.is_orphaned else space.with_orphan(replace(held, lingers_until=event.until))
        case LocksQuarantined():
            return space if held.is_orphaned else space.with_orphan(replace(held, quarantined=True))
        case LocksDowngraded():
            return space.with_changed(replace(held, claims=weakened(held.claims, event.mode)))
        case LocksTransferred():
            receiver = Owner(event.session, event.incarnation, None, event.ancestors)
            offer = Offer(held.owner, event.accept_until)
            return _passed(space, held, replace(held, owner=receiver, offer=offer), event.successor, event.at)
        case LockTransferReverted():
            owner = held.owner if held.offer is None else held.offer.giver
            return _passed(space, held, replace(held, owner=owner, offer=None), event.successor, event.at)
        case LockTransferAccepted():
            return space.with_noted(replace(held, offer=None))
        case LockRevokeNoticed():
            return space.with_noted(replace(held, leaves_at=event.until))
        case _:
            assert_never(event)


def _pool(space: LockSpace, event: PoolSet | PoolMemberQuarantined | PoolMemberReturned) -> LockSpace:
    """Quarantine outlives a new definition of the pool as long as the member stays in it."""
    former = space.pools.get(event.pool, Pool(Map()))
    match event:
        case PoolSet():
            members = Map((one.name, frozenset(one.labels)) for one in event.members)
            kept = Map((name, True) for name in former.quarantined if name in members)
            pool = Pool(members, event.quota, kept)
        case PoolMemberQuarantined():
            pool = replace(former, quarantined=former.quarantined.set(event.member, True))
        case PoolMemberReturned():
            known = event.member in former.quarantined
            pool = replace(former, quarantined=former.quarantined.delete(event.member)) if known else former
        case _:
            assert_never(event)
    return replace(space, pools=space.pools.set(event.pool, pool), known_coverage=space.kept_coverage)


def weakened(claims: tuple[ScopeClaim, ...], mode: LockMode) -> tuple[ScopeClaim, ...]:
    """The claims with no mode that allows more than this one."""
    return tuple(
        ScopeClaim(claim=claim.claim, mode=mode) if is_downgrade(claim.mode, mode) else claim for claim in claims
    )


def _passed(space: LockSpace, held: Grant, granted: Grant, token: int, at: Instant) -> LockSpace:
    """The grant under a new token, and nothing under the former one."""
    return space.without_grant(held.token).with_grant(replace(granted, token=Token(token), at=at))


def _granted(space: LockSpace, event: LocksGranted) -> LockSpace:
    if event.request is not None:
        space = space.without_waiter(event.request, Token(event.token), "")
    known = event.token in space.grants
    if event.replaces is not None:
        space = space.without_grant(event.replaces)
    if known or not (event.claims or event.concurrency or event.reserved):
        last_token = Token(max(space.last_token, event.token))
        return replace(space, last_token=last_token, known_coverage=space.kept_coverage)
    granted = Grant(
        token=Token(event.token),
        owner=Owner(event.session, event.incarnation, event.task, event.ancestors),
        claims=event.claims,
        purpose=event.purpose,
        at=event.at,
        concurrency=event.concurrency,
        reserved=event.reserved,
        on_loss=event.on_loss,
        preemptible=event.preemptible,
        members=event.members,
    )
    return space.with_grant(granted)


def _released(space: LockSpace, event: LocksReleased) -> LockSpace:
    held, known = space.grants.get(event.token), space.kept_coverage
    spent = space.spent if event.spent is None else space.spent.plus(event.spent)
    if held is None:
        return space if spent is space.spent else replace(space, spent=spent, known_coverage=known)
    holds, mean = space.holds, space.hold_mean
    if not held.is_orphaned:
        holds = min(holds + 1, HOLDS_MAX)
        mean += (max(0, event.at - held.at) - mean) // holds
    # One copy of the space, not two: this is every other event of it.
    grants, left = space.grants.delete(event.token), known and known.without_grant(held)
    return replace(space, grants=grants, spent=spent, holds=holds, hold_mean=mean, known_coverage=left)


def _requested(space: LockSpace, event: LocksRequested) -> LockSpace:
    if event.request in space.waiters:
        return space
    waiter = Waiter(
        number=event.request,
        owner=Owner(event.session, event.incarnation, event.task, event.ancestors),
        claims=event.claims,
        purpose=event.purpose,
        at=event.at,
        boost_seconds=event.boost_seconds,
        expires_at=event.expires_at,
        on_loss=event.on_loss,
        preemptible=event.preemptible,
        replaces=event.replaces,
        supersede_key=event.supersede_key,
        preempts=event.preempts,
    )
    counted = replace(
        space,
        last_request=max(space.last_request, event.request),
        last_at=Instant(max(space.last_at, event.at)),
        known_coverage=space.kept_coverage,
    )
    return counted.with_waiter(waiter)
