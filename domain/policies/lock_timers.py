"""What happens in lock spaces by itself once a time has come."""

from collections.abc import Mapping
from typing import Final

from domain.kernel.ids import Instant, StreamId
from domain.kernel.message import Command, Event
from domain.kernel.policy import Cause, Derived
from domain.lock.commands import EndLockDelay, TimeOutLockRequest
from domain.lock.events import LockRequestWithdrawn, LocksGranted, LocksLingered, LocksReleased, LocksRequested
from domain.policies.waits import Subject, Wait

LOCK_DELAY_OVER: Final = "lock_delay_over"
"""The locks of a lost owner may open."""
WAIT_TIMEOUT: Final = "wait_timeout"
"""A request has waited as long as it may."""

STARTS: Final[tuple[type[Event], ...]] = (LocksLingered, LocksRequested)
STOPS: Final[Mapping[type[Event], tuple[str, ...]]] = {
    LocksReleased: (LOCK_DELAY_OVER,),
    LocksGranted: (WAIT_TIMEOUT,),
    LockRequestWithdrawn: (WAIT_TIMEOUT,),
}
"""Waits that an event makes moot."""


def waits_of(cause: Cause) -> tuple[Wait, ...]:
    """The waits that the event starts."""
    project, event = cause.project, cause.event
    match event:
        case LocksLingered():
            ended = EndLockDelay(project=project, token=str(event.token), until=event.until)
            return (_wait(LOCK_DELAY_OVER, _token(cause.stream, event.token), event.until, ended, cause),)
        case LocksRequested(expires_at=expires_at) if expires_at is not None:
            given_up = TimeOutLockRequest(project=project, request=str(event.request))
            return (_wait(WAIT_TIMEOUT, _request(cause.stream, event.request), expires_at, given_up, cause),)
        case _:
            return ()


def stopped_by(cause: Cause) -> tuple[Subject, ...]:
    """The waits that the event makes moot."""
    match cause.event:
        case LocksReleased(token=token):
            return (Subject(LOCK_DELAY_OVER, _token(cause.stream, token)),)
        case LocksGranted(request=request) if request is not None:
            return (Subject(WAIT_TIMEOUT, _request(cause.stream, request)),)
        case LockRequestWithdrawn(request=request):
            return (Subject(WAIT_TIMEOUT, _request(cause.stream, request)),)
        case _:
            return ()


def _wait(policy: str, thing: str, at: Instant, command: Command, cause: Cause) -> Wait:
    return Wait(Subject(policy, thing), at, cause, Derived(command, cause.stream, cause.project))


def _token(stream: StreamId, token: int) -> str:
    return f"{stream}/{token}"


def _request(stream: StreamId, request: int) -> str:
    return f"{stream}/request/{request}"
