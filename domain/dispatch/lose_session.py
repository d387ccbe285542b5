"""How the life of a session ends: one decision over it, its attempts' tasks, its family and the locks it holds."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from domain.dispatch.attempt import NO_TOKEN
from domain.dispatch.family import gone_from_family
from domain.dispatch.lookup import lock_stream, states_of
from domain.dispatch.manage import find_steered
from domain.dispatch.quota import leaving
from domain.dispatch.shares import cost_of
from domain.kernel.decider import Decision, LeaseChange, View, Write, refuse
from domain.kernel.errors import Rejection, UnknownThing
from domain.kernel.ids import SECOND, Instant, ProjectId, StreamId, is_type_id
from domain.kernel.message import Event, Stamp
from domain.lock.decider import LOCKS, linger, release
from domain.lock.events import LocksLingered
from domain.lock.state import LockSpace
from domain.node.decider import OUTAGES
from domain.node.state import OUTAGE_STREAM
from domain.project.decider import PROJECT
from domain.project.state import Project
from domain.session.commands import EndSession, LoseSession, RecoverSession, SessionCommand, SuspectSession
from domain.session.decider import (
    SESSION,
    gone,
    heard_at,
    is_live,
    lease_ends,
    recovered,
    suspected,
    things_held,
)
from domain.session.errors import LeaseStillRuns, SessionFenced
from domain.session.events import SessionAttemptEnded, SessionEnded, SessionGrantGone, SessionLost
from domain.session.state import Absent, HeldToken, Session
from domain.task.decider import after_attempt, holding_attempt, holds
from domain.task.state import Task

Ending = Literal["lost", "ended"]


def lose(command: LoseSession, stamp: Stamp, view: View) -> Decision:
    """The lease ran out: attempts end as session_lost, locks follow their loss rule.

    Nothing for a life that is over, a refusal before its time. The append refuses, too, if the lease was renewed since.
    """
    found = _derived(command, view)
    if isinstance(found, Decision):
        return found
    stream, session = found
    if not is_live(session):
        return Decision()
    outage_ended_at = view.read(OUTAGES, OUTAGE_STREAM).ended_at
    heard = heard_at(session, Instant(command.renewed_at), outage_ended_at)
    due = lease_ends(session.opened.ttl_seconds, heard, session.tool_until)
    if stamp.time < due:
        return refuse(LeaseStillRuns(session=stream, incarnation=command.incarnation, until=due))
    lost = SessionLost(
        incarnation=command.incarnation,
        renewed_at=Instant(command.renewed_at),
        at=stamp.time,
        held=things_held(session),
    )
    others = (
        *gone_from_family(stream, session, adopt=True, stamp=stamp, view=view),
        *leaving(stream, session, stamp, view),
    )
    return Decision(
        writes=end_life(stream, session, "lost", (lost,), stamp, view, others),
        leases=(LeaseChange("expire", stream, command.incarnation, stamp=Instant(command.renewed_at)),),
    )


def end(command: EndSession, stamp: Stamp, view: View) -> Decision:
    """The session says goodbye, or somebody who may steer it ends it; what it still holds ends by the loss rule.

    Saying it twice changes nothing.
    """
    found = find_steered(view, command.session, stamp)
    if isinstance(found, Rejection):
        return refuse(found)
    stream, session = found
    current = session.opened.incarnation
    if command.incarnation != current:
        return refuse(SessionFenced(session=stream, incarnation=command.incarnation, current=current))
    if session.status == "ended":
        return Decision()
    if session.status == "lost":
        return refuse(gone(session, stream))
    return ended(stream, session, stamp, view, cascade=command.cascade)


def ended(stream: StreamId, session: Session, stamp: Stamp, view: View, *, cascade: bool = False) -> Decision:
    """The current life is over by somebody's wish."""
    last = SessionEnded(
        incarnation=session.opened.incarnation, at=stamp.time, held=things_held(session), cascade=cascade
    )
    others = (
        *gone_from_family(stream, session, adopt=not cascade, stamp=stamp, view=view),
        *leaving(stream, session, stamp, view),
    )
    return Decision(
        writes=end_life(stream, session, "ended", (last,), stamp, view, others),
        leases=(LeaseChange("end", stream, session.opened.incarnation),),
    )


def suspect(command: SuspectSession, stamp: Stamp, view: View) -> Decision:
    """A beat was missed; nothing is released. A refusal before its time."""
    found = _derived(command, view)
    if isinstance(found, Decision):
        return found
    stream, session = found
    outage_ended_at = view.read(OUTAGES, OUTAGE_STREAM).ended_at
    events = suspected(session, stream, Instant(command.renewed_at), outage_ended_at, stamp.time)
    if isinstance(events, LeaseStillRuns):
        return refuse(events)
    return Decision((Write(stream, events),)) if events else Decision()


