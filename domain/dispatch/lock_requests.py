"""Requests that wait for locks: asking after them, leaving the queue, and running out of time."""

from domain.dispatch.lock_answers import what_became_of
from domain.dispatch.lookup import find_session, lock_stream
from domain.kernel.decider import Decision, View, Write, refuse
from domain.kernel.errors import Rejection, UnknownThing
from domain.kernel.message import Stamp
from domain.lock.commands import AwaitLocks, TimeOutLockRequest, WithdrawLockRequest
from domain.lock.decider import LOCKS
from domain.lock.requesting import withdraw


def await_locks(command: AwaitLocks, stamp: Stamp, view: View) -> Decision:
    """What became of the request; nothing changes."""
    session = find_session(view, command.session, command.incarnation, stamp)
    if isinstance(session, Rejection):
        return refuse(session)
    space = view.read(LOCKS, lock_stream(stamp.project))
    answer = what_became_of(space, command.session, int(command.request), stamp.time)
    if answer is None:
        return refuse(UnknownThing(kind="lock request", name=command.request))
    return refuse(answer) if isinstance(answer, Rejection) else Decision(answer=answer)


def leave(command: WithdrawLockRequest, stamp: Stamp, view: View) -> Decision:
    """The session waits no longer. Nothing for a request that does not wait; another's is not there."""
    session = find_session(view, command.session, command.incarnation, stamp)
    if isinstance(session, Rejection):
        return refuse(session)
    stream, number = lock_stream(stamp.project), int(command.request)
    space = view.read(LOCKS, stream)
    waiter = space.waiters.get(number)
    if waiter is None and 1 <= number <= space.last_request:
        return Decision()
    if waiter is None or waiter.owner.session != command.session:
        return refuse(UnknownThing(kind="lock request", name=command.request))
    return Decision((Write(stream, withdraw(space, number, "withdrawn", stamp.time), stamp.project),))


def time_out(command: TimeOutLockRequest, stamp: Stamp, view: View) -> Decision:
    """The wait is over without a grant; nothing for a request that waits no longer, or has time left."""
    stream = lock_stream(stamp.project)
    withdrawn = withdraw(view.read(LOCKS, stream), int(command.request), "timeout", stamp.time)
    return Decision((Write(stream, withdrawn, stamp.project),)) if withdrawn else Decision()
