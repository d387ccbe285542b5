"""Says an event of a lock space in one line of words."""

from collections.abc import Callable
from typing import Any, Final, assert_never

from domain.kernel.values import ScopeClaim
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

_Owned = LocksGranted | LocksRequested | LockRequestWithdrawn | LocksTransferred
_Noted = LocksDowngraded | LockTransferAccepted | LockTransferReverted | LockRevokeNoticed | FenceRaised
_Gone = LocksReleased | LocksLingered | LocksQuarantined | LeaseExpired | LocksBroken
_Pool = PoolSet | PoolMemberQuarantined | PoolMemberReturned
_Aside = SoftConflictNoticed | CaseRuleSet | LockOwnersMoved
LockEvent = _Owned | _Noted | _Gone | _Pool | _Aside

CLAIMS_TOLD_MAX = 3
SESSIONS_TOLD_MAX = 3


def _aside(event: _Aside) -> str:
    match event:
        case SoftConflictNoticed():
            return f"a plan meets a writer at {event.witness}: tokens {event.token} and {event.other}"
        case LockOwnersMoved():
            sessions = dict.fromkeys(one.session for one in event.owners[:SESSIONS_TOLD_MAX])
            return f"{', '.join(sessions)} moved in the hierarchy and took locks along"
        case CaseRuleSet():
            return f"letter case is ignored in {', '.join(event.ignoring_case) or 'no repository'}"
        case _:
            assert_never(event)


def _owned(event: _Owned) -> str:
    match event:
        case LocksGranted():
            waited = "" if event.request is None else f" after waiting as {event.request}"
            return f"{event.session or event.task} holds {_told(event.claims)}{waited}"
        case LocksRequested():
            return f"{event.session or event.task} waits as {event.request} for {_told(event.claims)}"
        case LockRequestWithdrawn():
            return f"request {event.request} for locks waits no longer: {event.reason}"
        case LocksTransferred():
            return f"locks of token {event.token} given to {event.session} as {event.successor}, not accepted yet"
        case _:
            assert_never(event)


def _gone(event: _Gone) -> str:
    match event:
        case LocksReleased():
            return f"locks of token {event.token} free: {event.reason.replace('_', ' ')}"
        case LocksLingered():
            return f"locks of token {event.token} stay shut: {event.reason.replace('_', ' ')}"
        case LocksQuarantined():
            return f"locks of token {event.token} in quarantine, a person must look: {event.reason.replace('_', ' ')}"
        case LeaseExpired():
            return f"locks of token {event.token} were held as long as they may be"
        case LocksBroken():
            return f"locks of token {event.token} broken by {event.by}: {event.reason}"
        case _:
            assert_never(event)


def _pool(event: _Pool) -> str:
    match event:
        case PoolSet():
            return f"the pool {event.pool} has {len(event.members)} members"
        case PoolMemberQuarantined():
            return f"{event.member} of the pool {event.pool} is out of service: {event.reason}"
        case PoolMemberReturned():
            return f"{event.member} of the pool {event.pool} is back"
        case _:
            assert_never(event)


def _noted(event: _Noted) -> str:
    match event:
        case LocksDowngraded():
            return f"locks of token {event.token} are {event.mode} from now on"
        case LockTransferAccepted():
            return f"locks of token {event.token} accepted"
        case LockTransferReverted():
            return f"locks of token {event.token} were not accepted and went back as {event.successor}"
        case LockRevokeNoticed():
            return f"the holder of token {event.token} is told to go: request {event.request} takes over"
        case FenceRaised():
            return f"{event.resource} saw token {event.token}"
        case _:
            assert_never(event)


def _told(claims: tuple[ScopeClaim, ...]) -> str:
    shown = ", ".join(claim.claim for claim in claims[:CLAIMS_TOLD_MAX])
    return f"{shown} and {len(claims) - CLAIMS_TOLD_MAX} more" if len(claims) > CLAIMS_TOLD_MAX else shown


SPEAKERS: Final[tuple[tuple[Any, Callable[[Any], str]], ...]] = (
    (_Owned, _owned),
    (_Noted, _noted),
    (_Gone, _gone),
    (_Pool, _pool),
    (_Aside, _aside),
)
"""Who says the events of each of these unions, in a line of any length."""
