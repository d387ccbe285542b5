"""What a row of a read model is: a frozen slotted dataclass of plain columns, with a key and a project."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import Field, dataclass, fields
from functools import lru_cache
from operator import attrgetter
from types import NoneType
from typing import (
    TYPE_CHECKING,
    Any,
    ClassVar,
    Final,
    Generic,
    Literal,
    Protocol,
    TypeVar,
    get_args,
    get_origin,
    get_type_hints,
)

if TYPE_CHECKING:
    # Type checkers see the standard function; it costs several times as much for thirty columns.
    from dataclasses import replace as changed

__all__ = [
    "Cell",
    "Column",
    "ColumnKind",
    "Row",
    "Versioned",
    "changed",
    "columns_of",
    "entries",
    "json_text",
    "storable",
]

Cell = str | int | float | bool | None
"""What a column holds. Tuples of things are JSON text."""
ColumnKind = Literal["text", "integer", "real", "boolean"]


class Row(Protocol):
    """A row: ``key`` is unique in its table, ``project`` says whose it is."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]

    @property
    def key(self) -> str: ...

    @property
    def project(self) -> str: ...


R = TypeVar("R", bound=Row)


@dataclass(frozen=True, slots=True)
class Column:
    """A column as storage has to make it."""

    name: str
    kind: ColumnKind
    nullable: bool


@dataclass(frozen=True, slots=True)
class Versioned(Generic[R]):
    """One version of a row: true from position ``since`` until just before ``until`` (None: still)."""

    row: R
    since: int
    until: int | None


_KINDS: Final[Mapping[type, ColumnKind]] = {str: "text", int: "integer", float: "real", bool: "boolean"}


@lru_cache(maxsize=256)
def columns_of(row: type[Row]) -> tuple[Column, ...]:
    """The columns of a row class, in the order of its fields. Raises TypeError for a field that is not plain."""
    hints = get_type_hints(row)
    return tuple(_column(name, hints[name]) for name in _names(row))


def _column(name: str, hint: object) -> Column:
    choices: tuple[object, ...] = get_args(hint) if get_origin(hint) is not Literal and get_args(hint) else (hint,)
    kinds = {_plain(choice) for choice in choices if choice is not NoneType}
    if len(kinds) != 1:
        raise TypeError(f"the column {name} holds more than one kind of thing: {hint}")
    return Column(name, _KINDS[kinds.pop()], nullable=NoneType in choices)


def _plain(hint: object) -> type:
    hint = getattr(hint, "__supertype__", hint)
    if get_origin(hint) is Literal:
        return _plain(get_args(hint)[0].__class__)
    for kind in _KINDS:
        if hint is kind:
            return kind
    raise TypeError(f"a column holds text, integer, real or boolean, not {hint}")


@lru_cache(maxsize=256)
def _names(row: type[Row]) -> tuple[str, ...]:
    return tuple(field.name for field in fields(row))


@lru_cache(maxsize=256)
def cells_of(row: type[Row]) -> Callable[[Row], tuple[Cell, ...]]:
    """A function from a row of that class to its cells, in the order of the columns."""
    return attrgetter(*_names(row))


if not TYPE_CHECKING:

    def changed(row, /, **changes):
        """A copy of a row with some columns changed. Raises AttributeError for a column that does not exist."""
        kind = type(row)
        copy = object.__new__(kind)
        for put, cell in zip(_setters(kind), cells_of(kind)(row), strict=True):
            put(copy, cell)
        for name, cell in changes.items():
            getattr(kind, name).__set__(copy, cell)
        return copy

    @lru_cache(maxsize=256)
    def _setters(row):
        return tuple(getattr(row, name).__set__ for name in _names(row))


def storable(row: R) -> R:
    """The row without NUL characters in its texts: JSON may carry them, PostgreSQL's text cannot."""
    for cell in cells_of(type(row))(row):
        if type(cell) is str and "\0" in cell:
            return _without_nul(row)
    return row


def _without_nul(row: R) -> R:
    cells = zip(_names(type(row)), cells_of(type(row))(row), strict=True)
    return changed(row, **{name: cell.replace("\0", "\ufffd") for name, cell in cells if isinstance(cell, str)})


def json_text(value: Sequence[object] | Mapping[str, object]) -> str:
    """Compact JSON, keys as they come."""
    # Of the standard library, because what agents report may hold integers of any size.
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def entries(text: str) -> list[dict[str, Any]]:
    """The objects of a JSON list that ``json_text`` wrote."""
    found: list[dict[str, Any]] = json.loads(text)
    return found
