"""Answers typed requests from the rows: pages, and the history of one row."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic

from infrastructure.rows.port import HISTORY_LIMIT_MAX, RowStore
from projections.kernel.projection import Projection
from projections.kernel.requests import Counting, Request, cursor_after
from projections.kernel.rows import Cell, R, Versioned


@dataclass(frozen=True, slots=True)
class Page(Generic[R]):
    """Rows in the order asked for, all as of one position."""

    rows: tuple[R, ...]
    next_cursor: str | None
    """None on the last page."""
    position: int
    """The log is folded in up to here; a page of the past is as of the position asked for, if that is lower."""
    stale: bool
    """Whether the rows are not yet where the caller wanted them."""


@dataclass(frozen=True, slots=True)
class Counted:
    """Numbers of rows, all as of one position."""

    totals: Mapping[Cell, int]
    position: int
    stale: bool
    """Whether the rows are not yet where the caller wanted them."""


class Reader:
    """Reads from any thread; a call blocks for the time of one statement."""

    def __init__(self, store: RowStore) -> None:
        self._store = store

    def query(self, request: Request[R], *, after: int = 0) -> Page[R]:
        """One page. ``after`` is the position that the caller's own write had: wait for it first (projector).

        Raises RequestRefused for what cannot be asked so; RowsUnavailable and TableOutdated are faults.
        """
        selection = request.selection()
        selected = self._store.select(selection)
        rows: tuple[R, ...] = selected.rows[: selection.limit]
        more = len(selected.rows) > selection.limit
        return Page(
            rows=rows,
            next_cursor=cursor_after(selection, rows[-1]) if more else None,
            position=selected.position,
            stale=selected.position < max(after, selection.as_of or 0),
        )

    def count(self, request: Counting[R], *, after: int = 0) -> Counted:
        """Numbers of rows by the value of a column. Raises as ``query`` does."""
        found = self._store.tally(request.tally())
        return Counted(found.totals, found.position, found.position < max(after, request.as_of or 0))

    def history(
        self, projection: Projection[R], key: str, *, limit: int = HISTORY_LIMIT_MAX, before: int | None = None
    ) -> tuple[Versioned[R], ...]:
        """Versions of one row that began before a position, newest first, 1 to 1,000 of them.

        Raises RowsUnavailable and TableOutdated.
        """
        return self._store.history(projection, key, limit=max(1, min(limit, HISTORY_LIMIT_MAX)), before=before)
