"""What a plan gets wrong by itself, before anything that exists is looked at."""

from collections.abc import Sequence
from typing import Final

from domain.dispatch.choose import flaw
from domain.dispatch.errors import (
    ClaimMalformed,
    ConstraintMalformed,
    KeyRepeated,
    NeedOnItself,
    NeedRepeated,
    NeedsCircular,
    PlanTooLarge,
)
from domain.kernel.errors import Rejection
from domain.lock.errors import BadPattern
from domain.lock.resource import parse
from domain.task.commands import PlannedTask

NEEDS_MAX: Final = 20_000
"""Needs of all tasks of a plan together."""
TOLD_MAX: Final = 20
"""Keys of a circle that its message names; the refusal's data holds them all."""


def first_flaw(tasks: Sequence[PlannedTask]) -> Rejection | None:
    """The first reason, in the order of the plan, why it cannot be applied whatever exists."""
    needs = sum(len(task.needs) for task in tasks)
    if needs > NEEDS_MAX:
        return PlanTooLarge(what=f"it lists {needs} needs", most=NEEDS_MAX)
    seen: set[str] = set()
    for task in tasks:
        if task.key in seen:
            return KeyRepeated(task=task.key)
        seen.add(task.key)
        found = _flaw_of_needs(task) or _flaw_of_scope(task) or _flaw_of_requirements(task)
        if found is not None:
            return found
    return None


def _flaw_of_needs(task: PlannedTask) -> Rejection | None:
    seen: set[str] = set()
    for need in task.needs:
        if need.task == task.key:
            return NeedOnItself(task=task.key)
        if need.task in seen:
            return NeedRepeated(task=task.key, need=need.task)
        seen.add(need.task)
    return None


def _flaw_of_scope(task: PlannedTask) -> ClaimMalformed | None:
    for claim in task.scope:
        resource = parse(claim.claim)
        if isinstance(resource, BadPattern):
            return ClaimMalformed(task=task.key, claim=resource.resource, reason=resource.reason)
    return None


def _flaw_of_requirements(task: PlannedTask) -> ConstraintMalformed | None:
    for requirement in task.requires:
        reason = flaw(requirement)
        if reason is not None:
            return ConstraintMalformed(task=task.key, key=requirement.key, operator=requirement.operator, reason=reason)
    return None


def order_of(tasks: Sequence[PlannedTask]) -> tuple[PlannedTask, ...] | NeedsCircular:
    """The tasks so that each comes after what it needs, or one circle that makes this impossible."""
    by_key = {task.key: task for task in tasks}
    open_needs = {task.key: sum(need.task in by_key for need in task.needs) for task in tasks}
    dependants: dict[str, list[str]] = {}
    for task in tasks:
        for need in task.needs:
            dependants.setdefault(need.task, []).append(task.key)
    order = [key for key, count in open_needs.items() if count == 0]
    for key in order:  # grows while it is walked
        for dependant in dependants.get(key, ()):
            open_needs[dependant] -= 1
            if open_needs[dependant] == 0:
                order.append(dependant)
    if len(order) < len(tasks):
        return _circle([task for task in tasks if open_needs[task.key] > 0])
    return tuple(by_key[key] for key in order)


def _circle(stuck: Sequence[PlannedTask]) -> NeedsCircular:
    """Every task that is stuck needs another such task, so following the needs comes back to where it was."""
    needs_of = {task.key: task.needs for task in stuck}
    path: list[str] = []
    place: dict[str, int] = {}
    key = stuck[0].key
    while key not in place:
        place[key] = len(path)
        path.append(key)
        key = next(need.task for need in needs_of[key] if need.task in needs_of)
    circle = (*path[place[key] :], key)
    told = circle if len(circle) <= TOLD_MAX else (*circle[: TOLD_MAX - 2], "...", key)
    return NeedsCircular(task=key, path=circle, circle=" needs ".join(told))
