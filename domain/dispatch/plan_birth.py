"""The first events of the tasks of a plan, and what they mean for the tasks that exist."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from domain.dispatch.errors import PlanTooLarge
from domain.dispatch.lookup import TASK_KEY
from domain.dispatch.plan_known import LIKENESS, Known
from domain.kernel.decider import Write, fold
from domain.kernel.ids import ProjectId, StreamId
from domain.kernel.message import Event, KeyRow, Stamp
from domain.kernel.pipeline.words import ValueField
from domain.task.attention import attended
from domain.task.commands import Need, PlannedTask
from domain.task.decider import TASK
from domain.task.events import NeedEdge, TaskDependantAdded, TaskPartAdded, TaskPlanned, TaskReadied
from domain.task.state import Absent, Settled, Task
from domain.task.terms import Origin
from domain.task.waiting import after_part_added, opened, told_of_need

DEPENDANTS_MAX: Final = 10_000
"""Tasks that may need one and the same task."""


class OfPhase(NamedTuple):
    """What a phase says of the task of its work."""

    origin: Origin | None = None
    input: str = ""
    """JSON text that it hands over."""
    outputs: tuple[ValueField, ...] = ()
    """What it wants to be told."""


_OF_PLAN: Final = OfPhase()


@dataclass(frozen=True, slots=True)
class Making:
    """What the events of a plan are made of."""

    stamp: Stamp
    ids: Mapping[str, StreamId]
    known: Known
    path_lengths: Mapping[str, int]
    phases: Mapping[str, OfPhase] = field(default_factory=dict[str, OfPhase])
    """Of tasks that a run makes, by key."""

    def id_of(self, need: Need) -> StreamId:
        """The task that is needed, planned or new."""
        needed = self.known.needed(need)
        return self.ids[need.task] if needed is None else needed.stream


class Born(NamedTuple):
    """All that a plan writes."""

    writes: tuple[Write, ...]
    keys: tuple[KeyRow, ...]


def births(new: Sequence[PlannedTask], making: Making) -> Born | PlanTooLarge:
    """The new tasks, and word of them to the tasks that exist and are needed or have them as parts."""
    told = _told(new, making)
    crowded = _crowded(told, making)
    if crowded is not None:
        return crowded
    project = making.stamp.project
    writes = [Write(making.ids[task.key], _birth(task, told, making), project) for task in new]
    born = {making.ids[task.key] for task in new}
    owners = {needed.stream: ProjectId(needed.project) for needed in making.known.foreign.values()}
    existing = {making.known.ids[key]: task for key, task in making.known.tasks.items()}
    writes += [
        Write(stream, _to_existing(events, existing.get(stream)), owners.get(stream, project))
        for stream, events in told.items()
        if stream not in born
    ]
    keys = [KeyRow(scope=project, kind=TASK_KEY, name=task.key, stream=making.ids[task.key]) for task in new]
    keys += [
        KeyRow(scope=project, kind=LIKENESS, name=task.idempotency_key, stream=making.ids[task.key])
        for task in new
        if task.idempotency_key
    ]
    return Born(tuple(writes), tuple(keys))


_Told = TaskDependantAdded | TaskPartAdded


def _told(new: Sequence[PlannedTask], making: Making) -> dict[StreamId, list[_Told]]:
    """By task: who needs it, and its parts. What is completed or cancelled stays so and tells nobody any more."""
    found: dict[StreamId, list[_Told]] = {}
    for task in new:
        own = making.ids[task.key]
        for need in task.needs:
            needed = making.known.needed(need)
            if needed is None or not _is_final(needed.task):
                foreign = making.stamp.project if needed is not None and needed.project else ""
                added = TaskDependantAdded(dependant=own, project=foreign)
                found.setdefault(making.id_of(need), []).append(added)
        if task.parent is not None:
            parent = making.ids[task.parent]
            found.setdefault(parent, []).append(TaskPartAdded(part=own, key=task.key, at=making.stamp.time))
            found.setdefault(own, []).append(TaskDependantAdded(dependant=parent))
    return found


def _to_existing(events: Sequence[_Told], task: Task | None) -> tuple[Event, ...]:
    """The same to a task that exists: with a part to wait for it is ready no longer."""
    added: list[Event] = [event for event in events if isinstance(event, TaskDependantAdded)]
    for event in events:
        if isinstance(event, TaskPartAdded) and task is not None:
            more = after_part_added(task, event.part, event.key, event.at)
            added += more
            after = fold(TASK, more, task)
            task = after if isinstance(after, Task) else task
    return tuple(added)


def _is_final(needed: Task) -> bool:
    return isinstance(needed.phase, Settled) and needed.phase.outcome != "failed"


def _crowded(told: Mapping[StreamId, Sequence[_Told]], making: Making) -> PlanTooLarge | None:
    if not told:
        return None
    known = {making.known.ids[key]: task for key, task in making.known.tasks.items()}
    known |= {needed.stream: needed.task for needed in making.known.foreign.values()}
    names = {stream: key for key, stream in making.ids.items()}
    for stream, added in told.items():
        there = known.get(stream)
        count = sum(isinstance(event, TaskDependantAdded) for event in added)
        count += 0 if there is None else len(there.dependants)
        if count > DEPENDANTS_MAX:
            return PlanTooLarge(what=f"{count} tasks need {names.get(stream, stream)}", most=DEPENDANTS_MAX)
    return None


def _birth(task: PlannedTask, told: Mapping[StreamId, Sequence[_Told]], making: Making) -> tuple[Event, ...]:
    """What the task is, who needs it, its parts, which needs are settled already, and readiness."""
    at, own = making.stamp.time, making.ids[task.key]
    events: tuple[Event, ...] = (_planned(task, making), *told.get(own, ()))
    settled = [(need, needed) for need in task.needs if (needed := making.known.needed(need)) is not None]
    settled = [(need, needed) for need, needed in settled if isinstance(needed.task.phase, Settled)]
    if not settled and (task.needs or any(isinstance(event, TaskPartAdded) for event in events)):
        return events
    if not settled:
        start = task.not_before
        return events if start is not None and at < start else (*events, TaskReadied(reason="planned", at=at))
    born = fold(TASK, events)
    for _, needed in settled:
        if isinstance(born, Task) and isinstance(needed.task.phase, Settled):
            more = told_of_need(born, needed.stream, needed.task.phase.outcome, at)
            events, born = (*events, *more), fold(TASK, more, born)
    if isinstance(born, Task):
        events = (*events, *opened(born, "planned", at))
    return attended(Absent(), events, at)


def _planned(task: PlannedTask, making: Making) -> TaskPlanned:
    phase = making.phases.get(task.key, _OF_PLAN)
    return TaskPlanned(
        project=making.stamp.project,
        key=task.key,
        title=task.title,
        body=task.body,
        kind=task.kind,
        priority=task.priority,
        needs=tuple(_edge(need, making) for need in task.needs),
        scope=task.scope,
        requires=task.requires,
        retry=task.retry,
        timeout_seconds=task.timeout_seconds,
        stall_seconds=task.stall_seconds,
        extend_seconds_max=task.extend_seconds_max,
        run=task.run,
        path_length=making.path_lengths[task.key],
        at=making.stamp.time,
        evidence=task.evidence,
        on_need_failed=task.on_need_failed,
        not_before=task.not_before,
        deadline=task.deadline,
        labels=task.labels,
        parent="" if task.parent is None else making.ids[task.parent],
        parent_key=task.parent or "",
        budget=task.budget,
        concurrency_key=task.concurrency_key,
        concurrency_limit=task.concurrency_limit,
        idempotency_key=task.idempotency_key,
        escalate=task.escalate,
        avoid=task.avoid,
        origin=phase.origin,
        input=phase.input,
        outputs=phase.outputs,
        under_key=True,
    )


def _edge(need: Need, making: Making) -> NeedEdge:
    needed = making.known.needed(need)
    project = "" if needed is None else needed.project
    return NeedEdge(task=making.id_of(need), key=need.task, accept=need.accept, project=project)
