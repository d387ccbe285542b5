"""Facts between projects: published where a run ends, and told to whoever waits for them or has taken them."""

from collections.abc import Mapping
from typing import Final

from domain.fact.commands import PublishFact
from domain.fact.decider import TOPIC, topic_of
from domain.fact.events import ArtefactPublished, ArtefactWithdrawn, FactPublished, SignalPublished
from domain.kernel.decider import View
from domain.kernel.ids import ProjectId, StreamId
from domain.kernel.policy import Cause, Derived, Policy
from domain.run.child_events import RunRolledBack
from domain.run.commands import TellNeed
from domain.run.events import RunSettled
from domain.run.evolve import RUN
from domain.run.state import Run, effect_key
from domain.run.undo_events import UndoSucceeded
from domain.task.decider import TASK
from domain.task.events import TaskAttemptEnded, TaskCancelled, TaskCompleted, TaskFailed
from domain.task.state import Settled, Task


def publish(cause: Cause, view: View) -> tuple[Derived, ...]:
    """One command for each topic of the run; what only takes back is no fact."""
    run = view.read(RUN, cause.stream)
    if not isinstance(run, Run) or run.queued.rolls_back:
        return ()
    project, name = cause.project, run.queued.pipeline
    keys = dict.fromkeys(("", run.queued.correlation_key))
    return tuple(
        Derived(
            PublishFact(project=project, run=cause.stream, correlation_key=key), topic_of(project, name, key), project
        )
        for key in keys
    )


def tell(cause: Cause, view: View) -> tuple[Derived, ...]:
    """One command for each run that waits, or has taken it."""
    event, source = cause.event, cause.stream
    match event:
        case FactPublished() | SignalPublished() | ArtefactPublished() | ArtefactWithdrawn():
            return _told(view.read(TOPIC, source).awaited_by, source, cause)
        case TaskCompleted() | TaskFailed() | TaskCancelled() | TaskAttemptEnded():
            return _of_task(source, cause, view)
        case UndoSucceeded():
            run = view.read(RUN, source)
            entry = run.ledger.get(effect_key(event.place, event.generation)) if isinstance(run, Run) else None
            return () if entry is None or entry.is_run else _of_task(StreamId(entry.task), cause, view)
        case _:
            run = view.read(RUN, source)
            return _told(run.awaited_by, source, cause) if isinstance(run, Run) else ()


def _of_task(stream: StreamId, cause: Cause, view: View) -> tuple[Derived, ...]:
    """Nothing before it has settled, and nobody may report any more."""
    task = view.read(TASK, stream)
    over = isinstance(task, Task) and isinstance(task.phase, Settled) and task.phase.leaving is None
    return _told(task.awaited_by, stream, cause) if isinstance(task, Task) and over else ()


def _told(waiting: Mapping[str, str], source: StreamId, cause: Cause) -> tuple[Derived, ...]:
    owner = cause.project
    return tuple(
        Derived(TellNeed(project=project, run=run, source=source, owner=owner), StreamId(run), ProjectId(project))
        for run, project in sorted(waiting.items())
    )


FACT_POLICIES: Final = (
    Policy("publish_facts", (RunSettled, RunRolledBack), publish),
    Policy(
        "tell_needs",
        (
            FactPublished,
            SignalPublished,
            ArtefactPublished,
            ArtefactWithdrawn,
            RunSettled,
            RunRolledBack,
            UndoSucceeded,
            TaskCompleted,
            TaskFailed,
            TaskCancelled,
            TaskAttemptEnded,
        ),
        tell,
    ),
)
