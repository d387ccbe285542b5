"""Tell run: whatever ends, parks or begins anew the work of a phase is told to its run."""

from typing import Final

from domain.kernel.decider import View
from domain.kernel.ids import StreamId
from domain.kernel.policy import Cause, Derived, Policy
from domain.run.commands import TellRun
from domain.task.decider import TASK
from domain.task.events import (
    TaskAttemptEnded,
    TaskCancelled,
    TaskCompleted,
    TaskFailed,
    TaskParked,
    TaskRetried,
)
from domain.task.state import Settled, Task


def react(cause: Cause, view: View) -> tuple[Derived, ...]:
    """One command where the task belongs to a run."""
    task = view.read(TASK, cause.stream)
    if not isinstance(task, Task) or task.plan.origin is None or _is_told_by_another(cause, task):
        return ()
    run = task.plan.origin.run
    return (Derived(TellRun(project=cause.project, run=run, task=cause.stream), StreamId(run), cause.project),)


def _is_told_by_another(cause: Cause, task: Task) -> bool:
    """The end of an attempt that settles its task is told with the settlement."""
    settled = isinstance(task.phase, Settled) and task.phase.outcome != "cancelled"
    return settled and isinstance(cause.event, TaskAttemptEnded)


TELL_RUN: Final = Policy(
    "tell_run",
    (TaskCompleted, TaskFailed, TaskCancelled, TaskParked, TaskRetried, TaskAttemptEnded),
    react,
)
