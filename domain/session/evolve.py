"""What an event makes of a session."""

from typing import assert_never

from domain.kernel.activity import after_attempt, after_claim
from domain.kernel.change import replace
from domain.kernel.erasure_events import ErasureEvent, SubjectErased, SubjectErasureAsked
from domain.kernel.ids import ProjectId, StreamId
from domain.session.erasure import erasing
from domain.session.events import (
    SessionAttemptEnded,
    SessionAttemptStarted,
    SessionChildJoined,
    SessionChildLeft,
    SessionDrainBegun,
    SessionDrainEnded,
    SessionEnded,
    SessionGrantGone,
    SessionGrantTaken,
    SessionLost,
    SessionOpened,
    SessionRecovered,
    SessionReparented,
    SessionRevokeNoticed,
    SessionStatusChanged,
    SessionSuspected,
)
from domain.session.state import Absent, HeldToken, LiveAttempt, LiveGrant, Session, SessionState

_Liveness = SessionSuspected | SessionRecovered | SessionLost | SessionEnded
_Work = SessionAttemptStarted | SessionAttemptEnded | SessionRevokeNoticed | SessionGrantTaken | SessionGrantGone
_Family = SessionReparented | SessionChildJoined | SessionChildLeft
_Manner = SessionStatusChanged | SessionDrainBegun | SessionDrainEnded
SessionEvent = SessionOpened | _Liveness | _Work | _Family | _Manner | ErasureEvent


def evolve(state: SessionState, event: SessionEvent) -> SessionState:
    """The session after the event."""
    if isinstance(event, SessionOpened):
        return _opened(state, event)
    return state if isinstance(state, Absent) else _changed(state, event)


def _opened(state: SessionState, event: SessionOpened) -> Session:
    parent = None if event.parent is None else StreamId(event.parent)
    opened = Session(opened=event, changed_at=event.at, parent=parent, served=tuple(sorted(event.projects)))
    if isinstance(state, Absent):
        return opened
    # Who stands below a session stays there when it begins anew; a lost or ended one has nobody below any more.
    served = tuple(sorted({*state.served, *event.projects}))
    return replace(opened, children=state.children, served=served, erasure_asked_by=state.erasure_asked_by)


def _changed(state: Session, event: _Liveness | _Work | _Family | _Manner | ErasureEvent) -> Session:
    match event:
        case SessionSuspected() | SessionRecovered() | SessionLost() | SessionEnded():
            return _heard(state, event)
        case (
            SessionAttemptStarted()
            | SessionAttemptEnded()
            | SessionRevokeNoticed()
            | SessionGrantTaken()
            | SessionGrantGone()
        ):
            return _worked(state, event)
        case SessionReparented() | SessionChildJoined() | SessionChildLeft():
            return _moved(state, event)
        case SessionStatusChanged():
            return replace(state, activity=event.status, tool=event.tool, tool_until=event.tool_until)
        case SessionDrainBegun():
            return replace(state, draining=True)
        case SessionDrainEnded():
            return replace(state, draining=False)
        case SubjectErasureAsked() | SubjectErased():
            return erasing(state, event)
        case _:
            assert_never(event)


def _heard(state: Session, event: _Liveness) -> Session:
    match event:
        case SessionSuspected():
            return replace(state, status="suspect", changed_at=event.at)
        case SessionRecovered():
            return replace(state, status="live", changed_at=event.at)
        case SessionLost():
            return replace(state, status="lost", changed_at=event.at, lost_with=event.held)
        case SessionEnded():
            return replace(state, status="ended", changed_at=event.at, lost_with=event.held)
        case _:
            assert_never(event)


def _worked(state: Session, event: _Work) -> Session:
    match event:
        case SessionAttemptStarted():
            attempt = LiveAttempt(ProjectId(event.project), event.task, event.locks_until)
            attempts = state.attempts.set(_held(event), attempt)
            return replace(state, attempts=attempts, activity=after_claim(state.activity))
        case SessionAttemptEnded():
            if _held(event) not in state.attempts:
                return state
            left = state.attempts.delete(_held(event))
            return replace(state, attempts=left, activity=after_attempt(state.activity, len(left)))
        case SessionRevokeNoticed():
            told = state.attempts.get(_held(event))
            if told is None:
                return state
            told = replace(told, revoked_at=event.until, revoked_because=event.reason)
            return replace(state, attempts=state.attempts.set(_held(event), told))
        case SessionGrantTaken():
            return replace(state, grants=state.grants.set(_held(event), LiveGrant(event.locks_until)))
        case SessionGrantGone():
            known = _held(event) in state.grants
            return replace(state, grants=state.grants.delete(_held(event))) if known else state
        case _:
            assert_never(event)


def _moved(state: Session, event: _Family) -> Session:
    match event:
        case SessionReparented():
            return replace(state, parent=None if event.parent is None else StreamId(event.parent))
        case SessionChildJoined():
            return replace(state, children=state.children.set(StreamId(event.child), event.at))
        case SessionChildLeft():
            known = event.child in state.children
            return replace(state, children=state.children.delete(StreamId(event.child))) if known else state
        case _:
            assert_never(event)


def _held(event: _Work) -> HeldToken:
    return ProjectId(event.project), event.token
