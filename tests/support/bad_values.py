"""What no command may be made of: for each form a value takes, everything that it is not."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.support.command_forms import MAP_KEY, Place, Schema

_SAMPLES: dict[str, object] = {
    "null": None,
    "boolean": True,
    "integer": 7,
    "number": 7.5,
    "string": "seven",
    "array": ["seven"],
    "object": {"seven": 7},
}
CONTROLS = ("\0", "\x07", "\x08", "\x0b", "\r", "\x1b[31m", "\x7f", "\x85", "\x9b")
DIRECTIONS = ("\u061c", "\u200e", "\u200f", "\u2028", "\u202a", "\u202e", "\u2066", "\u2069")
SURROGATES = ("\ud800", "\udfff", "\udfff\ud800")
_NO_NUMBERS = ("NaN", "Infinity", "-Infinity", "1e400", "-1e400", "9" * 400, "0x10", "01", "1_000")
_RAW = re.compile(r'"@raw ([^"@]+)@"')
DEPTH = 25
"""Levels of a value that is nested too deeply."""
KEYS = 201
"""Keys of an object that has too many."""


@dataclass(frozen=True)
class Raw:
    """Text that goes into the JSON as it is."""

    text: str


def json_text(content: object) -> bytes:
    """JSON, with what no JSON may hold where a test puts it."""
    text = json.dumps(content, default=lambda raw: f"@raw {raw.text}@")
    return _RAW.sub(lambda found: found.group(1), text).encode()


def bad_values(place: Place, example: object) -> Iterator[tuple[str, object]]:
    """Values for a place that have to be refused whatever else is said, with a word on each."""
    types = {str(one.get("type", "string")) for one in place.choices} | ({"null"} if place.nullable else set())
    if "number" in types:
        types.add("integer")
    for name, sample in _SAMPLES.items():
        if name not in types:
            yield f"a {name}", sample
    yield "nested too deeply", _nested()
    yield "too many keys", {f"k{number}": 1 for number in range(KEYS)}
    yield from ((f"the number {text[:12]}", Raw(text)) for text in _NO_NUMBERS)
    for form in place.choices:
        yield from _beyond(form, example, alone=len(place.choices) == 1)


def _beyond(form: Schema, example: object, *, alone: bool) -> Iterator[tuple[str, object]]:
    """``alone`` says that no other form could take what this one does not."""
    if "enum" in form or "const" in form:
        yield "none of the words", "sideways"
        return
    match form["type"]:
        case "string":
            yield from _bad_texts(form, example if isinstance(example, str) else "text")
        case "integer" | "number" if alone:
            yield from _bad_numbers(form)
        case "array":
            items = [example[0] if isinstance(example, list) and example else True]
            if "maxItems" in form:
                yield "too many elements", items * (form["maxItems"] + 1)
            if form.get("minItems", 0) > 0:
                yield "too few elements", items * (form["minItems"] - 1)
            yield "a list of lists", [items]
            yield "a list with null", [None]
        case "object":
            yield from _bad_objects(form, example)
        case _:
            pass


def _bad_texts(form: Schema, example: str) -> Iterator[tuple[str, object]]:
    for letter in (*CONTROLS, *DIRECTIONS, *SURROGATES):
        yield f"a text with {letter!a}", example + letter
        yield f"a text after {letter!a}", letter + example
    yield "a text that is too long", "x" * (form.get("maxLength", 5_000) + 1)
    if form.get("minLength", 0) > 0:
        yield "a text that is too short", "x" * (form["minLength"] - 1)
    if "pattern" in form:
        inside = form["pattern"].removeprefix("^").removesuffix("$")
        for text in ("", " ", "ü", f" {example}", f"{example}\n", f"{example} ", "../etc", "'; DROP TABLE", "٣"):
            if re.fullmatch(inside, text) is None:
                yield f"the text {text!a}", text


def _bad_numbers(form: Schema) -> Iterator[tuple[str, object]]:
    if "minimum" in form:
        yield "a number that is too small", form["minimum"] - 1
    if "exclusiveMinimum" in form:
        yield "a number at its open bound", form["exclusiveMinimum"]
    if "maximum" in form:
        yield "a number that is too large", form["maximum"] + 1
    for number in (2**63, 2**64, -(2**63) - 1, 10**30, -(10**30), 1e300):
        yield f"the number {number:g}", number


def _bad_objects(form: Schema, example: object) -> Iterator[tuple[str, object]]:
    known: dict[str, Any] = example if isinstance(example, dict) else {}
    if "properties" in form:
        yield "an unknown field", known | {"surprise": 1}
        yield "an unknown field that is no word", known | {"a\0\u202eb": 1}
        for name in known.keys() & set(form.get("required", ())):
            yield f"without {name}", {key: value for key, value in known.items() if key != name}
        return
    value = known.get(MAP_KEY, True)
    if "maxProperties" in form:
        yield "too many entries", {f"k{number}": value for number in range(form["maxProperties"] + 1)}
    for letter in (*CONTROLS, *DIRECTIONS):
        yield f"a key with {letter!a}", {f"k{letter}": value}
    yield "a key that is too long", {"k" * 2_000: value}


def _nested() -> object:
    value: object = "core"
    for _ in range(DEPTH):
        value = [value]
    return value
