"""Locks that a gate keeps: shut behind the work that it judges, and free again once it has settled."""

from domain.dispatch.lookup import lock_stream
from domain.kernel.decider import Decision, View, Write
from domain.kernel.ids import StreamId
from domain.kernel.message import Stamp
from domain.lock.commands import LetGoLocks
from domain.lock.decider import LOCKS, let_go
from domain.lock.entries import Grant
from domain.run.evolve import RUN
from domain.run.kept_locks import is_kept
from domain.run.state import Run
from domain.task.decider import TASK
from domain.task.state import Settled, Task


def free_kept(command: LetGoLocks, stamp: Stamp, view: View) -> Decision:
    """Look which locks of the run's done work nobody keeps any more; nothing where a gate still does."""
    run = view.read(RUN, StreamId(command.run))
    if not isinstance(run, Run) or run.queued.project != stamp.project:
        return Decision()
    stream = lock_stream(stamp.project)
    space = view.read(LOCKS, stream)
    free = tuple(
        event
        for token, held in sorted(space.grants.items())
        if _is_done(held, run, view) and not is_kept(run, run.tasks[held.task or ""], held.task or "")
        for event in let_go(space, token, stamp.time)
    )
    return Decision((Write(stream, free, stamp.project),)) if free else Decision()


def _is_done(held: Grant, run: Run, view: View) -> bool:
    """Whether the locks stay shut behind work of the run that is done: those of work that was cut off do so longer."""
    if held.lingers_until is None or held.quarantined or held.task is None or held.task not in run.tasks:
        return False
    task = view.read(TASK, StreamId(held.task))
    return isinstance(task, Task) and isinstance(task.phase, Settled) and task.phase.token == held.token
