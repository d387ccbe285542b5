"""Pushing work: a task is given to a session that did not ask, by a person or a lead, or by the dispatcher itself."""

from domain.dispatch.claim import quota_tries
from domain.dispatch.errors import PushedWorkDeclined, SessionNotLive, StrategyReplaced
from domain.dispatch.fit import full, shut
from domain.dispatch.lookup import find_readable
from domain.dispatch.quota import asked
from domain.dispatch.take import Taking
from domain.kernel.decider import Decision, View, Write, refuse
from domain.kernel.errors import Rejection, UnknownThing
from domain.kernel.ids import SECOND, Instant, StreamId, is_type_id
from domain.kernel.message import Answer, Stamp
from domain.project.decider import read_project
from domain.quota.errors import QuotaBlocked
from domain.session.decider import SESSION, is_live
from domain.session.state import Session
from domain.task.commands import AssignTask
from domain.task.decider import DELIVERY_SECONDS_MAX, delivery_due, live_attempt, phase_name
from domain.task.derived import PushTask
from domain.task.errors import TaskHeldByAnother, TaskNotReady
from domain.task.state import Ready, Task
from domain.task.terms import Choice


class TaskAssigned(Answer):
    """The task is the session's; it has to name the token in time, or the task is given out again."""

    task: str
    session: str
    token: str
    """A decimal number."""
    attempt: int
    acknowledge_by: Instant


def assign_task(command: AssignTask, stamp: Stamp, view: View) -> Decision:
    """Give the ready task with its locks to the session; nothing where it has the task already."""
    return _given(command.task, command.session, "assigned", None, stamp, view)


def push_task(command: PushTask, stamp: Stamp, view: View) -> Decision:
    """The same, as the project's strategy proposed it: whoever proposes may not have heard yet that it was replaced."""
    project = read_project(stamp, view)
    if isinstance(project, UnknownThing):
        return refuse(project)
    strategy = project.settings.strategy
    if command.strategy != strategy:
        return refuse(StrategyReplaced(project=project.name, strategy=strategy))
    return _given(command.task, command.session, command.strategy, command.choice, stamp, view)


def _given(name: str, session: str, strategy: str, choice: Choice | None, stamp: Stamp, view: View) -> Decision:
    project = read_project(stamp, view)
    if isinstance(project, UnknownThing):
        return refuse(project)
    found = find_readable(view, stamp.project, name)
    if isinstance(found, Rejection):
        return refuse(found)
    stream, task = found
    taker = _taker(session, stamp, view)
    if isinstance(taker, Rejection):
        return refuse(taker)
    attempt = live_attempt(task)
    if attempt is not None and (attempt.session, attempt.incarnation) == (session, taker.opened.incarnation):
        return Decision(answer=_told(stream, session, str(attempt.token), attempt.number, delivery_due(attempt)))
    unfit = _not_ready(name, task) or shut(project) or full(session, taker)
    if unfit is not None:
        return refuse(unfit)
    pool = asked(taker, stamp.time, view)
    if isinstance(pool, QuotaBlocked):
        return refuse(pool)
    taking = Taking(stamp.project, session, taker, stamp.time, view)
    taken = taking.take(stream, task, strategy, choice)
    if isinstance(taken, Rejection):
        return refuse(taken)
    writes = (*taking.writes(), Write(StreamId(session), taking.started()), *quota_tries(taking, pool, stamp.time))
    by = Instant(stamp.time + DELIVERY_SECONDS_MAX * SECOND)
    return Decision(writes, _told(stream, session, taken.token, taken.attempt, by))


def _taker(name: str, stamp: Stamp, view: View) -> Session | Rejection:
    state = view.read(SESSION, StreamId(name)) if is_type_id(name, "sess") else None
    if not isinstance(state, Session) or stamp.project not in state.opened.projects:
        return UnknownThing(kind="session", name=name)
    if not is_live(state):
        return SessionNotLive(session=name)
    return state if state.opened.takes_pushed else PushedWorkDeclined(session=name)


def _not_ready(name: str, task: Task) -> Rejection | None:
    attempt = live_attempt(task)
    if attempt is not None:
        return TaskHeldByAnother(
            task=name, status=phase_name(task), session=attempt.session, incarnation=attempt.incarnation
        )
    return None if isinstance(task.phase, Ready) else TaskNotReady(task=name, status=phase_name(task))


def _told(stream: StreamId, session: str, token: str, attempt: int, by: Instant) -> TaskAssigned:
    return TaskAssigned(task=stream, session=session, token=token, attempt=attempt, acknowledge_by=by)
