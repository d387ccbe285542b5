"""What a row of a read model is: a named tuple of plain columns, with a key and a project."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import NoneType
from typing import Any, Final, Generic, Literal, NamedTuple, Protocol, TypeVar, get_args, get_origin, get_type_hints

import orjson

Cell = str | int | float | bool | None
"""What a column holds. Tuples of things are JSON text."""
ColumnKind = Literal["text", "integer", "real", "boolean"]


class Row(Protocol):
    """A named tuple, which is made, changed and written in a fraction of the time of a dataclass.

    ``key`` is unique in its table, ``project`` says whose it is.
    """

    @property
    def key(self) -> str: ...

    @property
    def project(self) -> str: ...

    def __iter__(self) -> Iterator[Any]: ...


R = TypeVar("R", bound=Row)


@dataclass(frozen=True, slots=True)
class Column:
    """A column as storage has to make it."""

    name: str
    kind: ColumnKind
    nullable: bool


class Versioned(NamedTuple, Generic[R]):
    """One version of a row: true from position ``since`` until just before ``until`` (None: still)."""

    row: R
    since: int
    until: int | None


_KINDS: Final[Mapping[type, ColumnKind]] = {str: "text", int: "integer", float: "real", bool: "boolean"}


@lru_cache(maxsize=256)
def columns_of(row: type[Row]) -> tuple[Column, ...]:
    """The columns of a row class, in the order of its fields. Raises TypeError for a field that is not plain."""
    hints = get_type_hints(row)
    return tuple(_column(name, hint) for name, hint in hints.items())


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


def storable(row: R) -> R:
    """The row without NUL characters in its texts: JSON may carry them, PostgreSQL's text cannot."""
    for cell in row:
        if type(cell) is str and "\0" in cell:
            return type(row)(*(_without_nul(each) for each in row))
    return row


def _without_nul(cell: Cell) -> Cell:
    return cell.replace("\0", "\ufffd") if isinstance(cell, str) else cell


def json_text(value: Sequence[object] | Mapping[str, object]) -> str:
    """Compact JSON, keys as they come."""
    try:
        return orjson.dumps(value).decode()
    except orjson.JSONEncodeError:
        # What agents report may hold integers of any size.
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def entries(text: str) -> list[dict[str, Any]]:
    """The objects of a JSON list that ``json_text`` wrote."""
    found: list[dict[str, Any]] = orjson.loads(text)
    return found


def texts(text: str) -> list[str]:
    """The texts of a JSON list that ``json_text`` wrote."""
    found: list[str] = orjson.loads(text)
    return found
