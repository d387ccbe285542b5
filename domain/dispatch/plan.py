"""Applying a plan: one decision over the project and the streams of all its tasks, all of them or none."""

from collections.abc import Mapping, Sequence
from typing import Final

from domain.dispatch.errors import NeedUnknown, ParentUnfit, PlanDiffers, TaskDifference
from domain.dispatch.plan_birth import Making, births
from domain.dispatch.plan_checks import first_flaw, order_of, waits_of
from domain.dispatch.plan_known import Known, known_to, own_tasks
from domain.dispatch.plan_parents import unfit_parent
from domain.kernel.decider import Decision, View, refuse
from domain.kernel.errors import Rejection, UnknownThing
from domain.kernel.ids import derived_id, is_type_id
from domain.kernel.message import Answer, Stamp
from domain.project.decider import read_project
from domain.run.errors import KeyOfRun
from domain.run.evolve import RUN
from domain.task.commands import ApplyPlan, CreateTask, PlannedTask
from domain.task.events import TaskPlanned

_COMPARED: Final = (
    "title",
    "body",
    "kind",
    "priority",
    "scope",
    "retry",
    "timeout_seconds",
    "stall_seconds",
    "extend_seconds_max",
    "run",
    "evidence",
    "on_need_failed",
    "not_before",
    "deadline",
    "labels",
    "budget",
    "concurrency_key",
    "concurrency_limit",
    "idempotency_key",
    "avoid",
)
"""Fields that a planned task keeps as they were asked."""


class PlanApplied(Answer):
    """The tasks of the plan exist."""

    ids: dict[str, str]
    """Id of every task of the plan, by key."""
    created: int
    unchanged: int


class TaskCreated(Answer):
    """The task exists."""

    task: str
    created: bool
    """False where it was there before."""


def create_task(command: CreateTask, stamp: Stamp, view: View) -> Decision:
    """A plan of one task."""
    decision = _apply((command.task,), stamp, view)
    if not isinstance(decision.answer, PlanApplied):
        return decision
    (task,) = decision.answer.ids.values()
    answer = TaskCreated(task=task, created=decision.answer.created == 1)
    return Decision(writes=decision.writes, answer=answer, keys=decision.keys)


def apply_plan(command: ApplyPlan, stamp: Stamp, view: View) -> Decision:
    """Create what does not exist yet; the same plan again changes nothing, an edited task refuses the whole."""
    return _apply(command.tasks, stamp, view)


def _apply(planned: Sequence[PlannedTask], stamp: Stamp, view: View) -> Decision:
    project = read_project(stamp, view)
    if isinstance(project, UnknownThing):
        return refuse(project)
    tasks = own_tasks(planned, stamp.project, project.name)
    flaw = first_flaw(tasks, project.settings.ignoring_case)
    if flaw is not None:
        return refuse(flaw)
    order = order_of(tasks)
    if isinstance(order, Rejection):
        return refuse(order)
    known = known_to(tasks, stamp, view)
    if isinstance(known, Rejection):
        return refuse(known)
    unfit: Rejection | None = _key_of_run(tasks, known) or _unknown_need(tasks, known) or _difference(tasks, known)
    unfit = unfit or _unfit_parent(tasks, known, view)
    if unfit is not None:
        return refuse(unfit)
    return _created(tasks, order, known, stamp)


def _key_of_run(tasks: Sequence[PlannedTask], known: Known) -> KeyOfRun | None:
    """A run could never make a task whose name is taken: it would stand still for good."""
    new = (task.key for task in tasks if task.key not in known.tasks)
    taken = next((key for key in new if "/" in key and is_type_id(key.partition("/")[0], RUN.prefix)), None)
    return None if taken is None else KeyOfRun(task=taken)


def _unknown_need(tasks: Sequence[PlannedTask], known: Known) -> NeedUnknown | None:
    keys = {task.key for task in tasks}
    for task in tasks:
        for need in task.needs:
            if known.needed(need) is None and (need.project or need.task not in keys):
                name = f"{need.project}/{need.task}" if need.project else need.task
                return NeedUnknown(task=task.key, need=name)
        if task.parent is not None and task.parent not in keys and task.parent not in known.tasks:
            return NeedUnknown(task=task.key, need=task.parent, field="parent")
    return None


def _difference(tasks: Sequence[PlannedTask], known: Known) -> PlanDiffers | None:
    differences = tuple(
        TaskDifference(task=task.key, fields=fields)
        for task in tasks
        if task.key in known.tasks
        and task.key not in known.likenesses
        and (fields := differing_fields(known.tasks[task.key].plan, task, known.projects))
    )
    if not differences:
        return None
    return PlanDiffers(task=differences[0].task, count=len(differences), differences=differences)


def _unfit_parent(tasks: Sequence[PlannedTask], known: Known, view: View) -> ParentUnfit | Rejection | None:
    return unfit_parent([task for task in tasks if task.key not in known.tasks], known, view)


def differing_fields(
    planned: TaskPlanned, wanted: PlannedTask, projects: Mapping[str, str] | None = None
) -> tuple[str, ...]:
    """Names of the fields in which an existing task says something else than the plan.

    ``projects`` leads the names of other projects in the plan's needs to their ids.
    """
    ids = projects or {}
    mine = [(need.project, need.key, need.accept) for need in planned.needs]
    same_needs = mine == [(ids.get(n.project, n.project), n.task, n.accept) for n in wanted.needs]
    same_requires = repr(planned.requires) == repr(wanted.requires)  # where true is not 1
    same_escalation = repr(planned.escalate) == repr(wanted.escalate)
    other = tuple(field for field in _COMPARED if getattr(planned, field) != getattr(wanted, field))
    return (
        *other,
        *(() if same_requires else ("requires",)),
        *(() if same_escalation else ("escalate",)),
        *(() if planned.parent_key == (wanted.parent or "") else ("parent",)),
        *(() if same_needs else ("needs",)),
    )


def _created(tasks: Sequence[PlannedTask], order: Sequence[PlannedTask], known: Known, stamp: Stamp) -> Decision:
    new = [task for task in tasks if task.key not in known.tasks]
    made = {task.key: derived_id("task", stamp.time, (*stamp.key, str(index))) for index, task in enumerate(new)}
    making = Making(stamp, {**known.ids, **made}, known, _path_lengths(order))
    born = births(new, making)
    if isinstance(born, Rejection):
        return refuse(born)
    ids = {task.key: str(making.ids[task.key]) for task in tasks}
    answer = PlanApplied(ids=ids, created=len(new), unchanged=len(ids) - len(new))
    return Decision(writes=born.writes, answer=answer, keys=born.keys)


def _path_lengths(order: Sequence[PlannedTask]) -> dict[str, int]:
    """Tasks on the longest path that begins with each task, walking from those that nothing waits for."""
    waits = waits_of(order)
    lengths: dict[str, int] = {}
    for task in reversed(order):
        own = lengths.setdefault(task.key, 1)
        for key in waits[task.key]:
            lengths[key] = max(lengths.get(key, 1), own + 1)
    return lengths
