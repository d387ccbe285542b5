"""Walking the log for events that fit, a stretch at a time, so that memory stays the same however long it is."""

from collections.abc import Callable, Iterator, Mapping
from operator import attrgetter
from typing import Any, Final

import orjson

from domain.kernel.past.trees import Tree
from infrastructure.history.expressions import Expression
from infrastructure.history.port import Filter, History
from infrastructure.log.port import LogRow

STRETCH_POSITIONS: Final = 100_000
"""Positions that one statement looks at; between two of them somebody may be told how far it is."""
PAGE_ROWS: Final = 2_000
_COLUMNS: Final = {
    "position": "position",
    "stream": "stream",
    "version": "version",
    "type": "type",
    "at": "recorded_at",
    "project": "project",
    "actor": "actor",
    "command_id": "command_id",
    "correlation_id": "correlation_id",
    "causation_id": "causation_id",
}
EVENT_ROOTS: Final = (*_COLUMNS, "event")
"""What an expression about an event may speak of."""
Progress = Callable[[int], None]
"""Told the position up to which the log was looked through."""


def search(
    history: History,
    wanted: Filter,
    expression: Expression | None,
    *,
    after: int,
    until: int,
    progress: Progress = lambda _: None,
) -> Iterator[LogRow]:
    """Events that fit with after < position <= until, in order. Raises StoreUnavailable, RequestRefused."""
    trees = None if expression is None else EventTrees(expression)
    if expression is not None:
        wanted = narrowed(wanted, expression)
    position = after
    stretch = until if wanted.stream is not None else STRETCH_POSITIONS
    while position < until:
        end = min(until, position + stretch) if wanted.stream is None else until
        while rows := history.found(wanted, after=position, until=end, limit=PAGE_ROWS):
            for row in rows:
                if expression is None or trees is None or expression.holds(trees.of(row)):
                    yield row
            position = rows[-1].position
            progress(position)
            if len(rows) < PAGE_ROWS:
                break
        position = end
        progress(position)


class EventTrees:
    """What a condition about events speaks of, and no more: most need not look into what is stored."""

    def __init__(self, expression: Expression) -> None:
        roots = {str(path[0]) for path in expression.fields}
        self._columns = tuple((name, attrgetter(column)) for name, column in _COLUMNS.items() if name in roots)
        self._with_content = "event" in roots

    def of(self, row: LogRow) -> Mapping[str, Tree]:
        """The trees of an event, by root."""
        if not self._columns and self._with_content:
            return {"event": orjson.loads(row.state)}
        found = {name: column(row) for name, column in self._columns}
        if self._with_content:
            found["event"] = content_of(row)
        return found


def narrowed(wanted: Filter, expression: Expression) -> Filter:
    """Leaves to the database what the condition demands of columns; everything that can fit is still found."""
    fixed = expression.fixed
    types = (fixed["type"],) if "type" in fixed else None
    return Filter(
        project=wanted.project or fixed.get("project"),
        stream=wanted.stream or fixed.get("stream"),
        types=types if wanted.types is None else wanted.types,
        actor=wanted.actor or fixed.get("actor"),
        session=wanted.session,
        correlation=wanted.correlation or fixed.get("correlation_id"),
        command=wanted.command or fixed.get("command_id"),
    )


def content_of(row: LogRow) -> Any:
    """The stored JSON of an event, as it is."""
    return orjson.loads(row.state)
