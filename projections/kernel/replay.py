"""Folds any prefix of the log in memory: what the rows were, without a store."""

from collections.abc import Iterable

from domain.kernel.decider import Recorded
from projections.kernel.projection import Projection
from projections.kernel.rows import R


def replay(projection: Projection[R], events: Iterable[Recorded], rows: dict[str, R] | None = None) -> dict[str, R]:
    """Rows by key after the events, from ``rows`` (changed in place) or from nothing."""
    now: dict[str, R] = {} if rows is None else rows
    for recorded in events:
        if type(recorded.event) in projection.handles:
            _fold(projection, now, recorded)
    return now


def _fold(projection: Projection[R], rows: dict[str, R], recorded: Recorded) -> None:
    for key in projection.touched(recorded):
        row = projection.step(rows.get(key), recorded, key)
        if row is not None:
            rows[key] = row
        else:
            rows.pop(key, None)
