"""The tree of a plan text: values that know their line and column, whatever notation they were written in."""

import re
from dataclasses import dataclass
from math import isfinite
from typing import Final, NamedTuple

from api.plan.faults import FaultCode

DEPTH_MAX: Final = 16
"""Lists and mappings inside each other; a plan needs six."""
NODES_MAX: Final = 500_000
"""Values of one file, aliases counted each time they are used."""
DIGITS_MAX: Final = 40
"""Digits of one number."""


class Place(NamedTuple):
    """Where something stands in the text, both from 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Scalar:
    """One value without parts."""

    value: bool | int | float | str | None
    at: Place


@dataclass(frozen=True, slots=True)
class Sequence:
    """A list."""

    items: "tuple[Node, ...]"
    at: Place


@dataclass(frozen=True, slots=True)
class Entry:
    """One field of a mapping, with the place of its name."""

    at: Place
    value: "Node"


@dataclass(frozen=True, slots=True)
class Mapping:
    """Fields by name, in the order written; a name is always text."""

    at: Place
    entries: dict[str, Entry]


Node = Scalar | Sequence | Mapping


class UnreadableError(Exception):
    """Control flow: the text is no tree; becomes the one fault that is reported."""

    def __init__(self, code: FaultCode, at: Place, message: str, advice: str) -> None:
        super().__init__(message)
        self.code: Final = code
        self.at: Final = at
        self.message: Final = message
        self.advice: Final = advice


def plain(node: Node) -> object:
    """The node as tuples, dicts and scalars, without places."""
    match node:
        case Scalar(value=value):
            return value
        case Sequence(items=items):
            return tuple(plain(item) for item in items)
        case Mapping(entries=entries):
            return {name: plain(entry.value) for name, entry in entries.items()}


def add_entry(entries: dict[str, Entry], name: str, entry: Entry) -> None:
    """Put a field; a second one of the same name is refused, since one of the two would be lost."""
    former = entries.get(name)
    if former is not None:
        raise UnreadableError(
            "duplicate_field",
            entry.at,
            f"the field {shown(name)} was already given in line {former.at.line}",
            "Remove one of the two, or join their values.",
        )
    entries[name] = entry


def too_deep(at: Place) -> UnreadableError:
    """The refusal of endless nesting."""
    message = f"lists and mappings are nested more than {DEPTH_MAX} deep"
    return UnreadableError("too_deep", at, message, "A plan needs six levels; look for a missing line break or dedent.")


def too_many_nodes(at: Place) -> UnreadableError:
    """The refusal of a file that would fill the memory."""
    message = f"the file holds more than {NODES_MAX:,} values, aliases counted each time"
    return UnreadableError(
        "too_many_values", at, message, "Split the plan; a later one may need tasks of an earlier one."
    )


def number(text: str, at: Place) -> int | float:
    """The number of a text that looks like one; endless and unbounded ones are refused."""
    if len(text) <= DIGITS_MAX:
        value = _integer(text)
        if value is not None:
            return value
        decimal = float(text)
        if isfinite(decimal):
            return decimal
    message = f"the number {shown(text)} is too large or too long"
    raise UnreadableError("bad_number", at, message, "Write a finite number, or put it in quotes if it is text.")


def _integer(text: str) -> int | None:
    if re.fullmatch(r"[-+]?[0-9]+", text):
        return int(text)
    prefixed = re.fullmatch(r"0(?:o(?P<octal>[0-7]+)|x(?P<hexadecimal>[0-9a-fA-F]+))", text)
    if prefixed is None:
        return None
    octal = prefixed["octal"]
    return int(octal, 8) if octal else int(prefixed["hexadecimal"], 16)


def shown(text: str, length_max: int = 80) -> str:
    """Foreign text fit for a message: escaped where it does not print, cut where it is long."""
    head = text[:length_max]
    safe = "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in head)
    return f"{safe}…" if len(text) > length_max else safe
