"""What a plan would change: its tasks beside those that the server has."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, cast

from pydantic import ValidationError

from api.plan.document import COMPARED, FIELD_OF, field_document
from domain.task.commands import PlannedTask

_LATER: Final = frozenset(
    {
        "evidence",
        "on_need_failed",
        "not_before",
        "deadline",
        "labels",
        "parent",
        "budget",
        "concurrency_key",
        "concurrency_limit",
        "idempotency_key",
        "escalate",
        "stall_seconds",
        "extend_seconds_max",
        "avoid",
    }
)
"""Fields that tasks planned by a former version lack; they say nothing in them."""
_ASKED: Final = frozenset(PlannedTask.model_fields) - _LATER


class ForeignTaskError(Exception):
    """Fault: the server's answer is no task as this program knows it."""


@dataclass(frozen=True, slots=True)
class FieldDifference:
    """One field that says something else; both sides in the notation of the file, None where nothing is said."""

    field: str
    before: object
    after: object


@dataclass(frozen=True, slots=True)
class ChangedTask:
    """A task that exists and that the plan wants otherwise; the server refuses such a plan."""

    key: str
    fields: tuple[FieldDifference, ...]


@dataclass(frozen=True, slots=True)
class PlanDifferences:
    """Keys in the order of the plan; those only on the server ascending."""

    added: tuple[str, ...]
    unchanged: tuple[str, ...]
    changed: tuple[ChangedTask, ...]
    only_on_server: tuple[str, ...]


def differences_of(
    existing: Iterable[Mapping[str, object]],
    planned: Sequence[PlannedTask],
    projects: Mapping[str, str] | None = None,
) -> PlanDifferences:
    """Compare the server's tasks with a plan. ``projects`` leads ids of other projects to their names.

    Each mapping carries the fields of the command's PlannedTask (snake_case, other fields are passed over); a need
    names the needed task's key under ``key``, or under ``task`` where there is no ``key``. The order of lists counts,
    as it does for the server. Raises ForeignTaskError where a field is missing or malformed.
    """
    names = projects or {}
    there = {task.key: task for task in (_existing(one, names) for one in existing)}
    wanted = {task.key for task in planned}
    both = [(there[task.key], task) for task in planned if task.key in there]
    compared = [ChangedTask(after.key, _fields(before, after)) for before, after in both]
    return PlanDifferences(
        added=tuple(task.key for task in planned if task.key not in there),
        unchanged=tuple(task.key for task in compared if not task.fields),
        changed=tuple(task for task in compared if task.fields),
        only_on_server=tuple(sorted(there.keys() - wanted)),
    )


def _fields(before: PlannedTask, after: PlannedTask) -> tuple[FieldDifference, ...]:
    return tuple(
        FieldDifference(name, field_document(before, name), field_document(after, name))
        for name in COMPARED
        if _value(before, name) != _value(after, name)
    )


def _value(task: PlannedTask, name: str) -> object:
    value: object = getattr(task, FIELD_OF.get(name, name))
    return value


def _existing(task: Mapping[str, object], projects: Mapping[str, str]) -> PlannedTask:
    missing = sorted(_ASKED - task.keys())
    if missing:
        raise ForeignTaskError(f"the server's task lacks {', '.join(missing)}")
    fields = {name: task[name] for name in _ASKED} | {"needs": _needs(task["needs"], projects)}
    fields |= {name: task[name] for name in _LATER if name in task} | {"parent": _parent(task)}
    try:
        return PlannedTask.model_validate(fields, strict=False, extra="ignore")
    except ValidationError as error:
        raise ForeignTaskError(str(error)) from error


def _parent(task: Mapping[str, object]) -> object:
    """An event names the parent by id and by key, a command by key alone; empty is none."""
    return task.get("parent_key", task.get("parent")) or None


def _needs(needs: object, projects: Mapping[str, str]) -> object:
    if not isinstance(needs, list | tuple):
        return needs
    return [_need(need, projects) for need in cast("Sequence[object]", needs)]


def _need(need: object, projects: Mapping[str, str]) -> object:
    if not isinstance(need, dict):
        return need
    edge = cast("dict[str, object]", need)
    project = str(edge.get("project", ""))
    return {**edge, "task": edge.get("key", edge.get("task")), "project": projects.get(project, project)}
