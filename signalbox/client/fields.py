"""Reading answers: JSON objects, field by field, into what this program expects; unknown fields are passed over."""

import json
from collections.abc import Mapping
from typing import cast

from signalbox.client.errors import ServerFaultError

Fields = Mapping[str, object]


def parsed(body: bytes) -> Fields:
    """The JSON object of a body. Raises ServerFaultError where it is none."""
    try:
        value: object = json.loads(body)
    except ValueError as error:
        raise malformed("the answer is not JSON") from error
    return as_fields(value, "the answer")


def as_fields(value: object, name: str) -> Fields:
    if not isinstance(value, dict):
        raise malformed(f"{name} is not an object")
    return cast("dict[str, object]", value)


def optional_object(fields: Fields, name: str) -> Fields:
    """An object, empty where there is none."""
    return as_fields(fields[name], name) if fields.get(name) is not None else {}


def objects(fields: Fields, name: str) -> tuple[Fields, ...]:
    """A list of objects."""
    return tuple(as_fields(one, name) for one in items(fields, name))


def items(fields: Fields, name: str) -> tuple[object, ...]:
    value = fields.get(name)
    if not isinstance(value, list):
        raise malformed(f"{name} is not a list")
    return tuple(cast("list[object]", value))


def texts(fields: Fields, name: str) -> tuple[str, ...]:
    return tuple(str(one) for one in items(fields, name))


def text(fields: Fields, name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str):
        raise malformed(f"{name} is not text")
    return value


def optional_text(fields: Fields, name: str) -> str | None:
    return None if fields.get(name) is None else text(fields, name)


def integer(fields: Fields, name: str) -> int:
    value = fields.get(name)
    if isinstance(value, bool) or not isinstance(value, int):
        raise malformed(f"{name} is not a whole number")
    return value


def number(fields: Fields, name: str) -> float:
    value = optional_number(fields, name)
    if value is None:
        raise malformed(f"{name} is not a number")
    return value


def optional_number(fields: Fields, name: str) -> float | None:
    value = fields.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise malformed(f"{name} is not a number")
    return float(value)


def malformed(what: str) -> ServerFaultError:
    return ServerFaultError(
        "not_understood",
        f"the server's answer cannot be understood: {what}",
        "See that the URL is that of a Signalbox server of this version.",
    )
