"""Signals: what a session is said to do, and what follows from it elsewhere."""

from domain.dispatch.lookup import find_session
from domain.dispatch.lose_session import ended
from domain.dispatch.quota import reporting
from domain.kernel.decider import Decision, View, Write, refuse
from domain.kernel.errors import Rejection
from domain.kernel.ids import StreamId
from domain.kernel.message import Stamp
from domain.quota.commands import ReportQuota
from domain.session.commands import SignalSession
from domain.session.signals import signalled


def signal_session(command: SignalSession, stamp: Stamp, view: View) -> Decision:
    """One event where the status changes; nothing where it does not. ``exit`` ends the session."""
    session = find_session(view, command.session, command.incarnation, stamp)
    if isinstance(session, Rejection):
        return refuse(session)
    stream = StreamId(command.session)
    if command.signal == "exit":
        return ended(stream, session, stamp, view)
    events = signalled(session, command, stamp.time)
    own = (Write(stream, events),) if events else ()
    if command.signal != "quota_refused":
        return Decision(own)
    told = ReportQuota(
        session=command.session,
        incarnation=command.incarnation,
        reason=command.note,
        retry_after_seconds=command.seconds,
    )
    return Decision((*own, *reporting(told, session, stamp, view)))
