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


def blame(told: Iterable[Step]) -> dict[Path, tuple[Tree, Recorded]]:
    """The last event that set each field of the final state, with the value, by path; what no event set is absent."""
    by: dict[Path, Recorded] = {}
    emptied: dict[Path, Recorded] = {}
    last: Tree = None
    for step in told:
        last = step.after
        for change in step.changes():
            if isinstance(change.after, Missing):
                # A list or object that loses its last field becomes a field itself.
                emptied[change.path[:-1]] = step.recorded
            else:
                by[change.path] = step.recorded
    found: dict[Path, tuple[Tree, Recorded]] = {}
    for path, value in leaves(last):
        # Whatever set a whole part set the fields in it.
        setters = [by[path[:length]] for length in range(len(path) + 1) if path[:length] in by]
        setters += [emptied[path]] if path in emptied else []
        if setters:
            found[path] = (value, max(setters, key=lambda recorded: recorded.position))
    return found
