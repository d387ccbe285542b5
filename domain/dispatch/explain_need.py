"""Why a fact of another project is not there yet: what keeps back whoever would make it."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from domain.dispatch.lookup import read_all
from domain.dispatch.run_facts import grants
from domain.kernel.decider import View
from domain.kernel.ids import ProjectId, StreamId
from domain.pipeline.pins import PINS, pins_of_pipeline
from domain.project.decider import PROJECT
from domain.project.state import Project
from domain.run.evolve import RUN
from domain.run.need_events import ExternalNeedRegistered
from domain.run.state import TERMINAL, Run
from domain.task.decider import TASK, phase_name
from domain.task.state import Task

RUNS_MAX: Final = 20
"""Runs under way of a pipeline that are looked at."""


class Lack(NamedTuple):
    """What a phase waits for, and what would make it go on."""

    words: str
    unblock: str


def explain_need(run: Run, need: ExternalNeedRegistered, view: View) -> Lack:
    """What is known of the other project: nothing where it lets this one need nothing any more."""
    words, owner = f"it waits for {need.what}", ProjectId(need.project)
    if not grants(view, owner, ProjectId(run.queued.project)):
        words = f"{words}, and that project does not let this one need its results any more"
        return Lack(words, "The other project has to grant it again.")
    state = view.read(PROJECT, StreamId(owner))
    if isinstance(state, Project) and state.frozen:
        return Lack(f"{words}, and that project is frozen", "Somebody has to unfreeze that project.")
    match need.kind:
        case "run":
            return _of_run(words, view.read(RUN, StreamId(need.source)))
        case "task":
            return _of_task(words, view.read(TASK, StreamId(need.source)))
        case "latest":
            return _of_runs(words, _under_way(need, view))
        case "artefact" | "signal":
            return Lack(words, "The other project has to publish it.")


def _of_run(words: str, other: object) -> Lack:
    if not isinstance(other, Run):
        return Lack(words, "The other project has to make it.")
    if other.status == "paused":
        return Lack(f"{words}, which is paused by {other.paused_by}", "That run has to be resumed.")
    return Lack(f"{words}, which is {other.status}", "That run has to end.")


def _of_task(words: str, other: object) -> Lack:
    if not isinstance(other, Task):
        return Lack(words, "The other project has to make it.")
    origin = other.plan.origin
    if origin is not None and origin.run in other.unmet:
        return Lack(f"{words}, whose run {origin.run} is paused", "That run has to be resumed.")
    return Lack(f"{words}, which is {phase_name(other)}", "That task has to end.")


def _of_runs(words: str, others: Sequence[Run]) -> Lack:
    """The one that goes on tells most; where none does, the one that is paused."""
    going = next((one for one in others if one.status != "paused"), None)
    if going is not None:
        return Lack(f"{words}; run {going.queued.run} of it is {going.status}", "That run has to end.")
    if others:
        first = others[0]
        return Lack(f"{words}; run {first.queued.run} of it is paused by {first.paused_by}", "It has to be resumed.")
    return Lack(f"{words}, and no run of that is under way", "Somebody there has to start one.")


def _under_way(need: ExternalNeedRegistered, view: View) -> tuple[Run, ...]:
    """Runs of the pipeline that would do once they end, the oldest first."""
    shares = read_all(view, PINS, pins_of_pipeline(need.project, need.pipeline))
    names = sorted(name for share in shares.values() for name in share.runs)[:RUNS_MAX]
    runs = read_all(view, RUN, (StreamId(name) for name in names))
    return tuple(one for name in names if isinstance(one := runs[StreamId(name)], Run) and _would_do(one, need))


def _would_do(run: Run, need: ExternalNeedRegistered) -> bool:
    fits = need.correlation_key in ("", run.queued.correlation_key)
    return run.queued.pipeline == need.pipeline and fits and run.status not in TERMINAL
