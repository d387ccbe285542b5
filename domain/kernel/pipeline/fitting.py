"""Whether values fit typed fields: the inputs of a run, what a completion says, what a signal carries."""

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Final, assert_never, cast

from domain.kernel.pipeline.words import ValueField, ValueType

NOT: Final = {
    "text": "is no text",
    "integer": "is no whole number",
    "number": "is no number",
    "boolean": "is neither true nor false",
    "list": "is no list",
    "mapping": "is no mapping",
}


def fitting(fields: Sequence[ValueField], given: Mapping[str, object]) -> dict[str, object] | str:
    """The values with defaults filled in and numbers as floats, or the first reason why they do not fit."""
    known = {field.name for field in fields}
    for name in given:
        if name not in known:
            return f"there is no {name}, only {', '.join(sorted(known)) or 'nothing'}"
    found: dict[str, object] = {}
    for field in fields:
        value = given.get(field.name, field.default)
        if value is None:
            if field.required:
                return f"{field.name} is missing"
            continue
        reason = misfit(field, value)
        if reason is not None:
            return f"{field.name} {reason}"
        found[field.name] = typed(field.type, value)
    return found


def misfit(field: ValueField, value: object) -> str | None:
    """Why a value is none of the field: ``is no text``."""
    if not _is(field.type, value):
        return NOT[field.type]
    said = typed(field.type, value)
    if field.choices and all(said != typed(field.type, choice) for choice in field.choices):
        return f"is none of {', '.join(map(str, field.choices))}"
    return None


def typed(kind: ValueType, value: object) -> object:
    """A fitting value as conditions see it."""
    if kind == "number" and isinstance(value, int):
        return float(value)
    return list(cast("tuple[object, ...]", value)) if isinstance(value, tuple) else value


def _is(kind: ValueType, value: object) -> bool:
    match kind:
        case "text":
            return isinstance(value, str)
        case "integer":
            return isinstance(value, int) and not isinstance(value, bool) and -(2**53) <= value <= 2**53
        case "number":
            return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)
        case "boolean":
            return isinstance(value, bool)
        case "list":
            return isinstance(value, list | tuple)
        case "mapping":
            return isinstance(value, Mapping)
        case _:
            assert_never(kind)
