"""Reopen needs: when a task that had settled begins anew, everybody who needs it is told."""

from typing import Final

from domain.kernel.decider import View
from domain.kernel.ids import StreamId
from domain.kernel.policy import Cause, Derived, Policy
from domain.policies.ready_dependants import dependants_of
from domain.task.decider import TASK
from domain.task.derived import ReopenNeed
from domain.task.events import TaskRetried
from domain.task.state import Task


def react(cause: Cause, view: View) -> tuple[Derived, ...]:
    """One command per dependant, in the order in which they were added."""
    task = view.read(TASK, cause.stream)
    if not isinstance(task, Task):
        return ()
    return tuple(
        Derived(ReopenNeed(project=project, task=dependant, need=cause.stream), StreamId(dependant), project)
        for dependant, project in dependants_of(task, cause.project)
    )


REOPEN_NEEDS: Final = Policy("reopen_needs", (TaskRetried,), react)
