"""Which tasks may become parts of which: existing parents must not wait, over any path, for their own part."""

from collections.abc import Sequence
from typing import Final

from domain.dispatch.errors import ParentUnfit, PlanTooLarge
from domain.dispatch.lookup import states_of
from domain.dispatch.plan_known import Known
from domain.kernel.decider import View
from domain.kernel.errors import Rejection
from domain.kernel.ids import StreamId
from domain.task.commands import PlannedTask
from domain.task.decider import phase_name
from domain.task.state import Settled, Task

PARTS_MAX: Final = 2_000
"""Parts of one task."""
DEPTH_MAX: Final = 16
"""Parents above a part."""
WALKED_MAX: Final = 10_000
"""Existing tasks that are looked at for a circle through a parent."""


def unfit_parent(new: Sequence[PlannedTask], known: Known, view: View) -> Rejection | None:
    """The first new task whose parent cannot have it."""
    parents = {task.key: task.parent for task in new if task.parent is not None}
    if not parents:
        return None
    for key, parent in parents.items():
        deep = _deep(key, parents, known, view)
        if deep:
            return ParentUnfit(task=key, parent=parent, reason=f"it has more than {DEPTH_MAX} parents above it")
        existing = known.tasks.get(parent)
        if existing is not None and isinstance(existing.phase, Settled):
            return ParentUnfit(task=key, parent=parent, reason=f"it is {phase_name(existing)} already")
    return _crowded(parents, known) or _circle(new, parents, known, view)


def _deep(key: str, parents: dict[str, str], known: Known, view: View) -> bool:
    depth, here = 0, key
    while here in parents and depth <= DEPTH_MAX:
        depth, here = depth + 1, parents[here]
    state = known.tasks.get(here)
    while isinstance(state, Task) and state.plan.parent and depth <= DEPTH_MAX:
        parent = states_of(view, [StreamId(state.plan.parent)])[StreamId(state.plan.parent)]
        depth, state = depth + 1, parent if isinstance(parent, Task) else None
    return depth > DEPTH_MAX


def _crowded(parents: dict[str, str], known: Known) -> PlanTooLarge | None:
    counts: dict[str, int] = {}
    for parent in parents.values():
        counts[parent] = counts.get(parent, 0) + 1
    for parent, count in counts.items():
        there = known.tasks.get(parent)
        total = count + (0 if there is None else len(there.parts))
        if total > PARTS_MAX:
            return PlanTooLarge(what=f"{parent} has {total} parts", most=PARTS_MAX)
    return None


def _circle(new: Sequence[PlannedTask], parents: dict[str, str], known: Known, view: View) -> Rejection | None:
    """A circle that no plan shows by itself leads from a new part's needs over existing tasks to its parent."""
    existing = {known.ids[parent]: parent for parent in parents.values() if parent in known.tasks}
    if not existing:
        return None
    by_key = {task.key: task for task in new}
    for key, parent in parents.items():
        if parent not in known.tasks:
            continue
        reached = _reached(key, by_key, known, view)
        if reached is None:
            return PlanTooLarge(what=f"more than {WALKED_MAX} tasks stand before {key}", most=WALKED_MAX)
        if known.ids[parent] in reached:
            return ParentUnfit(task=key, parent=parent, reason="what it needs waits for that parent")
    return None


def _reached(key: str, new: dict[str, PlannedTask], known: Known, view: View) -> set[StreamId] | None:
    """Existing tasks that the new one waits for; None where they are too many."""
    seen_new, stack, border = {key}, [key], set[StreamId]()
    while stack:
        for need in new[stack.pop()].needs:
            if need.task in new and not need.project and need.task not in seen_new:
                seen_new.add(need.task)
                stack.append(need.task)
            elif (needed := known.needed(need)) is not None and not needed.project:
                border.add(needed.stream)
    reached = set(border)
    while border:
        if len(reached) > WALKED_MAX:
            return None
        states = states_of(view, sorted(border))
        waits = {StreamId(other) for state in states.values() if isinstance(state, Task) for other in state.unmet}
        border = waits - reached
        reached |= border
    return reached
