"""What can be asked of a read model, as data: conditions, order, page. Storage executes it."""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Generic, Protocol

import orjson

from projections.kernel.errors import CursorUnreadable, PageSizeOutOfBounds, PastNotKept, RequestRefused
from projections.kernel.projection import Projection
from projections.kernel.rows import Cell, ColumnKind, R, Row, columns_of

LIMIT_MAX: Final = 200
LIMIT_DEFAULT: Final = 50
CURSOR_LENGTH_MAX: Final = 2_000
_LAST_CHARACTER: Final = chr(0x10FFFF)
_FIRST_SURROGATE: Final = 0xD800
_AFTER_SURROGATES: Final = 0xE000


@dataclass(frozen=True, slots=True)
class Equal:
    """The column holds this."""

    column: str
    value: str | int | float | bool


@dataclass(frozen=True, slots=True)
class OneOf:
    """The column holds one of these; no row for an empty tuple."""

    column: str
    values: tuple[str, ...] | tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Holds:
    """The text of the column contains this, letter by letter. Not for long tables: no index serves it."""

    column: str
    text: str


@dataclass(frozen=True, slots=True)
class Begins:
    """The text of the column begins with this, letter by letter; an index on the column serves it."""

    column: str
    text: str


@dataclass(frozen=True, slots=True)
class Above:
    """The column is larger than this."""

    column: str
    value: str | int | float


Condition = Equal | OneOf | Holds | Begins | Above


@dataclass(frozen=True, slots=True)
class Order:
    """Columns to sort by, all in one direction. They never change in a row's life; the last is unique."""

    columns: tuple[str, ...] = ("key",)
    descending: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection(Generic[R]):
    """One page of one read model, checked and ready to be executed."""

    projection: Projection[R]
    conditions: tuple[Condition, ...]
    order: Order
    limit: int
    start: tuple[Cell, ...] | None
    """Values of the order's columns in the last row of the page before."""
    as_of: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RowsOfKeys(Generic[R]):
    """Those of some rows of any read model that belong to a project; 1 to 200 keys."""

    projection: Projection[R]
    project: str
    keys: tuple[str, ...]
    as_of: int | None = None

    def selection(self) -> "Selection[R]":
        return select(
            self.projection,
            (Equal("project", self.project), OneOf("key", self.keys)),
            order=Order(),
            limit=LIMIT_MAX,
            cursor=None,
            as_of=self.as_of,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally(Generic[R]):
    """How many rows there are of each value of a column, checked and ready to be executed."""

    projection: Projection[R]
    conditions: tuple[Condition, ...]
    column: str
    """Holds few different values: all of them are answered."""
    as_of: int | None


class Request(Protocol[R]):
    """A typed question. ``as_of`` is a position of the past; None means now."""

    @property
    def as_of(self) -> int | None: ...

    def selection(self) -> Selection[R]:
        """Raises RequestRefused."""
        ...


class Counting(Protocol[R]):
    """A typed question for numbers. ``as_of`` is a position of the past; None means now."""

    @property
    def as_of(self) -> int | None: ...

    def tally(self) -> Tally[R]:
        """Raises RequestRefused."""
        ...


def select(
    projection: Projection[R],
    conditions: Sequence[Condition | None],
    *,
    order: Order,
    limit: int,
    cursor: str | None,
    as_of: int | None,
) -> Selection[R]:
    """A checked selection; conditions that are None were not asked for. Raises RequestRefused."""
    if not 1 <= limit <= LIMIT_MAX:
        raise RequestRefused(PageSizeOutOfBounds(limit=limit, limit_max=LIMIT_MAX))
    _require_past(projection, as_of)
    return Selection(
        projection=projection,
        conditions=tuple(condition for condition in conditions if condition is not None),
        order=order,
        limit=limit,
        start=None if cursor is None else _start_of(projection, order, cursor),
        as_of=as_of,
    )


def tally(
    projection: Projection[R], conditions: Sequence[Condition | None], *, column: str, as_of: int | None
) -> Tally[R]:
    """A checked tally; conditions that are None were not asked for. Raises RequestRefused."""
    _require_past(projection, as_of)
    asked = tuple(condition for condition in conditions if condition is not None)
    return Tally(projection=projection, conditions=asked, column=column, as_of=as_of)


def _require_past(projection: Projection[R], as_of: int | None) -> None:
    if as_of is not None and projection.keeps == "latest":
        raise RequestRefused(PastNotKept(projection=projection.name))


def equal(column: str, value: str | int | None) -> Equal | None:
    """Nothing is asked where the value is None."""
    return None if value is None else Equal(column, value)


def begins(column: str, text: str | None) -> Begins | None:
    """Nothing is asked where there is no text."""
    return Begins(column, text) if text else None


def first_beyond(text: str) -> str | None:
    """The first text that sorts, by code points, behind all that begin with this one; None where none does."""
    kept = text.rstrip(_LAST_CHARACTER)
    if not kept:
        return None
    following = ord(kept[-1]) + 1
    # What stands between is half a character and in no text.
    return kept[:-1] + chr(_AFTER_SURROGATES if following == _FIRST_SURROGATE else following)


def one_of(column: str, values: tuple[str, ...] | tuple[int, ...]) -> OneOf | Equal | None:
    """Nothing is asked where there are no values; of a single one an index keeps its order."""
    if len(values) == 1:
        return Equal(column, values[0])
    return OneOf(column, values) if values else None


def cursor_after(selection: Selection[R], last: Row) -> str:
    """The opaque cursor of the page that follows ``last``."""
    order = selection.order
    values = [getattr(last, column) for column in order.columns]
    text = orjson.dumps([selection.projection.table, order.columns, order.descending, values])
    return base64.urlsafe_b64encode(text).decode().rstrip("=")


def _start_of(projection: Projection[R], order: Order, cursor: str) -> tuple[Cell, ...]:
    try:
        if len(cursor) > CURSOR_LENGTH_MAX:
            raise ValueError("too long")
        padded = cursor + "=" * (-len(cursor) % 4)
        table, columns, descending, values = orjson.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        if [table, columns, descending] != [projection.table, list(order.columns), order.descending]:
            raise ValueError("of another question")
        kinds: dict[str, ColumnKind] = {column.name: column.kind for column in columns_of(projection.row)}
        return tuple(_cell(value, kinds[name]) for name, value in zip(order.columns, values, strict=True))
    except (ValueError, TypeError, binascii.Error) as problem:
        raise RequestRefused(CursorUnreadable()) from problem


_TYPES: Final[dict[ColumnKind, tuple[type, ...]]] = {
    "text": (str,),
    "integer": (int,),
    "real": (float, int),
    "boolean": (bool,),
}


def _cell(value: Cell, kind: ColumnKind) -> Cell:
    if type(value) not in _TYPES[kind] or (isinstance(value, str) and "\0" in value):
        raise ValueError("of another kind")
    if isinstance(value, int) and not -(1 << 63) <= value < 1 << 63:
        raise ValueError("beyond 64 bits")
    return value
