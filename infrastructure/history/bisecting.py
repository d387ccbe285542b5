"""The first position at which a condition became true, of a stream's state or of the rows of a read model."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from operator import is_
from typing import Final

from domain.kernel.decider import Recorded
from domain.kernel.errors import Rejection, UnknownThing
from domain.kernel.past.errors import ExpressionNotReadable
from domain.kernel.past.trees import KIND, MISSING, Tree, Trees
from domain.kernel.text import shown
from infrastructure.history.expressions import Expression
from infrastructure.history.folds import Folds
from infrastructure.history.port import Past
from infrastructure.history.reading import aggregate_of, events_until
from infrastructure.history.rows import Kept, PastRows, names_of
from projections.catalogue import AnyProjection

STATE_ROOTS: Final = ("state", "position", "version", "type", "at", "event")
ROW_ROOTS: Final = ("row", "position")
TOLD_EVERY: Final = 10_000
"""Versions between two calls of ``progress``."""


@dataclass(frozen=True, slots=True)
class Turn:
    """Where a condition became true."""

    position: int
    """After the event at this position it holds; where it held from the start, the position that was begun at."""
    key: str | None
    """Of the row that made it true."""
    already: bool
    """Whether it held before anything happened in the stretch that was looked at."""


class Seen:
    """What a condition about a stream speaks of, and no more: a lock space is large, one number of it often all."""

    def __init__(self, expression: Expression) -> None:
        asked = {str(path[1]) if len(path) > 1 else "" for path in expression.fields if path[0] == "state"}
        self._whole = "" in asked
        self._with_kind = KIND in asked
        self._fields = tuple(sorted(asked.difference({"", KIND})))
        self._roots = {str(path[0]) for path in expression.fields}
        self._of_events = not self._roots <= {"state"}
        self._trees = Trees()
        self._parts: list[object] = []

    def of(self, state: object, event: Recorded | None) -> Mapping[str, Tree]:
        """The trees of a state and of the event that led to it, by root."""
        seen: dict[str, Tree] = {"state": self._of_state(state)} if "state" in self._roots else {}
        if event is not None and self._of_events:
            seen |= {"position": event.position, "version": event.version, "at": event.recorded_at}
            seen["type"] = type(event.event).TYPE
            if "event" in self._roots:
                seen["event"] = self._trees.of(event.event)
        return seen

    def changed(self, state: object) -> bool:
        """Whether something is not the same as in the state before, or may be: else there is nothing to ask anew."""
        if self._of_events or self._whole:
            return True
        parts: list[object] = [getattr(state, name, MISSING) for name in self._fields]
        parts.append(type(state))
        if self._parts and all(map(is_, parts, self._parts)):
            return False
        self._parts = parts
        return True

    def _of_state(self, state: object) -> Tree:
        if self._whole:
            return self._trees.of(state)
        parts: dict[str, Tree] = {KIND: type(state).__name__} if self._with_kind else {}
        for name in self._fields:
            value = getattr(state, name, MISSING)
            if value is not MISSING:
                parts[name] = self._trees.of(value)
        return parts


def turn_of_stream(
    past: Past,
    folds: Folds,
    stream: str,
    expression: Expression,
    *,
    after: int,
    until: int,
    progress: Callable[[int], None],
) -> Turn | Rejection | None:
    """The first event of a stream behind ``after`` whose state makes it true; None where there is none."""
    aggregate = aggregate_of(stream)
    if aggregate is None or not past.has_stream(stream):
        return UnknownThing(kind="stream", name=shown(stream))
    seen, before = Seen(expression), folds.at_position(stream, after)
    state, begun = before.state, False
    for count, event in enumerate(events_until(past, stream, until, before.version)):
        if not begun:
            begun = True
            if expression.holds(seen.of(state, None)):
                return Turn(after, None, already=True)
        state = aggregate.evolve(state, event.event)
        if seen.changed(state) and expression.holds(seen.of(state, event)):
            return Turn(event.position, None, already=False)
        if count % TOLD_EVERY == 0:
            progress(event.position)
    return None


def turn_of_rows(
    rows: PastRows,
    projection: AnyProjection,
    kept: Kept,
    expression: Expression,
    *,
    key: str | None,
    after: int,
    until: int,
    progress: Callable[[int], None],
) -> Turn | Rejection | None:
    """The first version of a row behind ``after`` that makes it true; None where there is none."""
    known = names_of(projection)
    asked = {str(path[1]) for path in expression.fields if path[0] == "row" and len(path) > 1}
    whole = ("row",) in expression.fields
    unknown = sorted(asked.difference(known))
    if unknown:
        return ExpressionNotReadable(reason=f"a row of {projection.name} has {', '.join(known)}, and no {unknown[0]}")
    columns = known if whole else [column for column in known if column in asked or column == "key"]
    place = columns.index("key")
    if after:
        for row in rows.as_of(projection, kept, after):
            tree = dict(zip(known, row, strict=True))
            if (key is None or tree["key"] == key) and expression.holds({"row": tree, "position": after}):
                return Turn(after, str(tree["key"]), already=True)
    found = rows.versions(projection, kept, columns, after=after, until=until, key=key)
    for count, (since, cells) in enumerate(found):
        if expression.holds({"row": dict(zip(columns, cells, strict=True)), "position": since}):
            return Turn(since, str(cells[place]), already=False)
        if count % TOLD_EVERY == 0:
            progress(since)
    return None
