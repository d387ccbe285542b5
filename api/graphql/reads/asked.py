"""What every question has in common: which past, which write of one's own, how many, from where."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, Final

import strawberry

from api.graphql.context import Context
from api.graphql.errors import Refused, RequestNotReadable
from api.graphql.pages import Connection, T, connection
from api.graphql.scalars import PointText
from domain.kernel.errors import Rejection, UnknownThing
from domain.kernel.ids import Position, ProjectId
from domain.kernel.past.points import AtBookmark, AtEvent, read_point
from domain.kernel.past.trees import at_path
from projections.kernel.errors import CursorUnreadable, PageSizeOutOfBounds
from projections.kernel.requests import LIMIT_MAX, Request, cursor_after
from projections.kernel.rows import R

First = Annotated[int, strawberry.argument(description="Rows of a page, 1 to 200.")]
Cursor = Annotated[str | None, strawberry.argument(description="`endCursor` of the page before, or any edge's cursor.")]
AsOf = Annotated[Position | None, strawberry.argument(name="asOf", description="A position of the past; null is now.")]
At = Annotated[PointText | None, strawberry.argument(description="The same as any point; not beside `asOf`.")]
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


async def asked(
    context: Context, first: int, cursor: str | None, as_of: Position | None, at: str | None, after: Position | None
) -> Asked:
    """The page that is wanted, with the point of the past as a position. Raises Refused."""
    if at is not None and as_of is not None:
        raise Refused(RequestNotReadable(reason="a past is named by asOf or by at"))
    return Asked(first, cursor, as_of if at is None else await position_at(context, at), after)


async def position_at(context: Context, said: str) -> Position:
    """The position of a point; an event that the caller may not see is answered as absent. Raises Refused."""
    point = read_point(said, context.services.clock.now())
    if isinstance(point, Rejection):
        raise Refused(point)
    bookmark = await _bookmark(context, point) if isinstance(point, AtBookmark) else None
    found = await context.services.past.position(point, bookmark)
    if isinstance(found, Rejection):
        raise Refused(found)
    if isinstance(point, AtEvent):
        event = await context.services.past.event(found)
        if event is None or not context.sees(event.project):
            raise Refused(UnknownThing(kind="event", name=f"{point.stream}@{point.version}"))
    return Position(found)


async def _bookmark(context: Context, point: AtBookmark) -> int | None:
    project = await context.edge.visible(context.principal, point.project)
    if isinstance(project, Rejection):
        return None
    context.require("read.projects", project)
    return (await bookmarks_of(context, project, context.services.events.head())).get(point.name)


async def bookmarks_of(context: Context, project: ProjectId, position: int) -> dict[str, int]:
    """Names of positions in a project, as they were at one."""
    stood = await context.services.past.state(project, position)
    found = None if isinstance(stood, Rejection) else at_path(stood.tree, ("bookmarks",))
    return {str(name): int(at) for name, at in found.items()} if isinstance(found, dict) else {}


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


def connection_of(request: Request[R], page: Page, node_of: Callable[[R], T | None]) -> Connection[T]:
    """The page as it is answered, each row with the way to its cursor; what nothing may be shown of is left out."""
    selection = request.selection()
    shown = ((node_of(row), row) for row in page.rows)
    return connection(
        [(node, partial(cursor_after, selection, row)) for node, row in shown if node is not None],
        next_cursor=page.next_cursor,
        position=page.position,
        stale=page.stale,
    )


def text(value: str | None) -> str | None:
    """A text to compare with. Raises Refused where no column can hold it."""
    if value is not None and ("\0" in value or len(value) > TEXT_LENGTH_MAX):
        raise Refused(
            RequestNotReadable(reason=f"a text to look for has at most {TEXT_LENGTH_MAX} characters, none NUL")
        )
    return value
