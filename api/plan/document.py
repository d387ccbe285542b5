"""A command back in the notation of a plan file, without what is said by default."""

from collections.abc import Collection, Sequence
from typing import Final

import yaml

from api.plan.nodes import UnreadableError
from api.plan.notation import duration_of, notation_of
from api.plan.yaml_text import plain_value
from domain.kernel.values import Requirement, ScopeClaim
from domain.task.commands import ApplyPlan, Need, PlannedTask, RetryRule

COMPARED: Final = ("title", "body", "kind", "priority", "needs", "scope", "requires", "retry", "timeout", "run")
"""What a plan says of a task beside its key, in the order of the file."""

_RULE: Final = RetryRule()


def plan_document(command: ApplyPlan) -> dict[str, object]:
    """The plan as mappings, lists and scalars; written as YAML or JSON it reads back as the same command."""
    keys = {task.key for task in command.tasks}
    tasks = [
        task.model_copy(update={"needs": tuple(_qualified(need, command.project, keys) for need in task.needs)})
        for task in command.tasks
    ]
    return {"project": command.project, "tasks": [task_document(task) for task in tasks]}


def plan_text(command: ApplyPlan) -> str:
    """The plan as YAML that this program reads back as the same command."""
    return yaml.dump(plan_document(command), Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=120)


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
        case "timeout":
            return None if task.timeout_seconds is None else duration_of(task.timeout_seconds)
        case _:
            value: object = getattr(task, name)
            return value


_ORDINARY: Final = {"body": "", "kind": "code", "priority": 0}


def _qualified(need: Need, project: str, keys: Collection[str]) -> Need:
    """A need outside of the plan whose key has a slash is written with its project, or it would be taken for one."""
    outside = "/" in need.task and need.task not in keys
    return Need.model_construct(task=f"{project}/{need.task}" if outside else need.task, accept=need.accept)


class _Dumper(yaml.SafeDumper):
    """Quotes what YAML 1.1 takes for text and YAML 1.2 does not, such as 1e100; never writes aliases."""

    def ignore_aliases(self, data: object) -> bool:
        return True


def _write_text(_: _Dumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    return yaml.ScalarNode("tag:yaml.org,2002:str", text, style=style if _is_text(text) else "'")


def _is_text(text: str) -> bool:
    try:
        return isinstance(plain_value(text), str)
    except UnreadableError:
        return False


_Dumper.add_representer(str, _write_text)


def _need(need: Need) -> object:
    return need.task if need.accept == ("completed",) else {"task": need.task, "accept": list(need.accept)}


def _claim(claim: ScopeClaim) -> object:
    return claim.claim if claim.mode == "exclusive" else {"claim": claim.claim, "mode": claim.mode}


def _requires(requirements: Sequence[Requirement]) -> dict[str, object]:
    by_name: dict[str, list[Requirement]] = {}
    for requirement in requirements:
        by_name.setdefault(requirement.key, []).append(requirement)
    return {name: notation_of(tuple(found)) for name, found in by_name.items()}


def _retry(rule: RetryRule) -> dict[str, object]:
    said = rule.model_dump()
    return {name: value for name, value in said.items() if value != getattr(_RULE, name)}
