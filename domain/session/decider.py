"""What one session decides: which of its lives is current, who speaks for it, and how its status changes."""

from typing import Final

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
    SessionWasDrained,
    SessionWasLost,
)
from domain.session.events import HeldThing, SessionRecovered, SessionSuspected
from domain.session.evolve import evolve
from domain.session.state import Absent, Session, SessionState

TTL_SECONDS: Final = {"beats": 60, "calls": 1_800}
"""Lease where none is asked for: a model that nothing beats for is silent while it thinks."""
BEATS_PER_TTL: Final = 4
"""A client beats every TTL / 4."""
BEATS_UNTIL_SUSPECT: Final = 2
"""A beat counts as missed once the next one is due, too: after TTL / 2 without a renewal."""
POLICY_PREFIX: Final = "policy:"
"""Principals of derived commands; they speak for every session and no key can carry such an id."""


def live(state: SessionState, session: str, incarnation: int, stamp: Stamp) -> Session | Rejection:
    """The session, if this incarnation is current, neither lost nor ended, and the stamp's principal opened it.

    A suspect is live: a missed beat releases nothing.
    """
    if isinstance(state, Absent):
        return UnknownThing(kind="session", name=session)
    if not speaks_for(state, stamp):
        return not_own(state, session, stamp)
    if incarnation != state.opened.incarnation:
        return SessionFenced(session=session, incarnation=incarnation, current=state.opened.incarnation)
    return state if is_live(state) else gone(state, session)


def gone(state: Session, session: str) -> SessionWasLost | SessionWasDrained | SessionHasEnded:
    """Why a life that is over may do nothing."""
    if state.status == "lost":
        return SessionWasLost(session=session, incarnation=state.opened.incarnation)
    kind = SessionWasDrained if state.draining else SessionHasEnded
    return kind(session=session, incarnation=state.opened.incarnation)


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


def not_own(session: Session, name: str, stamp: Stamp) -> Rejection:
    """Why the principal may not speak for it. Who sees none of its projects is not even told that it exists."""
    if stamp.sees is not None and stamp.sees.isdisjoint(session.opened.projects):
        return UnknownThing(kind="session", name=name)
    return NotSessionOwner(session=name)


def is_live(session: Session) -> bool:
    """Whether the current incarnation may still act."""
    return session.status in ("live", "suspect")


def silence_tells(ttl_seconds: int, heard: Instant) -> Instant:
    """From when silence makes a session a suspect."""
    return Instant(heard + ttl_seconds * SECOND * BEATS_UNTIL_SUSPECT // BEATS_PER_TTL)


def lease_ends(ttl_seconds: int, heard: Instant, tool_until: Instant | None = None) -> Instant:
    """From when the lease has run out: one TTL after the session was heard, and not while a tool keeps it silent."""
    return Instant(max(heard + ttl_seconds * SECOND, tool_until or 0))


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


def things_held(session: Session) -> tuple[HeldThing, ...]:
    """Everything that lives by the session now, by project and token."""
    tasks = {held: attempt.task for held, attempt in session.attempts.items()}
    return tuple(
        HeldThing(project=held[0], token=held[1], task=tasks.get(held)) for held in sorted({*tasks, *session.grants})
    )


def rests(state: SessionState) -> bool:
    """Whether its life is over."""
    return not isinstance(state, Absent) and state.status in ("lost", "ended")


SESSION: Final[Aggregate[SessionState]] = Aggregate(
    prefix="sess",
    initial=Absent(),
    evolve=evolve,
    state_type=SessionState,
    fleet=True,
    snapshot_every=200,
    snapshot_version=4,
    rests=rests,
)
