"""How a task's events fold into its state; nothing here refuses, whatever was stored."""

from dataclasses import replace
from typing import Final, assert_never

from immutables import Map

from domain.kernel.ids import Token
from domain.task.events import (
    LateReportDiscarded,
    TaskAttemptEnded,
    TaskBackedOff,
    TaskCancelled,
    TaskClaimed,
    TaskCompleted,
    TaskDependantAdded,
    TaskFailed,
    TaskNeedSettled,
    TaskParked,
    TaskPlanned,
    TaskProgressed,
    TaskReadied,
    TaskRetried,
    TaskStarted,
)
from domain.task.state import (
    Absent,
    Assigned,
    Attempt,
    Backoff,
    Ended,
    Parked,
    Pending,
    Ready,
    Running,
    Settled,
    Task,
    TaskState,
)

TaskEvent = (
    TaskPlanned
    | TaskDependantAdded
    | TaskNeedSettled
    | TaskReadied
    | TaskClaimed
    | TaskStarted
    | TaskProgressed
    | TaskCompleted
    | TaskAttemptEnded
    | TaskBackedOff
    | TaskFailed
    | TaskParked
    | TaskCancelled
    | TaskRetried
    | LateReportDiscarded
)

TRIED_BY_MAX: Final = 16
"""Sessions remembered as having tried; older ones are in the log."""


def evolve(state: TaskState, event: TaskEvent) -> TaskState:
    """The task after the event."""
    if isinstance(event, TaskPlanned):
        return Task(plan=event, phase=Pending(), unmet=Map((need.task, False) for need in event.needs))
    if isinstance(state, Absent):
        return state
    return _changed(state, event)


def _changed(task: Task, event: TaskEvent) -> Task:
    match event:
        case TaskReadied():
            return replace(task, phase=Ready(event.at))
        case TaskClaimed():
            return _claimed(task, event)
        case TaskStarted():
            return _started(task, event)
        case TaskProgressed():
            return task if event.checkpoint is None else replace(task, checkpoint=event.checkpoint)
        case TaskCompleted():
            return replace(task, phase=Settled("completed", Token(event.token)))
        case TaskAttemptEnded():
            return _attempt_ended(task, event)
        case TaskBackedOff():
            return replace(task, phase=Backoff(event.until, event.then))
        case TaskFailed():
            return replace(task, phase=Settled("failed"))
        case TaskCancelled():
            return replace(task, phase=Settled("cancelled"))
        case TaskParked():
            return replace(task, phase=Parked(event.reason))
        case TaskPlanned() | TaskDependantAdded() | TaskNeedSettled() | TaskRetried() | LateReportDiscarded():
            return _noted(task, event)
        case _:
            assert_never(event)


def _noted(
    task: Task, event: TaskPlanned | TaskDependantAdded | TaskNeedSettled | TaskRetried | LateReportDiscarded
) -> Task:
    """What changes beside the phase."""
    match event:
        case TaskPlanned():
            return task
        case TaskDependantAdded():
            return replace(task, dependants=(*task.dependants, event.dependant))
        case TaskNeedSettled():
            return replace(task, unmet=_unmet_after(task.unmet, event))
        case TaskRetried():
            return replace(task, generation=event.generation, consumed=0, lost=0)
        case LateReportDiscarded():
            return replace(task, discarded=task.discarded.set(f"{event.token}/{event.report}", True))
        case _:
            assert_never(event)


def _unmet_after(unmet: Map[str, bool], event: TaskNeedSettled) -> Map[str, bool]:
    if not event.satisfied:
        return unmet.set(event.need, True)
    return unmet.delete(event.need) if event.need in unmet else unmet


def _claimed(task: Task, event: TaskClaimed) -> Task:
    attempt = Attempt(event.attempt, event.session, event.incarnation, Token(event.token), event.at)
    others = tuple(session for session in task.tried_by if session != event.session)
    tried_by = (*others, event.session)[-TRIED_BY_MAX:]
    return replace(task, phase=Assigned(attempt), attempts=event.attempt, tried_by=tried_by)


def _started(task: Task, event: TaskStarted) -> Task:
    match task.phase:
        case Assigned(attempt):
            return replace(task, phase=Running(replace(attempt, started_at=event.at)))
        case Pending() | Ready() | Running() | Backoff() | Parked() | Ended() | Settled():
            return task
        case _:
            assert_never(task.phase)


def _attempt_ended(task: Task, event: TaskAttemptEnded) -> Task:
    given_back = event.kind == "released"
    return replace(
        task,
        phase=Ended(),
        consumed=task.consumed + event.consumed,
        lost=task.lost + (event.kind == "session_lost"),
        checkpoint=task.checkpoint if event.checkpoint is None else event.checkpoint,
        handover=event.reason if given_back else task.handover,
        failure=task.failure if given_back else event.reason,
    )
