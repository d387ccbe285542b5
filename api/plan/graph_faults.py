"""Mistakes between the tasks of a plan: names given twice, needs named twice or unknown, circles."""

from collections.abc import Collection, Iterator, Sequence
from difflib import get_close_matches

from api.plan.faults import FaultCode, PlanFault
from api.plan.lines import PlanLines, lines_of, need_places, node_of
from api.plan.nodes import Node, Place
from domain.dispatch.plan_checks import NEEDS_MAX, waits_of
from domain.kernel.graphs import circles_of
from domain.task.commands import ApplyPlan, PlannedTask


def graph_faults(command: ApplyPlan, root: Node, source: str) -> tuple[PlanFault, ...]:
    """Mistakes that show only when all tasks are seen together; ``root`` is the text's tree, for the places."""
    repeated = tuple(_repeated_tasks(command.tasks, root, source))
    if repeated:
        return repeated
    lines = lines_of(root, command.tasks)
    return (
        *_too_many_needs(command.tasks, lines, source),
        *_repeated_needs(command.tasks, root, source),
        *_circles(command.tasks, lines, source),
    )


def unknown_needs(
    command: ApplyPlan, lines: PlanLines, source: str, existing: Collection[str]
) -> tuple[PlanFault, ...]:
    """Needs that are neither in the plan nor among the keys that exist in the project."""
    keys = [task.key for task in command.tasks]
    known = {*keys, *existing}
    return tuple(
        _need_fault(
            "unknown_need",
            f"{need.task} is neither in this plan nor in the project",
            _nearest(need.task, keys) or "Correct the key, or add the needed task.",
            source,
            lines.of(task.key, "needs", need.task),
            task.key,
        )
        for task in command.tasks
        for need in task.needs
        if need.task not in known and not need.project
    )


def _repeated_tasks(tasks: Sequence[PlannedTask], root: Node, source: str) -> Iterator[PlanFault]:
    first: dict[str, Place] = {}
    for index, task in enumerate(tasks):
        node = node_of(root, ("tasks", index))
        at = Place(1, 1) if node is None else node.at
        if task.key in first:
            message = f"the key {task.key} was already given to the task in line {first[task.key].line}"
            advice = "Give each task a key of its own."
            yield PlanFault("duplicate_task", message, advice, source, at.line, at.column, task.key, "key")
        first.setdefault(task.key, at)


def _too_many_needs(tasks: Sequence[PlannedTask], lines: PlanLines, source: str) -> Iterator[PlanFault]:
    count = 0
    for task in tasks:
        count += len(task.needs)
        if count > NEEDS_MAX:
            message = f"the plan lists more than {NEEDS_MAX:,} needs"
            advice = "Split the plan, or put a joining task between many tasks and those that need them all."
            yield _need_fault("out_of_bounds", message, advice, source, lines.of(task.key, "needs"), task.key)
            return


def _repeated_needs(tasks: Sequence[PlannedTask], root: Node, source: str) -> Iterator[PlanFault]:
    for index, task in enumerate(tasks):
        node = node_of(root, ("tasks", index))
        seen: set[tuple[str, str]] = set()
        for need, at in zip(task.needs, () if node is None else need_places(node), strict=False):
            if (need.project, need.task) in seen:
                advice = "Name each need once, with every outcome that it accepts."
                message = f"the need {need.task} is listed twice"
                yield _need_fault("duplicate_need", message, advice, source, at, task.key)
            seen.add((need.project, need.task))


def _circles(tasks: Sequence[PlannedTask], lines: PlanLines, source: str) -> Iterator[PlanFault]:
    number = {task.key: index for index, task in enumerate(tasks)}
    waits = waits_of(tasks)
    needs = [[number[key] for key in waits[task.key] if key in number] for task in tasks]
    for circle in circles_of(needs):
        keys = [tasks[index].key for index in circle]
        message = f"nothing in this circle could ever begin: {' needs '.join([*keys, keys[0]])}"
        if (keys[-1], keys[0]) in lines.needs:
            place = lines.of(keys[-1], "needs", keys[0])
            yield _need_fault("cycle", message, "Remove one of these needs.", source, place, keys[-1])
        else:
            place, advice = lines.of(keys[0], "parent"), "Remove one of these needs; a task waits for its parts, too."
            yield PlanFault("cycle", message, advice, source, place.line, place.column, keys[0], "parent")


def _nearest(need: str, keys: Sequence[str]) -> str | None:
    near = get_close_matches(need, keys, n=1, cutoff=0.8)
    return f"Did you mean {near[0]}?" if near else None


def _need_fault(code: FaultCode, message: str, advice: str, source: str, at: Place, task: str) -> PlanFault:
    return PlanFault(code, message, advice, source, at.line, at.column, task, "needs")
