"""The port to the language of conditions: what it can be asked, and of which values its texts speak."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, Protocol

from domain.kernel.pipeline.words import ValueType

RUN_FIELDS: Final[Mapping[str, ValueType]] = {
    "id": "text",
    "project": "text",
    "pipeline": "text",
    "version": "integer",
    "started_by": "text",
    "correlation_key": "text",
    "labels": "list",
}
"""What ``run.…`` knows: facts of the run's start, which never change."""
PHASE_FIELDS: Final[Mapping[str, ValueType | None]] = {
    "outcome": "text",
    "arm": "text",
    "generation": "integer",
    "output": None,
}
"""What ``phases.KEY.…`` knows of a settled ancestor, of its current generation.

``arm`` is that which a branch or gate took, empty for none. ``output`` depends on the kind: of work and of signals the
fields that they declare; of a gate GATE_FIELDS; of a map the list of its items' outputs in the order of the items, null
for one that gave none; of a nested pipeline and a loop what their ``outputs`` say; of a fact of another project
EXTERNAL_FIELDS; of a timer, branch and join nothing.
"""
GATE_FIELDS: Final[Mapping[str, ValueType]] = {
    "decision": "text",
    "comment": "text",
    "approvals": "integer",
    "rejections": "integer",
}
EXTERNAL_FIELDS: Final[Mapping[str, ValueType | None]] = {"id": "text", "outcome": "text", "output": None}


@dataclass(frozen=True, slots=True)
class Flaw:
    """Why a text is no condition (``form``), or cannot be told of the given values."""

    kind: Literal["form", "type", "value", "cost"]
    reason: str


@dataclass(frozen=True, slots=True)
class Reading:
    """What a text speaks of: paths whose values it takes, and paths of which it asks whether they are there."""

    fields: tuple[tuple[str, ...], ...]
    asked: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Told:
    """What a text says of the given values: JSON, so None, a boolean, a number, a text, a list or a mapping."""

    value: object


class Expressions(Protocol):
    """Reads and evaluates texts in CEL; pure, bounded, and the same for the same text and values for ever.

    The values have the roots as names: ``inputs.NAME`` are the run's, ``run.…`` see RUN_FIELDS, ``phases.KEY.…`` see
    PHASE_FIELDS and only of ancestors; for each item of a map ``item`` and ``index`` (from 0); inside of a loop
    ``iteration`` (from 1), ``phases`` of this iteration and of the loop's own ancestors, and ``previous``, the same of
    the iteration before, empty in the first. Values of the type ``number`` are floats, see ``fitting``: CEL never
    turns one kind of number into the other.
    """

    def read(self, text: str, roots: frozenset[str]) -> Flaw | Reading:
        """What a text speaks of, each path beginning with a root, or why it is none."""
        ...

    def tell(self, text: str, values: Mapping[str, object]) -> Flaw | Told:
        """What the text says of these values, or why it cannot be told."""
        ...


class Untold:
    """Stands where nothing can be told."""

    def read(self, text: str, roots: frozenset[str]) -> Flaw | Reading:
        return Flaw("form", "expressions are not told here")

    def tell(self, text: str, values: Mapping[str, object]) -> Flaw | Told:
        return Flaw("form", "expressions are not told here")


UNTOLD: Final[Expressions] = Untold()
