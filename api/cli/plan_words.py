"""What is said of a plan before it runs, and of its differences from the server."""

import json
from typing import TYPE_CHECKING, Final

from api.cli.words import count

if TYPE_CHECKING:
    from api.plan.analysis import PlanAnalysis
    from api.plan.differences import PlanDifferences
    from api.plan.read import Plan

SHOWN_MAX: Final = 10
"""Overlaps and keys that people are shown; --json tells them all."""
VALUE_CHARACTERS_MAX: Final = 60


def difference_words(found: "PlanDifferences") -> list[str]:
    lines = [f"+ {key}" for key in found.added]
    for task in found.changed:
        lines.append(f"! {task.key}")
        lines += [f"    {one.field}: {_text(one.before)} -> {_text(one.after)}" for one in task.fields]
    return [*lines, *difference_totals(found)]


def difference_totals(found: "PlanDifferences") -> list[str]:
    """How many tasks differ, and what follows where some are changed."""
    totals = (
        f"{len(found.added)} to create, {len(found.unchanged)} unchanged, {len(found.changed)} changed, "
        f"{len(found.only_on_server)} on the server only"
    )
    lines = [totals]
    if found.changed:
        lines.append("the server refuses a plan that changes tasks: take the changes back, or give these new keys")
    return lines


def _text(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= VALUE_CHARACTERS_MAX else text[: VALUE_CHARACTERS_MAX - 1] + "…"


def figures_of(plan: "Plan", analysis: "PlanAnalysis", workers: int) -> dict[str, object]:
    makespan, overlaps = analysis.makespan(workers), analysis.overlaps
    return {
        "project": plan.command.project,
        "tasks": analysis.tasks,
        "needs": analysis.needs,
        "critical_path": list(analysis.critical_path),
        "width": analysis.width,
        "workers": workers,
        "makespan_bound": makespan.bound,
        "makespan_estimate": makespan.estimate,
        "overlaps_total": overlaps.pairs_total,
        "overlaps_complete": overlaps.complete,
        "overlaps": [{"first": one.first, "second": one.second, "witness": one.witness} for one in overlaps.pairs],
        "proposed_needs": [{"task": one.task, "need": one.need} for one in overlaps.proposals],
    }


def words_of(plan: "Plan", analysis: "PlanAnalysis", workers: int) -> list[str]:
    makespan, overlaps = analysis.makespan(workers), analysis.overlaps
    path = analysis.critical_path
    shown = " -> ".join(path if len(path) <= SHOWN_MAX else (*path[: SHOWN_MAX - 2], "…", path[-1]))
    lines = [
        f"{plan.source}: {count(analysis.tasks, 'task')} and {count(analysis.needs, 'need')} in {plan.command.project}",
        f"critical path  {count(len(path), 'task')}: {shown}",
        f"width          {analysis.width}: more workers than that never help",
        f"makespan       {count(workers, 'worker')}: at least {makespan.bound:g} task times, ≈ {makespan.estimate:g}",
    ]
    if not overlaps.complete:
        return [*lines, "overlaps       too many or too complex to compare"]
    lines.append(
        f"overlaps       {count(overlaps.pairs_total, 'pair')} of tasks that exclude each other without an order"
    )
    lines += [f"  {one.first} and {one.second} meet at {one.witness}" for one in overlaps.pairs[:SHOWN_MAX]]
    lines += [f"  proposed: {one.task} needs {one.need}" for one in overlaps.proposals[:SHOWN_MAX]]
    return lines
