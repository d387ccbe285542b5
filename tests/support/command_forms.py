"""What a command's model takes, place by place, and a valid command made from it; nothing here names a field."""

from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from domain.catalogue import COMMANDS
from domain.kernel.message import Command
from domain.principal.allow import MATRIX, Row

Schema = Mapping[str, Any]
Path = tuple[str | int, ...]
MAP_KEY = "some_key"


def asked_commands() -> tuple[str, ...]:
    """Names of the commands that some role may ask."""
    return tuple(name for name in COMMANDS if MATRIX.get(name, Row()) != Row())


@dataclass(frozen=True)
class Place:
    """One value inside a command: a field, an element of a list, an entry of a map."""

    path: Path
    choices: tuple[Schema, ...]
    """The forms that it may have, null left out."""
    nullable: bool

    @property
    def name(self) -> str:
        """Dotted, without the places in lists: ``tasks.needs.task``."""
        return ".".join(str(step) for step in self.path if isinstance(step, str))


def places_of(kind: type[Command]) -> Iterator[Place]:
    """Every place of a command, from the outside in; the fields of a form that comes again are told once."""
    whole = schema_of(kind)
    yield from _fields(whole, whole, (), set())


@lru_cache
def schema_of(kind: type[Command]) -> Schema:
    """The JSON Schema of a command."""
    return kind.model_json_schema()


def example_of(kind: type[Command], filled: Callable[[str], object | None], *, whole: bool) -> dict[str, Any]:
    """A valid command: ``filled`` knows by name what only the scene can know, the rest follows from the form.

    ``whole`` fills every field, otherwise only those that have to be there.
    """
    schema = schema_of(kind)
    made: dict[str, Any] = _example(schema, schema, (), filled, whole)
    return made


def value_at(content: Any, path: Path) -> Any:
    for step in path:
        content = content[step]
    return content


def replaced(content: Any, path: Path, value: object) -> Any:
    """A copy with another value at the place."""
    if not path:
        return value
    copied = deepcopy(content)
    value_at(copied, path[:-1])[path[-1]] = value
    return copied


def without(content: Any, path: Path) -> Any:
    """A copy that lacks the place."""
    copied = deepcopy(content)
    del value_at(copied, path[:-1])[path[-1]]
    return copied


def choices_of(schema: Schema, whole: Schema) -> tuple[Schema, ...]:
    """The forms of a value with references followed and alternatives laid flat."""
    if "$ref" in schema:
        return choices_of(whole["$defs"][schema["$ref"].rpartition("/")[2]], whole)
    if "allOf" in schema:
        return choices_of(schema["allOf"][0], whole)
    branches = schema.get("anyOf", schema.get("oneOf"))
    return (schema,) if branches is None else tuple(one for branch in branches for one in choices_of(branch, whole))


def _fields(schema: Schema, whole: Schema, path: Path, told: set[str]) -> Iterator[Place]:
    for name, field in schema.get("properties", {}).items():
        yield from _place(field, whole, (*path, name), told)


def _place(schema: Schema, whole: Schema, path: Path, told: set[str]) -> Iterator[Place]:
    every = choices_of(schema, whole)
    choices = tuple(one for one in every if one.get("type") != "null")
    yield Place(path, choices, nullable=len(choices) < len(every))
    first = choices[0]
    if "properties" in first:
        if first["title"] in told:
            return
        told.add(first["title"])
    yield from _fields(first, whole, path, told)
    if isinstance(first.get("items"), Mapping):
        yield from _place(first["items"], whole, (*path, 0), told)
    if isinstance(first.get("additionalProperties"), Mapping):
        yield from _place(first["additionalProperties"], whole, (*path, MAP_KEY), told)


def _example(schema: Schema, whole: Schema, path: Path, filled: Callable[[str], object | None], full: bool) -> Any:
    known = filled(".".join(str(step) for step in path if isinstance(step, str)))
    if known is not None:
        return deepcopy(known)
    form = next(one for one in choices_of(schema, whole) if one.get("type") != "null")
    if "const" in form or "enum" in form:
        return form.get("const", form.get("enum", (None,))[0])
    match form["type"]:
        case "object" if "properties" in form:
            named = [name for name in form["properties"] if full or name in form.get("required", ())]
            return {name: _example(form["properties"][name], whole, (*path, name), filled, full) for name in named}
        case "object":
            return {MAP_KEY: _example(form["additionalProperties"], whole, (*path, MAP_KEY), filled, full)}
        case "array":
            return [_example(form["items"], whole, (*path, 0), filled, full)]
        case "string":
            return "x" * max(1, form.get("minLength", 1))
        case "boolean":
            return True
        case "integer" | "number":
            return max(form.get("minimum", 1), form.get("exclusiveMinimum", 0) + 1)
        case other:
            raise AssertionError(f"a form that nobody knows to fill: {other}")
