"""A stream told event by event: the state before and after each, what it changed, and who last set a field."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from domain.kernel.decider import Aggregate, Recorded
from domain.kernel.past.trees import Change, Missing, Path, Tree, Trees, differences, leaves


@dataclass(frozen=True, slots=True)
class Stood:
    """The folded state of one stream at a point."""

    stream: str
    version: int
    """Events that made it; 0 where the stream had not begun."""
    position: int
    """Of the last of them."""
    at: int
    """The position that was asked for."""
    tree: Tree


class Step(NamedTuple):
    """One event with the state on either side of it."""

    recorded: Recorded
    before: Tree
    after: Tree

    def changes(self) -> tuple[Change, ...]:
        """What the event changed."""
        return tuple(differences(self.before, self.after))


def steps(aggregate: Aggregate[Any], events: Iterable[Recorded], state: Any = None) -> Iterator[Step]:
    """Each event of one stream in order, from ``state`` or from the beginning."""
    trees = Trees()
    now = aggregate.initial if state is None else state
    before = trees.of(now)
    for recorded in events:
        now = aggregate.evolve(now, recorded.event)
        after = trees.of(now)
        yield Step(recorded, before, after)
        before = after


class Blame:
    """Which event last set each field of a state, looked for backwards, one stretch of its stream after the other.

    It holds no more than the fields of the state: of what is gone again nothing is remembered.
    """

    def __init__(self, tree: Tree, within: Path = ()) -> None:
        """Of the fields of the tree at or below a path, whose parts are texts."""
        self._fields = tuple(
            (path, value) for path, value in leaves(tree) if tuple(map(str, path[: len(within)])) == within
        )
        self._sought = {path for path, _ in self._fields}
        self._setters: dict[Path, Recorded] = {}

    @property
    def is_complete(self) -> bool:
        """Whether nothing is sought any more."""
        return not self._sought

    def look(self, told: Iterable[Step]) -> None:
        """Through the events of a stretch; what lies behind it was looked through before."""
        # Whatever set a whole part set the fields in it.
        parts = {path[:length] for path in self._sought for length in range(len(path) + 1)}
        by: dict[Path, Recorded] = {}
        emptied: dict[Path, Recorded] = {}
        for step in told:
            for change in step.changes():
                if not isinstance(change.after, Missing):
                    if change.path in parts:
                        by[change.path] = step.recorded
                elif change.path[:-1] in self._sought:
                    # A list or object that loses its last field becomes a field itself.
                    emptied[change.path[:-1]] = step.recorded
        for path in tuple(self._sought):
            setters = [by[path[:length]] for length in range(len(path) + 1) if path[:length] in by]
            setters += [emptied[path]] if path in emptied else []
            if setters:
                self._setters[path] = max(setters, key=lambda recorded: recorded.position)
                self._sought.discard(path)

    def found(self) -> dict[Path, tuple[Tree, Recorded]]:
        """Each field that some event set, with its value and the last such event, in the order of the state."""
        return {path: (value, self._setters[path]) for path, value in self._fields if path in self._setters}
