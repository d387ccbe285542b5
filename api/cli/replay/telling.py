"""Events, trees and differences as people and programs read them."""

import json
from collections.abc import Iterator
from typing import Any, Final

import orjson

from api.cli.words import in_line, moment, short
from domain.kernel.decider import Recorded
from domain.kernel.past.trees import Change, Missing, Tree, path_text

VALUE_CHARACTERS_MAX: Final = 100


def place(stream: str) -> str:
    """A stream as it is named in a line: its kind and the end of its id."""
    return f"{stream.rpartition('_')[0]}:{short(stream)}"


def event_document(one: Recorded) -> dict[str, Any]:
    """An event for programs."""
    return {
        "position": one.position,
        "stream": one.stream,
        "version": one.version,
        "type": type(one.event).TYPE,
        "at": one.recorded_at,
        "project": one.project,
        "actor": one.actor,
        "command_id": one.command_id,
        "correlation_id": one.correlation_id,
        "causation_id": one.causation_id,
        "event": orjson.loads(one.event.stored()),
    }


def event_line(one: Recorded, *, indent: str = "") -> str:
    """An event for people, on one line."""
    content: dict[str, Any] = orjson.loads(one.event.stored())
    return line(one.position, one.recorded_at, one.stream, one.version, type(one.event).TYPE, content, indent)


def line(
    position: int, at: int, stream: str, version: int, kind: str, content: dict[str, Any], indent: str = ""
) -> str:
    """The facts of an event on one line that is not too long."""
    said = {name: value for name, value in content.items() if name != "at" and value not in (None, "", [], {})}
    words = json.dumps(said, ensure_ascii=False)
    told = f"{indent}@{position:<8} {moment(at)} {place(stream)}@{version:<4} {kind:28} {words}"
    return in_line(told)


def tree_lines(tree: Tree, indent: str = "") -> Iterator[str]:
    """A tree, a field a line."""
    if isinstance(tree, dict):
        for name, part in tree.items():
            yield from _field_lines(str(name), part, indent)
    elif isinstance(tree, list):
        for number, part in enumerate(tree):
            yield from _field_lines(str(number), part, indent)
    else:
        yield f"{indent}{value(tree)}"


def _field_lines(name: str, part: Tree, indent: str) -> Iterator[str]:
    if isinstance(part, dict | list) and part:
        yield f"{indent}{name}:"
        yield from tree_lines(part, indent + "  ")
    else:
        yield f"{indent}{name}: {value(part)}"


def value(tree: "Tree | Missing") -> str:
    """A value on one line."""
    if isinstance(tree, Missing):
        return "(absent)"
    text = json.dumps(tree, ensure_ascii=False)
    return text if len(text) <= VALUE_CHARACTERS_MAX else text[: VALUE_CHARACTERS_MAX - 1] + "…"


def change_line(change: Change, indent: str = "") -> str:
    """A difference on one line."""
    name = path_text(change.path) or "(all)"
    match change.kind:
        case "added":
            return f"{indent}+ {name}: {value(change.after)}"
        case "removed":
            return f"{indent}- {name}: {value(change.before)}"
        case "changed":
            return f"{indent}~ {name}: {value(change.before)} -> {value(change.after)}"


def change_document(change: Change) -> dict[str, Any]:
    """A difference for programs; a side that lacks the field is left out."""
    told: dict[str, Any] = {"path": list(change.path), "kind": change.kind}
    if not isinstance(change.before, Missing):
        told["before"] = change.before
    if not isinstance(change.after, Missing):
        told["after"] = change.after
    return told
