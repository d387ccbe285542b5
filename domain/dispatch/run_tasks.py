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
from domain.kernel.ids import StreamId, derived_id
from domain.kernel.message import Event, Stamp
from domain.kernel.pipeline.definition import AnyPhase, MapPhase, WorkPhase
from domain.kernel.pipeline.graph import key_at
from domain.kernel.pipeline.texts import filled
from domain.kernel.pipeline.words import ValueField
from domain.kernel.pipeline.work import TaskSpec, Undo, Work
from domain.kernel.values import ScopeClaim
from domain.kernel.work import RetryRule
from domain.run.kept_locks import kept_seconds
from domain.run.loops import outline_now
from domain.run.state import Effect, Run
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
    phase = run.phase(place)
    handed: Mapping[str, object] = orjson.loads(phase.input) if phase.input else {}
    rule = "park" if work.on_exhausted == "park" else "fail"
    planned = _planned(run, work.task, key_of(run, place, phase.generation), handed, rule)
    changes = changes_of(run, place)
    if isinstance(planned, str) or not changes:
        return planned
    body = f"{planned.body}\n\nChanges that were asked for:\n\n{changes}".strip()
    return planned.model_copy(update={"body": body[:65_536]})


def changes_of(run: Run, place: str) -> str:
    """What a gate asks to be done otherwise: said of the phase, and so of each item of a map."""
    own = run.phase(place).changes
    return own or run.phase(place.rpartition("/")[0]).changes


def undo_of(run: Run, entry: Effect, undo: Undo, task: Task) -> tuple[PlannedTask | str, str]:
    """The task that takes back an effect, or why there cannot be one; and what it is handed, as JSON text."""
    handed: dict[str, object] = orjson.loads(task.plan.input) if task.plan.input else {}
    output = task.phase.output if isinstance(task.phase, Settled) else ""
    said = {"input": handed, "output": orjson.loads(output) if output else None, "checkpoint": task.checkpoint}
    key = f"{key_of(run, entry.place, entry.generation)}+undo{entry.tries + 1}"
    return _planned(run, undo.task, key, handed, "fail"), orjson.dumps(said).decode()


def _planned(run: Run, spec: TaskSpec, key: str, handed: Mapping[str, object], rule: str) -> PlannedTask | str:
    try:
        return PlannedTask.model_validate(_said(run, spec, key, handed, rule))
    except ValidationError as flaw:
        first = flaw.errors(include_url=False)[0]
        return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"


def _said(run: Run, spec: TaskSpec, key: str, handed: Mapping[str, object], exhausted: str) -> dict[str, object]:
    """Its fields with their holes filled. Raises ValidationError for a filled text that is too long."""
    return {
        **{name: value for name, value in vars(spec).items() if name != "max_lost"},
        "key": key,
        "title": filled(spec.title, handed)[:300],
        "body": filled(spec.body, handed)[:65_536],
        "scope": tuple(ScopeClaim(claim=filled(one.claim, handed), mode=one.mode) for one in spec.scope),
        "labels": tuple(dict.fromkeys((*(filled(one, handed) for one in spec.labels), *run.queued.labels)))[:64],
        "concurrency_key": filled(spec.concurrency_key, handed),
        "priority": max(-PRIORITY_MAX, min(PRIORITY_MAX, spec.priority + run.queued.priority)),
        "retry": RetryRule.model_validate({**vars(spec.retry), "on_exhausted": exhausted, "max_lost": spec.max_lost}),
    }


def key_of(run: Run, place: str, generation: int) -> str:
    """The task's name in its project."""
    again = f"@{generation}" if generation > 1 else ""
    return f"{run.queued.run}/{place}{again}"


def made_for(run: Run, place: str, work: Work) -> tuple[StreamId, OfPhase]:
    """The id of the task that a place makes now for its work, and what the phase says of it."""
    phase = run.phase(place)
    origin = Origin(
        run=run.queued.run,
        place=place,
        generation=phase.generation,
        changes=changes_of(run, place),
        keeps_locks_seconds=kept_seconds(run, place),
    )
    return task_of(run, place, phase.generation), OfPhase(origin, phase.input, work.outputs)


def undoing_of(run: Run, entry: Effect, handed: str) -> tuple[StreamId, OfPhase]:
    """The id of the task that takes back an effect now, and what is said of it."""
    parts = (run.queued.run, entry.place, str(entry.generation), "undo", str(entry.tries + 1))
    origin = Origin(run=run.queued.run, place=entry.place, generation=entry.generation, purpose="undo")
    return derived_id("task", run.queued.at, parts), OfPhase(origin, handed)


def born(
    planned: PlannedTask,
    stream: StreamId,
    of_phase: OfPhase,
    path_length: int,
    stamp: Stamp,
    ignoring_case: frozenset[str],
) -> Born | str:
    """The first events of the task, or why it cannot be."""
    flaw = first_flaw((planned,), ignoring_case)
    if flaw is not None:
        return flaw.message()
    ids, lengths = {planned.key: stream}, {planned.key: path_length}
    making = Making(stamp, ids, Known({}, {}), lengths, {planned.key: of_phase})
    made = births((planned,), making)
    return made.message() if isinstance(made, Rejection) else made


def outputs_of(run: Run, place: str) -> tuple[ValueField, ...]:
    """What the work of a place has to say when it is done."""
    found = outline_now(run).phases.get(key_at(place))
    work = None if found is None else work_of(found)
    return () if work is None else work.outputs


def work_of(phase: AnyPhase) -> Work | None:
    """What is done at a place of the phase: its own work, or that of each of its items."""
    if isinstance(phase, WorkPhase):
        return phase.work
    return phase.map.each if isinstance(phase, MapPhase) and isinstance(phase.map.each, Work) else None


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
    return attended(task, (TaskHeldBack(at=stamp.time, by=run),), stamp.time)


def let_go(run: str, task: Task, stamp: Stamp) -> tuple[Event, ...]:
    """Its run goes on."""
    if run not in task.unmet:
        return ()
    released = TaskNeedSettled(need=run, outcome="completed", satisfied=True)
    return (released, *opened(folded(task, (released,)), "resumed", stamp.time))
