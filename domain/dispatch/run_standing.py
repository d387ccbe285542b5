"""Whether what was taken of another project still stands: it may have been taken back since, or have settled anew."""

from typing import NamedTuple

from domain.fact.decider import TOPIC
from domain.kernel.decider import View
from domain.kernel.ids import Instant, StreamId, prefix
from domain.run.evolve import RUN
from domain.run.state import Run, effect_key
from domain.task.decider import TASK
from domain.task.state import Settled, Task


class Standing(NamedTuple):
    """How a source stands now."""

    is_taken_back: bool
    settled_at: Instant | None
    """When it settled last; None where it has not, or never settles anew."""


def standing(source: str, view: View) -> Standing | None:
    """Of a run, a task, or the topic of one version of a result; None for what is none of these."""
    stream = StreamId(source)
    match prefix(source):
        case RUN.prefix:
            run = view.read(RUN, stream)
            return Standing(bool(run.rolled_back_by), run.settled_at) if isinstance(run, Run) else None
        case TASK.prefix:
            task = view.read(TASK, stream)
            return _of_task(source, task, view) if isinstance(task, Task) else None
        case TOPIC.prefix:
            return Standing(bool(view.read(TOPIC, stream).withdrawn), None)
        case _:
            return None


def _of_task(name: str, task: Task, view: View) -> Standing:
    ended = task.phase.at if isinstance(task.phase, Settled) and task.phase.leaving is None else None
    return Standing(_is_undone(name, task, view), ended)


def _is_undone(name: str, task: Task, view: View) -> bool:
    """Whether its run, or the one that takes that back, has taken back what the task did."""
    origin = task.plan.origin
    run = view.read(RUN, StreamId(origin.run)) if origin is not None else RUN.initial
    if origin is None or not isinstance(run, Run):
        return False
    other = view.read(RUN, StreamId(run.rolled_back_by)) if run.rolled_back_by else RUN.initial
    key, runs = effect_key(origin.place, origin.generation), (one for one in (run, other) if isinstance(one, Run))
    entries = (one.ledger.get(key) for one in runs)
    return any(entry is not None and entry.task == name and entry.undo == "undone" for entry in entries)
