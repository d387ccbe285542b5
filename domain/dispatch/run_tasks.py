"""The tasks of a run as its decisions see them: what a phase asks for, taking it back, holding it, letting it go."""

from collections.abc import Mapping
from typing import Final

import orjson
from pydantic import ValidationError

from domain.dispatch.attempt import Held, end_in_silence
from domain.dispatch.plan_birth import Born, Making, OfPhase, births
from domain.dispatch.plan_checks import first_flaw
from domain.dispatch.plan_known import Known
from domain.dispatch.steer import noticed
from domain.kernel.decider import View, Write
from domain.kernel.errors import Rejection
from domain.kernel.graphs import longest_path
from domain.kernel.ids import StreamId, derived_id
from domain.kernel.message import Event, Stamp
from domain.kernel.pipeline.definition import AnyPhase, MapPhase, WorkPhase
from domain.kernel.pipeline.graph import Graph
from domain.kernel.pipeline.texts import filled
from domain.kernel.pipeline.words import ValueField
from domain.kernel.pipeline.work import TaskSpec, Work
from domain.kernel.values import ScopeClaim
from domain.kernel.work import RetryRule
from domain.run.state import Run
from domain.task.attention import attended
from domain.task.commands import PlannedTask
from domain.task.decider import live_attempt
from domain.task.events import TaskCancelled, TaskHeldBack, TaskNeedSettled
from domain.task.state import Settled, Task
from domain.task.terms import Origin
from domain.task.waiting import folded, opened

PRIORITY_MAX: Final = 100


def task_of(run: Run, place: str, generation: int) -> StreamId:
    """The task of one place in one generation: the same whoever decides it, so there is never another."""
    return derived_id("task", run.queued.at, (run.queued.run, place, str(generation), "work"))


def asked_of(run: Run, place: str, work: Work) -> PlannedTask | str:
    """The task that the work of a place asks for, or why there cannot be one."""
    try:
        return PlannedTask.model_validate(_said(run, place, work))
    except ValidationError as flaw:
        first = flaw.errors(include_url=False)[0]
        return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"


def _said(run: Run, place: str, work: Work) -> dict[str, object]:
    """Its fields with their holes filled. Raises ValidationError for a filled text that is too long."""
    phase, spec = run.phase(place), work.task
    handed: Mapping[str, object] = orjson.loads(phase.input) if phase.input else {}
    rule = {"on_exhausted": "park" if work.on_exhausted == "park" else "fail", "max_lost": spec.max_lost}
    return {
        **{name: getattr(spec, name) for name in TaskSpec.model_fields if name != "max_lost"},
        "key": key_of(run, place, phase.generation),
        "title": filled(spec.title, handed)[:300],
        "body": filled(spec.body, handed)[:65_536],
        "scope": tuple(ScopeClaim(claim=filled(one.claim, handed), mode=one.mode) for one in spec.scope),
        "labels": tuple(dict.fromkeys((*(filled(one, handed) for one in spec.labels), *run.queued.labels)))[:64],
        "concurrency_key": filled(spec.concurrency_key, handed),
        "priority": max(-PRIORITY_MAX, min(PRIORITY_MAX, spec.priority + run.queued.priority)),
        "retry": RetryRule.model_validate(spec.retry.model_dump() | rule),
    }


def key_of(run: Run, place: str, generation: int) -> str:
    """The task's name in its project."""
    again = f"@{generation}" if generation > 1 else ""
    return f"{run.queued.run}/{place}{again}"


def born(
    planned: PlannedTask, run: Run, place: str, *, path_length: int, stamp: Stamp, ignoring_case: frozenset[str]
) -> Born | str:
    """The first events of the task, or why it cannot be."""
    flaw = first_flaw((planned,), ignoring_case)
    if flaw is not None:
        return flaw.message()
    phase = run.phase(place)
    origin = Origin(run=run.queued.run, place=place, generation=phase.generation)
    making = Making(
        stamp,
        {planned.key: task_of(run, place, phase.generation)},
        Known({}, {}),
        {planned.key: path_length},
        {planned.key: OfPhase(origin, phase.input, outputs_of(run, place))},
    )
    made = births((planned,), making)
    return made.message() if isinstance(made, Rejection) else made


def outputs_of(run: Run, place: str) -> tuple[ValueField, ...]:
    """What the work of a place has to say when it is done."""
    key = place.partition("/")[0]
    found = next((one for one in run.queued.definition.phases if one.key == key), None)
    work = None if found is None else work_of(found)
    return () if work is None else work.outputs


def work_of(phase: AnyPhase) -> Work | None:
    """What is done at a place of the phase: its own work, or that of each of its items."""
    if isinstance(phase, WorkPhase):
        return phase.work
    return phase.map.each if isinstance(phase, MapPhase) and isinstance(phase.map.each, Work) else None


def path_lengths_of(graph: Graph) -> dict[str, int]:
    """Phases on the longest path that begins with each phase, itself included."""
    number = {key: index for index, key in enumerate(graph.order)}
    needs = [
        sorted({number[edge.phase] for edge in graph.phases[key].needs if edge.phase in number}) for key in graph.order
    ]
    remaining, _ = longest_path(needs, range(len(needs)), [1.0] * len(needs))
    return {key: int(remaining[index]) for key, index in number.items()}


def withdrawn(
    stream: StreamId, task: Task, reason: str, grace_seconds: int | None, stamp: Stamp, view: View
) -> tuple[Write, ...]:
    """The task is not wanted any more. A live attempt is told, and may end within the grace; None leaves it alone."""
    attempt = live_attempt(task)
    if isinstance(task.phase, Settled):
        return ()
    if attempt is None:
        cancelled = TaskCancelled(reason=reason, at=stamp.time)
        return (Write(stream, attended(task, (cancelled,), stamp.time), stamp.project),)
    if grace_seconds is None:
        return ()
    held = Held(stream, task, attempt)
    if grace_seconds == 0:
        return end_in_silence(held, "cancelled", reason, stamp, view)
    return noticed(held, reason, grace_seconds, stamp)


def held_back(run: str, task: Task, stamp: Stamp) -> tuple[Event, ...]:
    """Nobody claims it until its run goes on; a live attempt is not touched."""
    if isinstance(task.phase, Settled) or run in task.unmet:
        return ()
    return (TaskHeldBack(at=stamp.time, by=run),)


def let_go(run: str, task: Task, stamp: Stamp) -> tuple[Event, ...]:
    """Its run goes on."""
    if run not in task.unmet:
        return ()
    released = TaskNeedSettled(need=run, outcome="completed", satisfied=True)
    return (released, *opened(folded(task, (released,)), "resumed", stamp.time))
