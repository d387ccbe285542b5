"""Where a part of a definition stands in the file that it was read from."""

from collections.abc import Mapping
from typing import Any, Final, cast

from api.plan.lines import Path, place_of
from api.plan.nodes import Node, Place
from domain.kernel.pipeline.definition import Definition

_WITHIN: Final = {
    "branch": ("arms", "default", "exhaustive"),
    "repeat": ("phases", "until", "max_iterations", "budget", "outputs"),
}
"""Fields of a phase of that kind that the file says below the kind's name."""
_RENAMED: Final = {
    "gate_class": "class",
    "call": "pipeline",
    "deadline_seconds": "deadline",
    "timeout_seconds": "timeout",
    "keep_locks_seconds": "keep_locks",
    "reminders_seconds": "reminders",
    "after_seconds": "after",
    "start_within_seconds": "start_within",
    "close_within_seconds": "close_within",
    "undo_ttl_seconds": "undo_ttl",
    "max_age_seconds": "max_age",
}
_DROPPED: Final = frozenset({"task", "what"})
"""Steps that the file does not have: a task is said with its work, a fact with its external."""


def place_in(root: Node, path: Path, definition: Definition) -> Place:
    """The place of what a path of the definition leads to; of the nearest part around it that the file says."""
    return place_of(root, _in_file(path, definition.model_dump(mode="json")))


def _in_file(path: Path, content: Mapping[str, Any]) -> Path:
    found: list[str | int] = []
    here: object = dict(content)
    for step in path:
        around: object = here
        here = _inside(here, step)
        if isinstance(step, int):
            found.append(_name_of(here) or step)
        elif step == "each":
            found.append(str(_inside(here, "kind")))
        elif step not in _DROPPED:
            kind = _inside(around, "kind")
            if isinstance(kind, str) and step in _WITHIN.get(kind, ()):
                found.append(kind)
            found.append(_RENAMED.get(step, step))
    return tuple(found)


def _inside(here: object, step: str | int) -> object:
    if isinstance(here, dict):
        return cast("Mapping[str | int, Any]", here).get(step)
    if isinstance(here, list) and isinstance(step, int):
        several = cast("list[object]", here)
        return several[step] if step < len(several) else None
    return None


def _name_of(item: object) -> str | None:
    """What the file calls an item of a list that it writes as a mapping: phases, fields, bindings, arms, axes."""
    if not isinstance(item, dict):
        return None
    named = cast("Mapping[str, Any]", item)
    if "at" in named or "claim" in named or "phase" in named:
        return None
    name = named.get("name") if "kind" not in named or "key" not in named else named.get("key")
    return name if isinstance(name, str) and "who" not in named else None
