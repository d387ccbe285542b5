"""What one session decides: which of its lives is current, who speaks for it, and how its status changes."""

from dataclasses import replace
from typing import Final, assert_never

from domain.kernel.decider import Aggregate
from domain.kernel.errors import Rejection, UnknownThing
from domain.kernel.ids import SECOND, Instant, ProjectId
from domain.kernel.message import Event, Stamp
from domain.session.errors import (
    LeaseStillRuns,
    NotSessionOwner,
    ProjectNotServed,
    SessionFenced,
    SessionHasEnded,
    SessionWasLost,
)
from domain.session.events import (
    SessionAttemptEnded,
    SessionAttemptStarted,
    SessionEnded,
    SessionGrantGone,
    SessionGrantTaken,
    SessionLost,
    SessionOpened,
    SessionRecovered,
    SessionSuspected,
)
from domain.session.state import Absent, HeldToken, LiveAttempt, Session, SessionState

BEATS_PER_TTL: Final = 4
"""A client beats every TTL / 4."""
BEATS_UNTIL_SUSPECT: Final = 2
"""A beat counts as missed once the next one is due, too: after TTL / 2 without a renewal."""
POLICY_PREFIX: Final = "policy:"
"""Principals of derived commands; they speak for every session and no key can carry such an id."""

SessionEvent = (
    SessionOpened
    | SessionSuspected
    | SessionRecovered
    | SessionLost
    | SessionEnded
    | SessionAttemptStarted
    | SessionAttemptEnded
    | SessionGrantTaken
    | SessionGrantGone
)


def live(state: SessionState, session: str, incarnation: int, stamp: Stamp) -> Session | Rejection:
    """The session, if this incarnation is current, neither lost nor ended, and the stamp's principal opened it.

    A suspect is live: a missed beat releases nothing.
    """
    if isinstance(state, Absent):
        return UnknownThing(kind="session", name=session)
    if not speaks_for(state, stamp):
        return NotSessionOwner(session=session)
    if incarnation != state.opened.incarnation:
        return SessionFenced(session=session, incarnation=incarnation, current=state.opened.incarnation)
    match state.status:
        case "live" | "suspect":
            return state
        case "lost":
            return SessionWasLost(session=session, incarnation=incarnation)
        case "ended":
            return SessionHasEnded(session=session, incarnation=incarnation)
        case _:
            assert_never(state.status)


def serving(
    state: SessionState, session: str, incarnation: int, project: ProjectId, stamp: Stamp
) -> Session | Rejection:
    """The live session, if it serves the project."""
    found = live(state, session, incarnation, stamp)
    if isinstance(found, Session) and project not in found.opened.projects:
        return ProjectNotServed(session=session, project=project)
    return found


def speaks_for(session: Session, stamp: Stamp) -> bool:
    """Whether the principal opened the session, or is a policy."""
    return stamp.principal == session.opened.owner or stamp.principal.startswith(POLICY_PREFIX)


def is_live(session: Session) -> bool:
    """Whether the current incarnation may still act."""
    return session.status in ("live", "suspect")


def silence_tells(ttl_seconds: int, heard: Instant) -> Instant:
    """From when silence makes a session a suspect."""
    return Instant(heard + ttl_seconds * SECOND * BEATS_UNTIL_SUSPECT // BEATS_PER_TTL)


def lease_ends(ttl_seconds: int, heard: Instant) -> Instant:
    """From when the lease has run out."""
    return Instant(heard + ttl_seconds * SECOND)


def heard_at(session: Session, renewed_at: Instant, outage_ended_at: Instant) -> Instant:
    """From when silence counts: the last renewal, or the end of the latest outage, and never before the life began."""
    return Instant(max(renewed_at, session.opened.at, outage_ended_at))


def suspected(
    session: Session, name: str, renewed_at: Instant, outage_ended_at: Instant, at: Instant
) -> tuple[Event, ...] | LeaseStillRuns:
    """Suspicion of a live session, nothing for any other, a refusal before its time."""
    if session.status != "live":
        return ()
    due = silence_tells(session.opened.ttl_seconds, heard_at(session, renewed_at, outage_ended_at))
    if at < due:
        return LeaseStillRuns(session=name, incarnation=session.opened.incarnation, until=due)
    return (SessionSuspected(incarnation=session.opened.incarnation, renewed_at=renewed_at, at=at),)


def recovered(session: Session, at: Instant) -> tuple[Event, ...]:
    """The end of a suspicion."""
    if session.status != "suspect":
        return ()
    return (SessionRecovered(incarnation=session.opened.incarnation, at=at),)


def evolve(state: SessionState, event: SessionEvent) -> SessionState:
    """The session after the event."""
    if isinstance(event, SessionOpened):
        return Session(opened=event, changed_at=event.at)
    return state if isinstance(state, Absent) else _changed(state, event)


def _changed(
    state: Session,
    event: SessionSuspected
    | SessionRecovered
    | SessionLost
    | SessionEnded
    | SessionAttemptStarted
    | SessionAttemptEnded
    | SessionGrantTaken
    | SessionGrantGone,
) -> Session:
    match event:
        case SessionSuspected():
            return replace(state, status="suspect", changed_at=event.at)
        case SessionRecovered():
            return replace(state, status="live", changed_at=event.at)
        case SessionLost():
            return replace(state, status="lost", changed_at=event.at)
        case SessionEnded():
            return replace(state, status="ended", changed_at=event.at)
        case SessionAttemptStarted():
            attempt = LiveAttempt(ProjectId(event.project), event.task)
            return replace(state, attempts=state.attempts.set(_held(event), attempt))
        case SessionAttemptEnded():
            known = _held(event) in state.attempts
            return replace(state, attempts=state.attempts.delete(_held(event))) if known else state
        case SessionGrantTaken():
            return replace(state, grants=state.grants.set(_held(event), ProjectId(event.project)))
        case SessionGrantGone():
            known = _held(event) in state.grants
            return replace(state, grants=state.grants.delete(_held(event))) if known else state
        case _:
            assert_never(event)


def _held(event: SessionAttemptStarted | SessionAttemptEnded | SessionGrantTaken | SessionGrantGone) -> HeldToken:
    return ProjectId(event.project), event.token


SESSION: Final[Aggregate[SessionState]] = Aggregate(
    prefix="sess", initial=Absent(), evolve=evolve, state_type=SessionState, fleet=True, snapshot_every=200
)
