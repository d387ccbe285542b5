"""How a task's events fold into its state; nothing here refuses, whatever was stored."""

from typing import assert_never

from immutables import Map

from domain.kernel.change import replace
from domain.kernel.erasure_events import SubjectErased, SubjectErasureAsked
from domain.task.awaited_events import TaskAwaited
from domain.task.erasure import without_words
from domain.task.events import (
    LateReportDiscarded,
    TaskAttemptEnded,
    TaskAttentionCleared,
    TaskAttentionRaised,
    TaskBackedOff,
    TaskCancelled,
    TaskClaimed,
    TaskCompleted,
    TaskDependantAdded,
    TaskFailed,
    TaskHeldBack,
    TaskNeedReopened,
    TaskNeedSettled,
    TaskParked,
    TaskPartAdded,
    TaskPartSettled,
    TaskPlanned,
    TaskProgressed,
    TaskReadied,
    TaskReassigned,
    TaskRetried,
    TaskStarted,
)
from domain.task.evolve_attempt import attempted, settled
from domain.task.holder_events import TaskBid, TaskExtended
from domain.task.spending import added
from domain.task.state import Absent, Backoff, Ended, Parked, Part, Pending, Ready, Task, TaskState

_Attempted = TaskClaimed | TaskStarted | TaskProgressed | TaskExtended | TaskAttemptEnded | LateReportDiscarded
_Settled = TaskCompleted | TaskFailed | TaskCancelled
_Waits = TaskReadied | TaskHeldBack | TaskBackedOff | TaskParked | TaskRetried | TaskReassigned
_Others = (
    TaskDependantAdded
    | TaskNeedSettled
    | TaskNeedReopened
    | TaskPartAdded
    | TaskPartSettled
    | TaskAttentionRaised
    | TaskAttentionCleared
    | TaskBid
    | SubjectErasureAsked
    | SubjectErased
    | TaskAwaited
)
TaskEvent = TaskPlanned | _Attempted | _Settled | _Waits | _Others


def evolve(state: TaskState, event: TaskEvent) -> TaskState:
    """The task after the event."""
    if isinstance(event, TaskPlanned):
        unmet = Map((need.task, False) for need in event.needs)
        return Task(plan=event, phase=Pending(), unmet=unmet, budget=event.budget)
    if isinstance(state, Absent):
        return state
    return _changed(state, event)


def _changed(task: Task, event: _Attempted | _Settled | _Waits | _Others) -> Task:
    match event:
        case (
            TaskClaimed()
            | TaskStarted()
            | TaskProgressed()
            | TaskExtended()
            | TaskAttemptEnded()
            | LateReportDiscarded()
        ):
            return attempted(task, event)
        case TaskCompleted() | TaskFailed() | TaskCancelled():
            return settled(task, event)
        case TaskReadied() | TaskHeldBack() | TaskBackedOff() | TaskParked() | TaskRetried() | TaskReassigned():
            return _waiting(task, event)
        case _:
            return _related(task, event)


def _waiting(task: Task, event: _Waits) -> Task:
    match event:
        case TaskReadied():
            return replace(task, phase=Ready(event.at), bids=Map())
        case TaskHeldBack():
            return _held_back(task, event.by)
        case TaskBackedOff():
            return replace(task, phase=Backoff(event.until, event.then))
        case TaskParked():
            return replace(task, phase=Parked(event.reason))
        case TaskRetried():
            return _retried(task, event)
        case TaskReassigned():
            return replace(task, reserved_for=event.session, reassigned=task.reassigned + 1)
        case _:
            assert_never(event)


def _held_back(task: Task, by: str) -> Task:
    """What waits for its parts is not ready; what its run holds is not once nobody works on it."""
    phase = Pending() if not by or isinstance(task.phase, Ready | Ended) else task.phase
    return replace(task, phase=phase, unmet=task.unmet.set(by, False) if by else task.unmet)


def _retried(task: Task, event: TaskRetried) -> Task:
    """A generation begins with nothing spent and nobody to avoid."""
    fresh = replace(task, generation=event.generation, begun=False, consumed=0, used_up=Map(), lost=0, failed=())
    budget = task.plan.budget if event.budget is None else event.budget
    fresh = replace(fresh, settled_because="")
    return replace(fresh, phase=Pending(), budget=budget, spent=type(task.spent)(), spent_seconds=0.0)


def _related(task: Task, event: _Others) -> Task:
    """What changes beside the phase."""
    match event:
        case TaskDependantAdded():
            foreign = task.foreign.set(event.dependant, event.project) if event.project else task.foreign
            return replace(task, dependants=(*task.dependants, event.dependant), foreign=foreign)
        case TaskNeedSettled():
            return replace(task, unmet=_unmet_after(task.unmet, event))
        case TaskNeedReopened():
            return _reopened(task, event.need)
        case TaskPartAdded():
            parts = task.parts.set(event.part, Part())
            return replace(task, parts=parts, unmet=task.unmet.set(event.part, False))
        case TaskPartSettled():
            unmet = task.unmet.delete(event.part) if event.part in task.unmet else task.unmet
            usage = added(task.parts.get(event.part, Part()).usage, event.usage)
            return replace(task, unmet=unmet, parts=task.parts.set(event.part, Part(settled=True, usage=usage)))
        case TaskBid():
            return replace(task, bids=task.bids.set(event.session, event.bid))
        case TaskAttentionRaised():
            return replace(task, attention=task.attention.set(event.topic, event.reason))
        case TaskAttentionCleared():
            without = task.attention.delete(event.topic) if event.topic in task.attention else task.attention
            return replace(task, attention=without)
        case TaskAwaited():
            return replace(task, awaited_by=task.awaited_by.set(event.run, event.project))
        case SubjectErasureAsked():
            return replace(task, erasure_asked_by=event.by)
        case SubjectErased():
            return replace(without_words(task), erasure_asked_by=event.asked_by)
        case _:
            assert_never(event)


def _reopened(task: Task, need: str) -> Task:
    part = task.parts.get(need)
    parts = task.parts if part is None else task.parts.set(need, replace(part, settled=False))
    return replace(task, parts=parts, unmet=task.unmet.set(need, False))


def _unmet_after(unmet: Map[str, bool], event: TaskNeedSettled) -> Map[str, bool]:
    if not event.satisfied and not event.waived:
        return unmet.set(event.need, True)
    return unmet.delete(event.need) if event.need in unmet else unmet
