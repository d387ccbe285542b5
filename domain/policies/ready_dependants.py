"""Ready dependants: when a task settles, everybody who needs it is told."""

from collections.abc import Iterator
from typing import Final

from domain.kernel.decider import View
from domain.kernel.ids import ProjectId, StreamId
from domain.kernel.policy import Cause, Derived, Policy
from domain.task.commands import Outcome, SettleNeed
from domain.task.decider import TASK
from domain.task.events import TaskCancelled, TaskCompleted, TaskFailed
from domain.task.state import Task


def react(cause: Cause, view: View) -> tuple[Derived, ...]:
    """One command per dependant, in the order in which they were added."""
    outcome = _outcome(cause)
    task = view.read(TASK, cause.stream)
    if outcome is None or not isinstance(task, Task):
        return ()
    return tuple(
        Derived(
            SettleNeed(project=project, task=dependant, need=cause.stream, outcome=outcome),
            StreamId(dependant),
            project,
        )
        for dependant, project in dependants_of(task, cause.project)
    )


def dependants_of(task: Task, own: ProjectId) -> Iterator[tuple[str, ProjectId]]:
    """Who needs the task, each with its project, in the order in which they were added."""
    for dependant in task.dependants:
        yield dependant, ProjectId(task.foreign.get(dependant, own))


def _outcome(cause: Cause) -> Outcome | None:
    match cause.event:
        case TaskCompleted():
            return "completed"
        case TaskFailed():
            return "failed"
        case TaskCancelled():
            return "cancelled"
        case _:
            return None


READY_DEPENDANTS: Final = Policy("ready_dependants", (TaskCompleted, TaskFailed, TaskCancelled), react)
