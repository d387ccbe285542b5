"""What the rows of read models say of a subject once its words are gone: as if the events were folded anew."""

from collections.abc import Iterable, Sequence
from typing import Any

from domain.kernel.decider import Recorded
from projections.catalogue import AnyProjection
from projections.kernel.rows import Versioned


def refolded(projection: AnyProjection, events: Sequence[Recorded]) -> tuple[Versioned[Any], ...]:
    """Every version of every row that these events alone make, in order; what ends a row leaves none.

    Rows that hold words of a subject are made by the events that it has: those of its stream, its notes, its notices.
    """
    return tuple(_versions(projection, (one for one in events if type(one.event) in projection.handles)))


def _versions(projection: AnyProjection, events: Iterable[Recorded]) -> Iterable[Versioned[Any]]:
    rows: dict[str, Any] = {}
    for event in events:
        for key in projection.touched(event):
            before = rows.get(key)
            after = projection.step(before, event, key)
            rows[key] = after
            if after is not None and after is not before:
                yield Versioned(after, event.position, None)
