"""Pages: rows with their cursors, as of one position."""

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

import strawberry

from domain.kernel.ids import Position

T = TypeVar("T")


@strawberry.type
class Edge(Generic[T]):
    """A thing and its place in the order that was asked for."""

    node: T
    _place: strawberry.Private[Callable[[], str]]

    @strawberry.field
    def cursor(self) -> str:
        """Pass it as `cursor` for what follows."""
        return self._place()


@strawberry.type
class PageInfo:
    """Whether there is more, and how to get it."""

    has_next_page: bool
    end_cursor: str | None


@strawberry.type
class Connection(Generic[T]):
    """A page of at most 200 things."""

    edges: list[Edge[T]]
    page_info: PageInfo
    position: Position
    """The log is folded in up to here."""
    stale: bool
    """Whether the answer is older than `after` or `asOf` asked for."""


def connection(
    nodes: Sequence[tuple[T, Callable[[], str]]], *, next_cursor: str | None, position: int, stale: bool
) -> Connection[T]:
    """A page of nodes, each with the way to its cursor."""
    return Connection(
        edges=[Edge(node=node, _place=place) for node, place in nodes],
        page_info=PageInfo(has_next_page=next_cursor is not None, end_cursor=next_cursor),
        position=Position(position),
        stale=stale,
    )