def recover(command: RecoverSession, stamp: Stamp, view: View) -> Decision:
    """The suspect was heard again; nothing for any other."""
    found = _derived(command, view)
    if isinstance(found, Decision):
        return found
    stream, session = found
    events = recovered(session, stamp.time)
    return Decision((Write(stream, events),)) if events else Decision()


def end_life(
    stream: StreamId,
    session: Session,
    ending: Ending,
    last: tuple[Event, ...],
    stamp: Stamp,
    view: View,
    before: Iterable[Write] = (),
) -> tuple[Write, ...]:
    """End everything the current life holds, then write ``last`` to the session: no grant event follows it."""
    own: list[Event] = []
    writes: list[Write] = [*before]
    tasks = _tasks(session, view)
    for project in sorted({project for project, _ in (*session.attempts, *session.grants)}):
        rule = _LossRule(project, view.read(LOCKS, lock_stream(project)), _lock_delay_seconds(project, view), ending)
        for token in _tokens(session.attempts, project):
            task_stream = StreamId(session.attempts[project, token].task)
            shut = rule.shut(token, stamp.time)
            writes += _ended_task(task_stream, tasks.get(task_stream), token, shut, rule, stamp)
            writes += rule.write(shut)
            own.append(SessionAttemptEnded(project=project, token=token, outcome="lost"))
        for token in _tokens(session.grants, project):
            writes += rule.write(rule.shut(token, stamp.time))
            own.append(SessionGrantGone(project=project, token=token))
    return _joined([*writes, Write(stream, (*own, *last))])


@dataclass(frozen=True, slots=True)
class _LossRule:
    """What happens to the locks of one project."""

    project: ProjectId
    space: LockSpace
    delay_seconds: int
    ending: Ending

    def shut(self, token: int, at: Instant) -> tuple[Event, ...]:
        return linger(self.space, token, self.ending, Instant(at + self.delay_seconds * SECOND), at)

    def write(self, events: tuple[Event, ...]) -> Iterator[Write]:
        if events:
            yield Write(lock_stream(self.project), events, self.project)


def _ended_task(
    stream: StreamId, task: Task | None, token: int, shut: tuple[Event, ...], rule: _LossRule, stamp: Stamp
) -> Iterator[Write]:
    if task is None or not holds(task, token):
        return
    reason = "the session was lost" if rule.ending == "lost" else "the session ended without a report"
    events = after_attempt(
        task,
        kind="session_lost",
        reason=reason,
        checkpoint=None,
        at=stamp.time,
        locks_free_at=max((event.until for event in shut if isinstance(event, LocksLingered)), default=None),
        seed=f"{stamp.seed}/{token}",
    )
    yield Write(stream, events, rule.project)
    attempt = holding_attempt(task)
    cost = None if attempt is None else cost_of(attempt, events, stamp.time)
    if cost is not None:
        # Under no token: its locks may have to stay shut, and what was spent is spent.
        yield from rule.write(release(rule.space, NO_TOKEN, "ended", stamp.time, cost))


def _tasks(session: Session, view: View) -> dict[StreamId, Task]:
    states = states_of(view, sorted({StreamId(attempt.task) for attempt in session.attempts.values()}))
    return {stream: state for stream, state in states.items() if isinstance(state, Task)}


def _tokens(held: Iterable[HeldToken], project: ProjectId) -> list[int]:
    return sorted(token for where, token in held if where == project)


def _lock_delay_seconds(project: ProjectId, view: View) -> int:
    state = view.read(PROJECT, StreamId(project))
    return state.lock_delay_seconds if isinstance(state, Project) else 0


def _joined(writes: list[Write]) -> tuple[Write, ...]:
    """One write per stream, in the order of the first ones."""
    joined: dict[StreamId, Write] = {}
    for write in writes:
        before = joined.get(write.stream)
        events = write.events if before is None else (*before.events, *write.events)
        joined[write.stream] = Write(write.stream, events, write.project)
    return tuple(joined.values())


def _derived(command: SessionCommand, view: View) -> tuple[StreamId, Session] | Decision:
    """The session in just that life; nothing to decide for a former one."""
    stream = StreamId(command.session)
    state = view.read(SESSION, stream) if is_type_id(command.session, "sess") else Absent()
    if isinstance(state, Absent):
        return refuse(UnknownThing(kind="session", name=command.session))
    return (stream, state) if state.opened.incarnation == command.incarnation else Decision()
