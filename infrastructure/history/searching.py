"""Walking the log for events that fit, a stretch at a time, so that memory stays the same however long it is."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import orjson

from domain.kernel.past.trees import Tree
from infrastructure.history.expressions import Expression
from infrastructure.history.port import Filter, History
from infrastructure.log.port import LogRow

STRETCH_POSITIONS: Final = 100_000
"""Positions that one statement looks at; between two of them somebody may be told how far it is."""
PAGE_ROWS: Final = 2_000
EVENT_ROOTS: Final = (
    "position",
    "stream",
    "version",
    "type",
    "at",
    "project",
    "actor",
    "command_id",
    "correlation_id",
    "causation_id",
    "event",
)
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
    position = after
    stretch = until if wanted.stream is not None else STRETCH_POSITIONS
    while position < until:
        end = min(until, position + stretch) if wanted.stream is None else until
        while rows := history.found(wanted, after=position, until=end, limit=PAGE_ROWS):
            for row in rows:
                if expression is None or expression.holds(trees_of(row)):
                    yield row
            position = rows[-1].position
            progress(position)
            if len(rows) < PAGE_ROWS:
                break
        position = end
        progress(position)


def trees_of(row: LogRow) -> Mapping[str, Tree]:
    """An event as expressions see it."""
    return {
        "position": row.position,
        "stream": row.stream,
        "version": row.version,
        "type": row.type,
        "at": row.recorded_at,
        "project": row.project,
        "actor": row.actor,
        "command_id": row.command_id,
        "correlation_id": row.correlation_id,
        "causation_id": row.causation_id,
        "event": content_of(row),
    }


def content_of(row: LogRow) -> Any:
    """The stored JSON of an event, as it is."""
    return orjson.loads(row.state)
