"""Claiming: one decision over the session, the project's lock space and the tasks; exactly one caller wins each."""

from dataclasses import dataclass

from domain.dispatch.errors import NothingReady, passed_over
from domain.dispatch.fit import full, room_of, shut
from domain.dispatch.lookup import find_readable, find_serving
from domain.dispatch.pick import Picking, Proposed, picking_of
from domain.dispatch.proposals import Proposals
from domain.dispatch.quota import asked, trying
from domain.dispatch.ready import ReadyIndex
from domain.dispatch.take import Assignment, Taking, told
from domain.kernel.decider import Decision, View, Write, refuse
from domain.kernel.errors import Rejection, UnknownThing
from domain.kernel.ids import Instant, StreamId
from domain.kernel.message import Answer, Stamp
from domain.project.decider import read_project
from domain.project.state import Project
from domain.quota.errors import QuotaBlocked
from domain.quota.state import HalfOpen, Pool
from domain.session.state import Session
from domain.task.commands import ClaimTask, ClaimTasks
from domain.task.decider import live_attempt, phase_name
from domain.task.errors import TaskHeldByAnother, TaskNotReady
from domain.task.state import Attempt, Ready, Task


class ClaimedTasks(Answer):
    """Tasks that are the session's from now on, each fenced by a token of its own."""

    tasks: tuple[Assignment, ...]


@dataclass(frozen=True, slots=True)
class _Claimer:
    """A life of a session that asks for work in a project."""

    name: str
    session: Session
    project: Project
    stamp: Stamp
    view: View

    def taking(self) -> Taking:
        return Taking(self.stamp.project, self.name, self.session, self.stamp.time, self.view)


def claim(
    command: ClaimTask, stamp: Stamp, view: View, ready: ReadyIndex, proposals: Proposals | None = None
) -> Decision:
    """Take the named task, or the best ready one whose requirements and locks fit the session."""
    claimer = _claimer(command, stamp, view)
    if isinstance(claimer, Rejection):
        return refuse(claimer)
    named = None if command.task is None else find_readable(view, stamp.project, command.task)
    if isinstance(named, Rejection):
        return refuse(named)
    if named is not None and (held := _held_already(command, *named)) is not None:
        return held
    refusal = _no_room(claimer)
    if refusal is not None:
        return refuse(refusal)
    pool = asked(claimer.session, stamp.time, view)
    if isinstance(pool, QuotaBlocked):
        return refuse(pool)
    taking = claimer.taking()
    if named is None:
        refusal = _take_best(picking_of(claimer.project, taking, ready, proposals), 1)
    else:
        refusal = _take_named(taking, command.task or "", *named)
    return refuse(refusal) if refusal is not None else Decision(_written(taking, pool, stamp.time), taking.taken[0])


def claim_many(
    command: ClaimTasks, stamp: Stamp, view: View, ready: ReadyIndex, proposals: Proposals | None = None
) -> Decision:
    """Take as many of the best ready tasks as are asked for and as the session has room for, one at least."""
    claimer = _claimer(command, stamp, view)
    if isinstance(claimer, Rejection):
        return refuse(claimer)
    refusal = _no_room(claimer)
    if refusal is not None:
        return refuse(refusal)
    pool = asked(claimer.session, stamp.time, view)
    if isinstance(pool, QuotaBlocked):
        return refuse(pool)
    taking = claimer.taking()
    # Who tries whether the quota is there tries with one task.
    trial = pool is not None and isinstance(pool.breaker, HalfOpen)
    picking = picking_of(claimer.project, taking, ready, proposals)
    refusal = _take_best(picking, 1 if trial else min(command.most, room_of(claimer.session)))
    if refusal is not None:
        return refuse(refusal)
    return Decision(_written(taking, pool, stamp.time), ClaimedTasks(tasks=tuple(taking.taken)))


def _claimer(command: ClaimTask | ClaimTasks, stamp: Stamp, view: View) -> _Claimer | Rejection:
    project = read_project(stamp, view)
    if isinstance(project, UnknownThing):
        return project
    session = find_serving(view, command.session, command.incarnation, stamp)
    return session if isinstance(session, Rejection) else _Claimer(command.session, session, project, stamp, view)


def _no_room(claimer: _Claimer) -> Rejection | None:
    return shut(claimer.project) or full(claimer.name, claimer.session)


def _take_best(picking: Picking | Proposed, most: int) -> NothingReady | None:
    taken = picking.taking.taken
    while len(taken) < most and picking.next() is not None:
        pass
    return None if taken else passed_over([picking.search])


def _take_named(taking: Taking, name: str, stream: StreamId, task: Task) -> Rejection | None:
    attempt = live_attempt(task)
    if attempt is not None:
        return _held(name, task, attempt)
    if not isinstance(task.phase, Ready):
        return TaskNotReady(task=name, status=phase_name(task))
    taken = taking.take(stream, task, "named")
    return taken if isinstance(taken, Rejection) else None


def _held_already(command: ClaimTask, stream: StreamId, task: Task) -> Decision | None:
    """Asking again for a task that the session owns repeats what it was told."""
    attempt = live_attempt(task)
    if attempt is None or (attempt.session, attempt.incarnation) != (command.session, command.incarnation):
        return None
    return Decision(answer=told(stream, task, attempt.token, attempt.number))


def _held(name: str, task: Task, attempt: Attempt) -> TaskHeldByAnother:
    return TaskHeldByAnother(
        task=name, status=phase_name(task), session=attempt.session, incarnation=attempt.incarnation
    )


def _written(taking: Taking, pool: Pool | None, at: Instant) -> tuple[Write, ...]:
    return (*taking.writes(), Write(StreamId(taking.session), taking.started()), *quota_tries(taking, pool, at))


def quota_tries(taking: Taking, pool: Pool | None, at: Instant) -> tuple[Write, ...]:
    """Where the session tries whether its quota is there, it tries with the first task that was taken."""
    return tuple(trying(pool, taking.session, taking.project, int(taking.taken[0].token), at))
