"""What happens in lock spaces by itself once a time has come."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from domain.dispatch.lock_held import HOLD_SECONDS_MAX
from domain.kernel.ids import SECOND, Instant, StreamId
from domain.kernel.message import Command, Event
from domain.kernel.policy import Cause
from domain.lock.commands import (
    RESERVATION_SECONDS,
    EndLockDelay,
    EndReservation,
    ExpireLease,
    PreemptLocks,
    RevertTransfer,
    TimeOutLockRequest,
)
from domain.lock.events import (
    LockRequestWithdrawn,
    LockRevokeNoticed,
    LocksBroken,
    LocksGranted,
    LocksLingered,
    LocksQuarantined,
    LocksReleased,
    LocksRequested,
    LocksTransferred,
    LockTransferAccepted,
    LockTransferReverted,
)
from domain.policies.waits import Subject, Wait

LOCK_DELAY_OVER: Final = "lock_delay_over"
"""The locks of a lost owner may open."""
WAIT_TIMEOUT: Final = "wait_timeout"
"""A request has waited as long as it may."""
LEASE_CAP: Final = "lease_cap"
"""Locks were held as long as locks may be held at all."""
TRANSFER_LAPSE: Final = "transfer_lapse"
"""Transferred locks were not accepted."""
RESERVATION_OVER: Final = "reservation_over"
"""Nobody claimed the task that locks were reserved for."""
PREEMPTION: Final = "preemption"
"""The grace of a revoke notice is over."""

STARTS: Final[tuple[type[Event], ...]] = (
    LocksGranted,
    LocksLingered,
    LocksRequested,
    LocksTransferred,
    LockTransferReverted,
    LockRevokeNoticed,
)
_OF_A_TOKEN: Final = (LOCK_DELAY_OVER, LEASE_CAP, TRANSFER_LAPSE, PREEMPTION, RESERVATION_OVER)
STOPS: Final[Mapping[type[Event], tuple[str, ...]]] = {
    LocksReleased: _OF_A_TOKEN,
    LocksBroken: _OF_A_TOKEN,
    LocksTransferred: _OF_A_TOKEN,
    LockTransferReverted: _OF_A_TOKEN,
    LocksLingered: (LEASE_CAP, TRANSFER_LAPSE, PREEMPTION),
    LocksQuarantined: (LEASE_CAP, TRANSFER_LAPSE, PREEMPTION),
    LockTransferAccepted: (TRANSFER_LAPSE,),
    LocksGranted: (WAIT_TIMEOUT, *_OF_A_TOKEN),
    LockRequestWithdrawn: (WAIT_TIMEOUT,),
}
"""Waits that an event makes moot."""


def waits_of(cause: Cause) -> tuple[Wait, ...]:
    """The waits that the event starts."""
    project, event = cause.project, cause.event
    match event:
        case LocksGranted() if event.claims and event.session:
            return (_capped(cause, event.token, event.at),)
        case LocksGranted() if event.claims:
            over = partial(EndReservation, project=project, token=str(event.token))
            due = Instant(event.at + RESERVATION_SECONDS * SECOND)
            return (_wait(RESERVATION_OVER, _token(cause.stream, event.token), due, over, cause),)
        case LockTransferReverted():
            return (_capped(cause, event.successor, event.at),)
        case LocksTransferred():
            back = partial(RevertTransfer, project=project, token=str(event.successor))
            thing = _token(cause.stream, event.successor)
            lapse = _wait(TRANSFER_LAPSE, thing, event.accept_until, back, cause)
            return (_capped(cause, event.successor, event.at), lapse)
        case LocksLingered():
            ended = partial(EndLockDelay, project=project, token=str(event.token), until=event.until)
            return (_wait(LOCK_DELAY_OVER, _token(cause.stream, event.token), event.until, ended, cause),)
        case LocksRequested(expires_at=expires_at) if expires_at is not None:
            given_up = partial(TimeOutLockRequest, project=project, request=str(event.request))
            return (_wait(WAIT_TIMEOUT, _request(cause.stream, event.request), expires_at, given_up, cause),)
        case LockRevokeNoticed():
            taken = partial(PreemptLocks, project=project, token=str(event.token), request=str(event.request))
            return (_wait(PREEMPTION, _token(cause.stream, event.token), event.until, taken, cause),)
        case _:
            return ()


def stopped_by(cause: Cause) -> tuple[Subject, ...]:
    """The waits that the event makes moot."""
    stream, event = cause.stream, cause.event
    match event:
        case LocksGranted():
            request = () if event.request is None else (Subject(WAIT_TIMEOUT, _request(stream, event.request)),)
            return request if event.replaces is None else (*request, *_all_of(stream, event.replaces, _OF_A_TOKEN))
        case LockRequestWithdrawn():
            return (Subject(WAIT_TIMEOUT, _request(stream, event.request)),)
        case (
            LocksReleased()
            | LocksBroken()
            | LocksTransferred()
            | LockTransferReverted()
            | LocksLingered()
            | LocksQuarantined()
            | LockTransferAccepted()
        ):
            return _all_of(stream, event.token, STOPS[type(event)])
        case _:
            return ()


def _capped(cause: Cause, token: int, at: Instant) -> Wait:
    due = Instant(at + HOLD_SECONDS_MAX * SECOND)
    asked = partial(ExpireLease, project=cause.project, token=str(token))
    return _wait(LEASE_CAP, _token(cause.stream, token), due, asked, cause)


def _all_of(stream: StreamId, token: int, policies: tuple[str, ...]) -> tuple[Subject, ...]:
    return tuple(Subject(policy, _token(stream, token)) for policy in policies)


def _wait(policy: str, thing: str, at: Instant, ask: Callable[[], Command], cause: Cause) -> Wait:
    return Wait(Subject(policy, thing), at, cause, ask)


def _token(stream: StreamId, token: int) -> str:
    return f"{stream}/{token}"


def _request(stream: StreamId, request: int) -> str:
    return f"{stream}/request/{request}"
