"""Locks that end without their holder: broken or lifted by a person, expired, or taken over after a notice."""

from domain.dispatch.lock_held import HOLD_SECONDS_MAX, given_up
from domain.dispatch.lookup import lock_stream
from domain.kernel.decider import Decision, View, Write, refuse
from domain.kernel.ids import SECOND, Instant, StreamId
from domain.kernel.message import Event, Stamp
from domain.lock.commands import BreakLocks, ExpireLease, LiftQuarantine, PreemptLocks
from domain.lock.decider import LOCKS, linger, release
from domain.lock.errors import LockTokenFenced, NotInQuarantine
from domain.lock.events import LeaseExpired, LocksBroken
from domain.project.decider import PROJECT
from domain.project.state import Project


def break_locks(command: BreakLocks, stamp: Stamp, view: View) -> Decision:
    """A person frees the locks of just this token, whoever has them."""
    stream, token = lock_stream(stamp.project), int(command.token)
    held = view.read(LOCKS, stream).grants.get(token)
    if held is None:
        return refuse(LockTokenFenced(token=command.token, session="anybody"))
    broken = LocksBroken(token=token, reason=command.reason, by=stamp.principal, at=stamp.time, pools=held.pools)
    return Decision((Write(stream, (broken,), stamp.project), *given_up(view, held, stamp.project)))


def lift(command: LiftQuarantine, stamp: Stamp, view: View) -> Decision:
    """A person has looked at what the owner left behind."""
    stream, token = lock_stream(stamp.project), int(command.token)
    space = view.read(LOCKS, stream)
    held = space.grants.get(token)
    if held is None or not held.quarantined:
        return refuse(NotInQuarantine(token=command.token))
    return Decision((Write(stream, release(space, token, "lifted", stamp.time), stamp.project),))


def expire(command: ExpireLease, stamp: Stamp, view: View) -> Decision:
    """The longest hold is over; nothing before its time. The old holder may still be writing: the loss rule applies."""
    stream, token = lock_stream(stamp.project), int(command.token)
    space = view.read(LOCKS, stream)
    held = space.grants.get(token)
    if held is None or held.is_orphaned or stamp.time < held.at + HOLD_SECONDS_MAX * SECOND:
        return Decision()
    project = view.read(PROJECT, StreamId(stamp.project))
    delay = project.lock_delay_seconds if isinstance(project, Project) else 0
    ended: tuple[Event, ...] = linger(space, token, "expired", Instant(stamp.time + delay * SECOND), stamp.time)
    expired = LeaseExpired(token=token, at=stamp.time)
    writes = (Write(stream, (expired, *ended), stamp.project), *given_up(view, held, stamp.project))
    return Decision(writes)


def preempt(command: PreemptLocks, stamp: Stamp, view: View) -> Decision:
    """The grace is over: the locks are free for the request that wanted them, if it still waits for them."""
    stream, token = lock_stream(stamp.project), int(command.token)
    space = view.read(LOCKS, stream)
    held = space.grants.get(token)
    wanted = token in space.coverage.queue.shut_by.get(int(command.request), ())
    if held is None or not wanted or held.leaves_at is None or stamp.time < held.leaves_at:
        return Decision()
    freed = release(space, token, "preempted", stamp.time)
    return (
        Decision((Write(stream, freed, stamp.project), *given_up(view, held, stamp.project))) if freed else Decision()
    )
