"""What every question has in common: which past, which write of one's own, how many, from where."""

from dataclasses import dataclass
from typing import Annotated, Any, Final

import strawberry

from api.graphql.context import Context
from api.graphql.errors import Refused, RequestNotReadable
from domain.kernel.ids import Position
from projections.kernel.errors import CursorUnreadable, PageSizeOutOfBounds
from projections.kernel.requests import LIMIT_MAX

First = Annotated[int, strawberry.argument(description="Rows of a page, 1 to 200.")]
Cursor = Annotated[str | None, strawberry.argument(description="`endCursor` of the page before, or any edge's cursor.")]
AsOf = Annotated[Position | None, strawberry.argument(name="asOf", description="A position of the past; null is now.")]
After = Annotated[
    Position | None,
    strawberry.argument(
        description="Position of a write of one's own: it is waited for, 2 s at most, else `stale` is true."
    ),
]
TEXT_LENGTH_MAX: Final = 500
NO_IDS: Final = ("",)
"""Asks for the rows of no id; an empty list would ask for all."""
_CURSOR_DIGITS_MAX: Final = 16


@dataclass(frozen=True, slots=True)
class Asked:
    """The page that is wanted."""

    first: int
    cursor: str | None
    as_of: Position | None
    after: Position | None

    def require_size(self) -> None:
        """Raises Refused where a page cannot be that large."""
        if not 1 <= self.first <= LIMIT_MAX:
            raise Refused(PageSizeOutOfBounds(limit=self.first, limit_max=LIMIT_MAX))

    def start(self) -> int:
        """The cursor of a log page as the position that it is. Raises Refused."""
        if self.cursor is None:
            return 0
        if not (self.cursor.isascii() and self.cursor.isdigit() and len(self.cursor) <= _CURSOR_DIGITS_MAX):
            raise Refused(CursorUnreadable())
        return int(self.cursor)


@dataclass(frozen=True, slots=True)
class Page:
    """Rows as of one position."""

    rows: tuple[Any, ...]
    next_cursor: str | None
    position: int
    stale: bool


async def ask(context: Context, request: Any, after: Position | None) -> Page:
    """The page of a read model, as of the past where the request names it. Raises RequestRefused."""
    found = await context.services.reads.ask(request, after=after)
    position = found.position if request.as_of is None else min(found.position, request.as_of)
    return Page(tuple(found.rows), found.next_cursor, position, found.stale)


def text(value: str | None) -> str | None:
    """A text to compare with. Raises Refused where no column can hold it."""
    if value is not None and ("\0" in value or len(value) > TEXT_LENGTH_MAX):
        raise Refused(
            RequestNotReadable(reason=f"a text to look for has at most {TEXT_LENGTH_MAX} characters, none NUL")
        )
    return value
