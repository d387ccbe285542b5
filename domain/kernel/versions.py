"""Versions of what projects publish, numbers with dots between them, and constraints that pick some of them."""

import re
from operator import eq, ge, gt, le, lt, ne
from typing import Annotated, Final, NamedTuple

from pydantic import Field, StringConstraints

_PATTERN: Final = r"[0-9]{1,9}(?:\.[0-9]{1,9}){0,5}"
VersionText = Annotated[
    str,
    StringConstraints(pattern=f"^{_PATTERN}$"),
    Field(description="1 to 6 numbers of at most 9 digits with dots between them, such as 1.4.2"),
]
_BOUND: Final = re.compile(rf"(>=|<=|==|!=|>|<|)\s*({_PATTERN})")
_HOLDS: Final = {">=": ge, "<=": le, "==": eq, "": eq, "!=": ne, ">": gt, "<": lt}


class Bound(NamedTuple):
    """One part of a constraint."""

    operator: str
    version: tuple[int, ...]


def numbers_of(version: str) -> tuple[int, ...]:
    """What a version is compared by: ``1.4`` and ``1.4.0`` are the same."""
    numbers = [int(one) for one in version.split(".")]
    while len(numbers) > 1 and not numbers[-1]:
        numbers.pop()
    return tuple(numbers)


def bounds_of(constraint: str) -> tuple[Bound, ...] | str:
    """The parts of a constraint such as ``>=1.2,<2``, all of which have to hold; or the part that is none."""
    parts = [part.strip() for part in constraint.split(",")] if constraint.strip() else []
    found: list[Bound] = []
    for part in parts:
        match = _BOUND.fullmatch(part)
        if match is None:
            return part
        found.append(Bound(match[1], numbers_of(match[2])))
    return tuple(found)


def is_within(version: str, constraint: str) -> bool:
    """Whether the version fits the constraint; none fits one that cannot be read."""
    bounds, numbers = bounds_of(constraint), numbers_of(version)
    return not isinstance(bounds, str) and all(_HOLDS[one.operator](numbers, one.version) for one in bounds)
