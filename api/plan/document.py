"""A command back in the notation of a plan file, without what is said by default."""

from collections.abc import Collection, Sequence
from typing import Final, cast

from api.plan.fields import moment_of
from api.plan.lines import named
from api.plan.notation import duration_of, notation_of
from domain.kernel.values import Requirement, ScopeClaim
from domain.kernel.work import Budget, RetryRule
from domain.task.commands import ApplyPlan, Need, PlannedTask

COMPARED: Final = (
    "title",
    "body",
    "kind",
    "priority",
    "labels",
    "parent",
    "needs",
    "on_need_failed",
    "not_before",
    "deadline",
    "scope",
    "concurrency_key",
    "concurrency_limit",
    "requires",
    "escalate",
    "avoid",
    "retry",
    "timeout",
    "stall",
    "extend_max",
    "budget",
    "evidence",
    "idempotency_key",
    "run",
)
"""What a plan says of a task beside its key, in the order of the file."""

FIELD_OF: Final = {"timeout": "timeout_seconds", "stall": "stall_seconds", "extend_max": "extend_seconds_max"}
"""Fields of a planned task that the file calls otherwise."""
_RULE: Final = RetryRule()


def plan_document(command: ApplyPlan) -> dict[str, object]:
    """The plan as mappings, lists and scalars; written as YAML or JSON it reads back as the same command."""
    keys = {task.key for task in command.tasks}
    tasks = [
        task.model_copy(update={"needs": tuple(_qualified(need, command.project, keys) for need in task.needs)})
        for task in command.tasks
    ]
    return {"project": command.project, "tasks": [task_document(task) for task in tasks]}


def task_document(task: PlannedTask) -> dict[str, object]:
    """One task as a mapping; fields that say what holds anyway are left out."""
    fields: dict[str, object] = {"key": task.key}
    for name in COMPARED:
        value = field_document(task, name)
        if value not in (None, [], {}) and value != _ORDINARY.get(name):
            fields[name] = value
    return fields


def field_document(task: PlannedTask, name: str) -> object:
    """One field of COMPARED as the file writes it."""
    match name:
        case "needs":
            return [_need(need) for need in task.needs]
        case "scope":
            return [_claim(claim) for claim in task.scope]
        case "requires":
            return _requires(task.requires)
        case "retry":
            return _retry(task.retry)
        case "timeout" | "stall" | "extend_max":
            seconds: float | None = getattr(task, FIELD_OF[name])
            return None if seconds is None else duration_of(seconds)
        case "not_before":
            return None if task.not_before is None else moment_of(task.not_before)
        case "deadline":
            return None if task.deadline is None else moment_of(task.deadline)
        case "budget":
            return _budget(task.budget)
        case "escalate":
            return [{"after": step.after, "requires": _requires(step.requires)} for step in task.escalate]
        case _:
            value: object = getattr(task, name)
            return list(cast("tuple[object, ...]", value)) if isinstance(value, tuple) else value


_ORDINARY: Final = {
    "body": "",
    "kind": "code",
    "priority": 0,
    "on_need_failed": "block",
    "concurrency_key": "",
    "concurrency_limit": 1,
    "idempotency_key": "",
}


def _qualified(need: Need, project: str, keys: Collection[str]) -> Need:
    """A need outside of the plan whose key has a slash is written with its project, or it would be taken for one."""
    if need.project:
        return need
    outside = "/" in need.task and need.task not in keys
    written = f"{project}/{need.task}" if outside else need.task
    return Need.model_construct(task=written, accept=need.accept, project="")


def _need(need: Need) -> object:
    return named(need) if need.accept == ("completed",) else {"task": named(need), "accept": list(need.accept)}


def _budget(budget: Budget) -> dict[str, object]:
    wall_time = None if budget.wall_seconds is None else duration_of(budget.wall_seconds)
    said = {"tokens": budget.tokens, "cost_microdollars": budget.cost_microdollars, "wall_time": wall_time}
    return {name: value for name, value in said.items() if value is not None}


def _claim(claim: ScopeClaim) -> object:
    return claim.claim if claim.mode == "exclusive" else {"claim": claim.claim, "mode": claim.mode}


def _requires(requirements: Sequence[Requirement]) -> dict[str, object]:
    by_name: dict[str, list[Requirement]] = {}
    for requirement in requirements:
        by_name.setdefault(requirement.key, []).append(requirement)
    return {name: notation_of(tuple(found)) for name, found in by_name.items()}


def _retry(rule: RetryRule) -> dict[str, object]:
    said = rule.model_dump(mode="json", exclude_none=True)
    return {name: value for name, value in said.items() if getattr(rule, name) != getattr(_RULE, name)}
