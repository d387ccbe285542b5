"""How the events of a lock space fold into its state; nothing here refuses, whatever was stored."""

from dataclasses import replace
from typing import assert_never

from domain.kernel.ids import Instant, Token
from domain.lock.entries import Grant, Owner, Waiter
from domain.lock.events import (
    LockRequestWithdrawn,
    LocksGranted,
    LocksLingered,
    LocksReleased,
    LocksRequested,
)
from domain.lock.state import HOLDS_MAX, LockSpace

LockEvent = LocksGranted | LocksReleased | LocksLingered | LocksRequested | LockRequestWithdrawn


def evolve(space: LockSpace, event: LockEvent) -> LockSpace:
    """The lock space after the event; O((claims + what they meet in the queue) x log grants)."""
    match event:
        case LocksGranted():
            return _granted(space, event)
        case LocksReleased():
            return _released(space, event)
        case LocksLingered():
            held = space.grants.get(event.token)
            if held is None or held.lingers_until is not None:
                return space
            return space.with_orphan(replace(held, lingers_until=event.until))
        case LocksRequested():
            return _requested(space, event)
        case LockRequestWithdrawn():
            return space.without_waiter(event.request, None, event.reason)
        case _:
            assert_never(event)


def _granted(space: LockSpace, event: LocksGranted) -> LockSpace:
    if event.request is not None:
        space = space.without_waiter(event.request, Token(event.token), "")
    known = event.token in space.grants
    counted = replace(space, last_token=Token(max(space.last_token, event.token)), known_coverage=space.coverage)
    if event.replaces is not None:
        counted = counted.without_grant(event.replaces)
    if known or not (event.claims or event.concurrency or event.reserved):
        return counted
    granted = Grant(
        token=Token(event.token),
        owner=Owner(event.session, event.incarnation, event.task, event.ancestors),
        claims=event.claims,
        purpose=event.purpose,
        at=event.at,
        concurrency=event.concurrency,
        reserved=event.reserved,
    )
    return counted.with_grant(granted)


def _released(space: LockSpace, event: LocksReleased) -> LockSpace:
    held = space.grants.get(event.token)
    left = space.without_grant(event.token)
    holds, mean = left.holds, left.hold_mean
    if held is not None and not held.is_orphaned:
        holds = min(holds + 1, HOLDS_MAX)
        mean += (max(0, event.at - held.at) - mean) // holds
    spent = left.spent if event.spent is None else left.spent.plus(event.spent)
    return replace(left, spent=spent, holds=holds, hold_mean=mean, known_coverage=left.coverage)


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
    )
    counted = replace(
        space,
        last_request=max(space.last_request, event.request),
        last_at=Instant(max(space.last_at, event.at)),
        known_coverage=space.coverage,
    )
    return counted.with_waiter(waiter)
