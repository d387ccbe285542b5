"""Applying a plan: one decision over the project and the streams of all its tasks, all of them or none."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from domain.dispatch.errors import NeedUnknown, PlanDiffers, PlanTooLarge, TaskDifference
from domain.dispatch.lookup import TASK_KEY, states_of, streams_of
from domain.dispatch.plan_checks import first_flaw, order_of
from domain.kernel.decider import Decision, View, Write, refuse
from domain.kernel.errors import Rejection, UnknownThing
from domain.kernel.ids import StreamId, derived_id
from domain.kernel.message import Answer, Event, KeyRow, Stamp
from domain.project.decider import read_project
from domain.task.commands import ApplyPlan, PlannedTask
from domain.task.events import NeedEdge, TaskDependantAdded, TaskNeedSettled, TaskPlanned, TaskReadied
from domain.task.state import Settled, Task

DEPENDANTS_MAX: Final = 10_000
"""Tasks that may need one and the same task."""


class PlanApplied(Answer):
    """The tasks of the plan exist."""

    ids: dict[str, str]
    """Id of every task of the plan, by key."""
    created: int
    unchanged: int


def apply_plan(command: ApplyPlan, stamp: Stamp, view: View) -> Decision:
    """Create what does not exist yet; the same plan again changes nothing, an edited task refuses the whole."""
    project = read_project(stamp, view)
    if isinstance(project, UnknownThing):
        return refuse(project)
    flaw = first_flaw(command.tasks)
    if flaw is not None:
        return refuse(flaw)
    order = order_of(command.tasks)
    if isinstance(order, Rejection):
        return refuse(order)
    names = {task.key: None for task in command.tasks} | {
        need.task: None for task in command.tasks for need in task.needs
    }
    streams = streams_of(view, stamp.project, names)
    states = states_of(view, streams.values())
    existing = {key: state for key, stream in streams.items() if isinstance(state := states[stream], Task)}
    unfit = _unknown_need(command.tasks, existing) or _difference(command.tasks, existing)
    if unfit is not None:
        return refuse(unfit)
    return _created(command, stamp, order, streams, existing)


def _unknown_need(tasks: Sequence[PlannedTask], existing: Mapping[str, Task]) -> NeedUnknown | None:
    known = {task.key for task in tasks} | existing.keys()
    missing = ((task.key, need.task) for task in tasks for need in task.needs if need.task not in known)
    return next((NeedUnknown(task=task, need=need) for task, need in missing), None)


def _difference(tasks: Sequence[PlannedTask], existing: Mapping[str, Task]) -> PlanDiffers | None:
    differences = tuple(
        TaskDifference(task=task.key, fields=fields)
        for task in tasks
        if task.key in existing and (fields := differing_fields(existing[task.key].plan, task))
    )
    if not differences:
        return None
    return PlanDiffers(task=differences[0].task, count=len(differences), differences=differences)


def differing_fields(planned: TaskPlanned, wanted: PlannedTask) -> tuple[str, ...]:
    """Names of the fields in which an existing task says something else than the plan."""
    same_needs = [(need.key, need.accept) for need in planned.needs] == [(n.task, n.accept) for n in wanted.needs]
    same_requires = repr(planned.requires) == repr(wanted.requires)  # where true is not 1
    fields = ("title", "body", "kind", "priority", "scope", "retry", "timeout_seconds", "run")
    other = tuple(field for field in fields if getattr(planned, field) != getattr(wanted, field))
    return (*other, *(() if same_requires else ("requires",)), *(() if same_needs else ("needs",)))


@dataclass(frozen=True, slots=True)
class _Making:
    """What the events of a plan are made of."""

    stamp: Stamp
    ids: Mapping[str, StreamId]
    existing: Mapping[str, Task]
    path_lengths: Mapping[str, int]


def _created(
    command: ApplyPlan,
    stamp: Stamp,
    order: Sequence[PlannedTask],
    streams: Mapping[str, StreamId],
    existing: Mapping[str, Task],
) -> Decision:
    new = [task for task in command.tasks if task.key not in existing]
    made = {task.key: derived_id("task", stamp.time, (stamp.command_id, str(index))) for index, task in enumerate(new)}
    making = _Making(stamp, {**streams, **made}, existing, _path_lengths(order))
    dependants = _dependants(new, making)
    crowded = _crowded(dependants, existing)
    if crowded is not None:
        return refuse(crowded)
    writes = [Write(made[task.key], _birth(task, making, dependants.pop(task.key, ())), stamp.project) for task in new]
    writes += [Write(making.ids[key], tuple(events), stamp.project) for key, events in dependants.items()]
    keys = tuple(KeyRow(scope=stamp.project, kind=TASK_KEY, name=key, stream=made[key]) for key in made)
    ids = {task.key: str(making.ids[task.key]) for task in command.tasks}
    answer = PlanApplied(ids=ids, created=len(new), unchanged=len(ids) - len(new))
    return Decision(writes=tuple(writes), answer=answer, keys=keys)


def _dependants(new: Sequence[PlannedTask], making: _Making) -> dict[str, Sequence[TaskDependantAdded]]:
    """By key of the needed task: who needs it. What is completed or cancelled stays so and tells nobody any more."""
    found: dict[str, list[TaskDependantAdded]] = {}
    for task in new:
        for need in task.needs:
            if not _is_final(making.existing.get(need.task)):
                found.setdefault(need.task, []).append(TaskDependantAdded(dependant=making.ids[task.key]))
    return dict(found)


def _is_final(needed: Task | None) -> bool:
    return needed is not None and isinstance(needed.phase, Settled) and needed.phase.outcome != "failed"


def _crowded(
    dependants: Mapping[str, Sequence[TaskDependantAdded]], existing: Mapping[str, Task]
) -> PlanTooLarge | None:
    for key, added in dependants.items():
        count = len(added) + (len(existing[key].dependants) if key in existing else 0)
        if count > DEPENDANTS_MAX:
            return PlanTooLarge(what=f"{count} tasks need {key}", most=DEPENDANTS_MAX)
    return None


def _birth(task: PlannedTask, making: _Making, dependants: Sequence[TaskDependantAdded]) -> tuple[Event, ...]:
    """The first events of a task: what it is, who needs it, which needs are settled already, and readiness."""
    at = making.stamp.time
    settled = [event for need in task.needs if (event := _settled_before(need.task, need.accept, making)) is not None]
    unmet = len(task.needs) - sum(event.satisfied for event in settled)
    ready = () if unmet else (TaskReadied(reason="planned", at=at),)
    return (_planned(task, making), *dependants, *settled, *ready)


def _settled_before(key: str, accept: Sequence[str], making: _Making) -> TaskNeedSettled | None:
    needed = making.existing.get(key)
    if needed is None or not isinstance(needed.phase, Settled):
        return None
    outcome = needed.phase.outcome
    return TaskNeedSettled(need=making.ids[key], outcome=outcome, satisfied=outcome in accept)


def _planned(task: PlannedTask, making: _Making) -> TaskPlanned:
    return TaskPlanned(
        project=making.stamp.project,
        key=task.key,
        title=task.title,
        body=task.body,
        kind=task.kind,
        priority=task.priority,
        needs=tuple(NeedEdge(task=making.ids[need.task], key=need.task, accept=need.accept) for need in task.needs),
        scope=task.scope,
        requires=task.requires,
        retry=task.retry,
        timeout_seconds=task.timeout_seconds,
        run=task.run,
        path_length=making.path_lengths[task.key],
        at=making.stamp.time,
    )


def _path_lengths(order: Sequence[PlannedTask]) -> dict[str, int]:
    """Tasks on the longest path that begins with each task, walking from those that nothing needs."""
    lengths: dict[str, int] = {}
    for task in reversed(order):
        own = lengths.setdefault(task.key, 1)
        for need in task.needs:
            lengths[need.task] = max(lengths.get(need.task, 1), own + 1)
    return lengths
