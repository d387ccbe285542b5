"""What a plan gets wrong by itself, before anything that exists is looked at."""

from collections.abc import Mapping, Sequence
from typing import Final

from domain.dispatch.choose import flaw
from domain.dispatch.errors import (
    ClaimMalformed,
    ConstraintMalformed,
    KeyRepeated,
    NeedOnItself,
    NeedRepeated,
    NeedsCircular,
    ParentUnfit,
    PlanTooLarge,
    TermsContradictory,
)
from domain.dispatch.shares import RUNNING_KEY
from domain.kernel.errors import Rejection
from domain.lock.errors import BadPattern
from domain.lock.resource import parse_in
from domain.task.commands import PlannedTask

NEEDS_MAX: Final = 20_000
"""Needs of all tasks of a plan together."""
TOLD_MAX: Final = 20
"""Keys of a circle that its message names; the refusal's data holds them all."""


def first_flaw(tasks: Sequence[PlannedTask], ignoring_case: frozenset[str] = frozenset()) -> Rejection | None:
    """The first reason, in the order of the plan, why it cannot be applied whatever tasks exist.

    ``ignoring_case`` names repositories of the project, in which a scope has to be sound once it is folded, too.
    """
    needs = sum(len(task.needs) for task in tasks)
    if needs > NEEDS_MAX:
        return PlanTooLarge(what=f"it lists {needs} needs", most=NEEDS_MAX)
    seen: set[str] = set()
    for task in tasks:
        if task.key in seen:
            return KeyRepeated(task=task.key)
        seen.add(task.key)
        found = (
            _flaw_of_needs(task)
            or _flaw_of_scope(task, ignoring_case)
            or _flaw_of_requirements(task)
            or _flaw_of_terms(task)
        )
        if found is not None:
            return found
    return None


def _flaw_of_needs(task: PlannedTask) -> Rejection | None:
    seen: set[tuple[str, str]] = set()
    for need in task.needs:
        if need.task == task.key and not need.project:
            return NeedOnItself(task=task.key)
        if (need.project, need.task) in seen:
            return NeedRepeated(task=task.key, need=need.task)
        seen.add((need.project, need.task))
    return None


def _flaw_of_terms(task: PlannedTask) -> Rejection | None:
    if task.parent == task.key:
        return ParentUnfit(task=task.key, parent=task.key, reason="a task is no part of itself")
    if task.not_before is not None and task.deadline is not None and task.not_before >= task.deadline:
        return TermsContradictory(task=task.key, reason="its earliest start is not before its deadline")
    if task.concurrency_key == RUNNING_KEY:
        reason = "this concurrency key counts what the project has under way"
        return TermsContradictory(task=task.key, reason=reason, field="concurrency_key")
    for field, words in (("evidence", task.evidence), ("avoid", task.avoid), ("labels", task.labels)):
        if len(set(words)) < len(words):
            return TermsContradictory(task=task.key, reason="a word stands there twice", field=field)
    return None


def _flaw_of_scope(task: PlannedTask, ignoring_case: frozenset[str]) -> ClaimMalformed | None:
    for claim in task.scope:
        resource = parse_in(claim.claim, ignoring_case)
        if isinstance(resource, BadPattern):
            return ClaimMalformed(task=task.key, claim=resource.resource, reason=resource.reason)
    return None


def _flaw_of_requirements(task: PlannedTask) -> ConstraintMalformed | None:
    for requirement in (*task.requires, *(one for step in task.escalate for one in step.requires)):
        reason = flaw(requirement)
        if reason is not None:
            return ConstraintMalformed(task=task.key, key=requirement.key, operator=requirement.operator, reason=reason)
    return None


def waits_of(tasks: Sequence[PlannedTask]) -> dict[str, list[str]]:
    """For each task of the plan the keys that have to settle before it may begin: its needs, and its parts."""
    waits = {task.key: [need.task for need in task.needs if not need.project] for task in tasks}
    for task in tasks:
        if task.parent is not None and task.parent in waits:
            waits[task.parent].append(task.key)
    return waits


def order_of(tasks: Sequence[PlannedTask]) -> tuple[PlannedTask, ...] | NeedsCircular:
    """The tasks so that each comes after what it waits for, or one circle that makes this impossible."""
    by_key = {task.key: task for task in tasks}
    waits = waits_of(tasks)
    open_waits = {key: sum(other in by_key for other in others) for key, others in waits.items()}
    dependants: dict[str, list[str]] = {}
    for key, others in waits.items():
        for other in others:
            dependants.setdefault(other, []).append(key)
    order = [key for key, count in open_waits.items() if count == 0]
    for key in order:  # grows while it is walked
        for dependant in dependants.get(key, ()):
            open_waits[dependant] -= 1
            if open_waits[dependant] == 0:
                order.append(dependant)
    if len(order) < len(tasks):
        return _circle({key: waits[key] for key, count in open_waits.items() if count > 0})
    return tuple(by_key[key] for key in order)


def _circle(stuck: Mapping[str, Sequence[str]]) -> NeedsCircular:
    """Every task that is stuck waits for another such task, so following them comes back to where it was."""
    path: list[str] = []
    place: dict[str, int] = {}
    key = next(iter(stuck))
    while key not in place:
        place[key] = len(path)
        path.append(key)
        key = next(other for other in stuck[key] if other in stuck)
    circle = (*path[place[key] :], key)
    told = circle if len(circle) <= TOLD_MAX else (*circle[: TOLD_MAX - 2], "...", key)
    return NeedsCircular(task=key, path=circle, circle=" needs ".join(told))
