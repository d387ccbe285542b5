"""How sessions end by themselves: a drained one with its last attempt, those below with the one above."""

from typing import Final

from domain.kernel.decider import View
from domain.kernel.ids import FLEET, StreamId
from domain.kernel.policy import Cause, Derived, Policy
from domain.session.commands import DrainSession, EndSession
from domain.session.decider import SESSION, is_live
from domain.session.events import SessionAttemptEnded, SessionDrainBegun, SessionEnded
from domain.session.state import Session


def end_drained(cause: Cause, view: View) -> tuple[Derived, ...]:
    """The last attempt of a draining session is over."""
    session = view.read(SESSION, cause.stream)
    if not isinstance(session, Session) or not session.draining or session.attempts or not is_live(session):
        return ()
    return (_end(cause.stream, session.opened.incarnation, cascade=False),)


def cascade(cause: Cause, view: View) -> tuple[Derived, ...]:
    """Whatever happens to a session on purpose happens to those below it, if that was asked for."""
    event = cause.event
    match event:
        case SessionDrainBegun():
            below = tuple(StreamId(one) for one in event.below)
            drains = ((child, DrainSession(session=child, reason=event.reason, cascade=True)) for child in below)
            return tuple(Derived(drain, child, FLEET) for child, drain in drains)
        case SessionEnded() if event.cascade:
            session = view.read(SESSION, cause.stream)
            children = sorted(session.children) if isinstance(session, Session) else ()
            states = ((child, view.read(SESSION, child)) for child in children)
            return tuple(
                _end(child, state.opened.incarnation, cascade=True)
                for child, state in states
                if isinstance(state, Session) and is_live(state)
            )
        case _:
            return ()


def _end(session: str, incarnation: int, *, cascade: bool) -> Derived:
    return Derived(EndSession(session=session, incarnation=incarnation, cascade=cascade), StreamId(session), FLEET)


END_DRAINED: Final = Policy("end_drained", (SessionAttemptEnded,), end_drained)
CASCADE: Final = Policy("cascade_sessions", (SessionDrainBegun, SessionEnded), cascade)
