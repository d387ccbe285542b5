"""Draining: a session takes nothing new and ends with the last attempt that it has."""

from domain.dispatch.lose_session import ended
from domain.dispatch.manage import find_managed
from domain.kernel.decider import Decision, View, Write, refuse
from domain.kernel.errors import Rejection
from domain.kernel.message import Stamp
from domain.session.commands import DrainSession, UndrainSession
from domain.session.events import SessionDrainBegun, SessionDrainEnded


def drain(command: DrainSession, stamp: Stamp, view: View) -> Decision:
    """Begin to drain; a session without an attempt ends in the same decision. Asking twice changes nothing."""
    found = find_managed(view, command.session, stamp)
    if isinstance(found, Rejection):
        return refuse(found)
    stream, session = found
    if session.draining:
        return Decision()
    begun = SessionDrainBegun(
        incarnation=session.opened.incarnation,
        reason=command.reason,
        below=tuple(sorted(session.children)) if command.cascade else (),
        by=stamp.principal,
        at=stamp.time,
    )
    if session.attempts:
        return Decision((Write(stream, (begun,)),))
    # Those below are adopted, since they may have work to finish first.
    over = ended(stream, session, stamp, view)
    return Decision((Write(stream, (begun,)), *over.writes), leases=over.leases)


def undrain(command: UndrainSession, stamp: Stamp, view: View) -> Decision:
    """Take attempts again; nothing where the session is not draining."""
    found = find_managed(view, command.session, stamp)
    if isinstance(found, Rejection):
        return refuse(found)
    stream, session = found
    if not session.draining:
        return Decision()
    over = SessionDrainEnded(incarnation=session.opened.incarnation, by=stamp.principal, at=stamp.time)
    return Decision((Write(stream, (over,)),))
