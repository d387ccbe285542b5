"""Claiming: one decision over the session, the project's lock space and the task; exactly one caller wins."""

from dataclasses import dataclass
from typing import Final

from domain.dispatch.choose import lacking, meets
from domain.dispatch.errors import NothingReady, SessionAtCapacity, SessionNotCapable
from domain.dispatch.lookup import find_serving, find_task, lock_stream
from domain.dispatch.ready import ReadyIndex
from domain.dispatch.ready_buckets import Requires, Scope
from domain.kernel.decider import Decision, View, Write, refuse
from domain.kernel.errors import Rejection, UnknownThing
from domain.kernel.ids import StreamId
from domain.kernel.message import Answer, Stamp
from domain.kernel.values import ScopeClaim
from domain.lock.decider import LOCKS, could_grant, grant
from domain.lock.events import LocksGranted
from domain.lock.state import LockSpace
from domain.project.decider import read_project
from domain.project.errors import ProjectIsFrozen
from domain.session.events import SessionAttemptStarted
from domain.session.state import Session
from domain.task.commands import ClaimTask
from domain.task.decider import TASK, live_attempt, phase_name
from domain.task.errors import TaskHeldByAnother, TaskNotReady
from domain.task.events import TaskClaimed
from domain.task.state import Attempt, Ready, Task

STALE_MAX: Final = 256
"""Candidates that one claim may find taken or refused, after which it gives up until it is asked again."""


class Claimed(Answer):
    """The task is the session's, fenced by the token; what it needs to begin or to go on."""

    task: str
    key: str
    title: str
    body: str
    kind: str
    run: str | None
    timeout_seconds: float | None
    scope: tuple[ScopeClaim, ...]
    token: str
    """A decimal number; every report has to carry it."""
    attempt: int
    checkpoint: str | None
    handover: str
    """Note of the latest holder that gave the task back."""
    failure: str
    """Why the latest attempt failed."""
    tried_by: tuple[str, ...]
    """Sessions that had it before, the latest last; asked again, this one is among them."""


@dataclass(frozen=True, slots=True)
class _Claimer:
    """Who claims, against which locks."""

    command: ClaimTask
    stamp: Stamp
    view: View
    session: Session
    space: LockSpace


def claim(command: ClaimTask, stamp: Stamp, view: View, ready: ReadyIndex) -> Decision:
    """Take the named task, or the best ready one whose requirements and locks fit the session."""
    project = read_project(stamp, view)
    if isinstance(project, UnknownThing):
        return refuse(project)
    session = find_serving(view, command.session, command.incarnation, stamp)
    if isinstance(session, Rejection):
        return refuse(session)
    claimer = _Claimer(command, stamp, view, session, view.read(LOCKS, lock_stream(stamp.project)))
    named = None if command.task is None else find_task(view, stamp.project, command.task)
    if isinstance(named, UnknownThing):
        return refuse(named)
    if named is not None and (held := _held_already(claimer, *named)) is not None:
        return held
    if project.frozen:
        return refuse(ProjectIsFrozen(name=project.name))
    if len(session.attempts) >= session.opened.capacity:
        return refuse(SessionAtCapacity(session=command.session, live=len(session.attempts)))
    return _claim_best(claimer, ready) if named is None else _claim_named(claimer, *named)


def _claim_best(claimer: _Claimer, ready: ReadyIndex) -> Decision:
    """The index proposes, the task's own state disposes."""
    command, capabilities = claimer.command, claimer.session.opened.capabilities

    def matches(requires: Requires) -> bool:
        return all(meets(requirement, capabilities) for requirement in requires)

    def free(scope: Scope) -> bool:
        return could_grant(claimer.space, scope, command.session, command.incarnation)

    search = ready.candidates(claimer.stamp.project, matches, free)
    for stream in search:
        task = claimer.view.read(TASK, stream)
        if isinstance(task, Task) and isinstance(task.phase, Ready):
            granted = _granted(claimer, stream, task)
            if isinstance(granted, LocksGranted):
                return _claimed(claimer, stream, task, granted, "priority")
        if search.seen >= STALE_MAX:
            break
    return refuse(
        NothingReady(ready=search.ready, unmatched=search.unmatched, locked=search.locked, unseen=search.unseen)
    )


def _claim_named(claimer: _Claimer, stream: StreamId, task: Task) -> Decision:
    name, attempt = claimer.command.task or stream, live_attempt(task)
    if attempt is not None:
        return refuse(_held(name, task, attempt))
    if not isinstance(task.phase, Ready):
        return refuse(TaskNotReady(task=name, status=phase_name(task)))
    missing = lacking(task.plan.requires, claimer.session.opened.capabilities)
    if missing:
        words = "; ".join(f"{one.key} {one.operator} {one.value}" for one in missing)
        return refuse(SessionNotCapable(session=claimer.command.session, task=name, lacking=words))
    granted = _granted(claimer, stream, task)
    if not isinstance(granted, LocksGranted):
        return refuse(granted)
    return _claimed(claimer, stream, task, granted, "named")


def _held_already(claimer: _Claimer, stream: StreamId, task: Task) -> Decision | None:
    """Asking again for a task that the session owns repeats what it was told."""
    attempt, command = live_attempt(task), claimer.command
    if attempt is None or (attempt.session, attempt.incarnation) != (command.session, command.incarnation):
        return None
    return Decision(answer=_told(stream, task, attempt.token, attempt.number))


def _held(name: str, task: Task, attempt: Attempt) -> TaskHeldByAnother:
    return TaskHeldByAnother(
        task=name, status=phase_name(task), session=attempt.session, incarnation=attempt.incarnation
    )


def _granted(claimer: _Claimer, stream: StreamId, task: Task) -> LocksGranted | Rejection:
    return grant(
        claimer.space,
        era=claimer.view.era,
        session=claimer.command.session,
        incarnation=claimer.command.incarnation,
        task=stream,
        claims=task.plan.scope,
        purpose=task.plan.title,
        at=claimer.stamp.time,
    )


def _claimed(claimer: _Claimer, stream: StreamId, task: Task, granted: LocksGranted, strategy: str) -> Decision:
    command, project, number = claimer.command, claimer.stamp.project, task.attempts + 1
    claimed = TaskClaimed(
        session=command.session,
        incarnation=command.incarnation,
        token=granted.token,
        attempt=number,
        strategy=strategy,
        at=claimer.stamp.time,
    )
    started = SessionAttemptStarted(project=project, task=stream, token=granted.token)
    return Decision(
        writes=(
            Write(lock_stream(project), (granted,), project),
            Write(stream, (claimed,), project),
            Write(StreamId(command.session), (started,)),
        ),
        answer=_told(stream, task, granted.token, number),
    )


def _told(stream: StreamId, task: Task, token: int, number: int) -> Claimed:
    plan = task.plan
    return Claimed(
        task=stream,
        key=plan.key,
        title=plan.title,
        body=plan.body,
        kind=plan.kind,
        run=plan.run,
        timeout_seconds=plan.timeout_seconds,
        scope=plan.scope,
        token=str(token),
        attempt=number,
        checkpoint=task.checkpoint,
        handover=task.handover,
        failure=task.failure,
        tried_by=task.tried_by,
    )
