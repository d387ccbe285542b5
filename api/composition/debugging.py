"""What the debugger asks of the past of a store: the log around a cursor, and where to go from there."""

import fnmatch
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final, Literal, TypeVar

from api.composition.opening import in_our_errors
from api.composition.replay import Replay, RowChange
from domain.catalogue import AGGREGATES, REGISTRY
from domain.kernel.decider import Recorded
from domain.kernel.ids import prefix
from domain.kernel.past.causes import Causes
from domain.kernel.past.steps import Step
from domain.kernel.past.trees import Path, Tree, Trees, at_path
from domain.project.events import ProjectCreated
from infrastructure.history.expressions import Expression
from infrastructure.history.port import Filter
from infrastructure.history.reading import aggregate_of, causes_of
from infrastructure.history.searching import EVENT_ROOTS, STRETCH_POSITIONS, EventTrees, narrowed, search
from infrastructure.log.mapper import recorded
from infrastructure.log.port import LogRow

__all__ = ["Debugger", "LogRow", "Wanted"]
EFFECTS_WITHIN_EVENTS: Final = 20_000
"""Events behind one that are searched for what it led to."""
BLAMED_EVENTS_MAX: Final = 20_000
"""What was set earlier is asked with `signalbox replay blame`, which takes its time."""
ROWS_MAX: Final = 200
"""Changed rows that are told of one event."""
BOOKMARKED_PROJECTS_MAX: Final = 200
"""Of those that came first the bookmarks are shown."""
BACK_POSITIONS_MIN: Final = 500
BACK_POSITIONS_MAX: Final = 100_000
_TYPE: Final = re.compile(r"[a-z_*]+(\.[a-z0-9_*]+)+|[a-z_]+\*")
_BARE_TEXT: Final = re.compile(r"\"([^\"]+)\"")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which events a search or a breakpoint means, as somebody wrote it."""

    text: str
    filter: Filter
    fits: Callable[[LogRow], bool]


def _every(_: LogRow) -> bool:
    return True


class Debugger:
    """Everything that the debugger asks of one store or bundle, one question at a time."""

    def __init__(self, replay: Replay) -> None:
        self._replay = replay
        self._history = replay.history
        self._folds = replay.folds
        self._projects: list[str] = []
        self._looked_through = 0

    def asked(self, question: "Callable[[Debugger], T]") -> T:
        """The answer to a question; what goes wrong is told as the errors that the command line knows."""
        with in_our_errors():
            return question(self)

    def head(self) -> int:
        """Position of the last event."""
        return self._history.head()

    def position(self, text: str) -> int:
        """The position of a point as people write it."""
        return self._replay.position(text, 0)

    def rows(self, after: int, limit: int) -> list[LogRow]:
        """Events with position > after, in order."""
        return self._history.page(after=max(0, after), limit=limit)

    def sampled(self, positions: Sequence[int]) -> list[LogRow]:
        """The events at these positions, which rise."""
        if positions and positions[-1] - positions[0] < 2 * len(positions):
            wanted = frozenset(positions)
            rows = self.rows(positions[0] - 1, positions[-1] - positions[0] + 1)
            return [row for row in rows if row.position in wanted]
        found = (next(iter(self.rows(position - 1, 1)), None) for position in positions)
        return [row for row in found if row is not None]

    def event(self, position: int) -> Recorded | None:
        """The event at a position."""
        row = next(iter(self.rows(position - 1, 1)), None) if position > 0 else None
        return None if row is None or row.position != position else recorded(row, REGISTRY)

    def step(self, event: Recorded) -> Step:
        """An event with the state of its stream on either side of it."""
        before = self._folds.at_version(event.stream, event.version - 1).state
        after = AGGREGATES[prefix(event.stream)].evolve(before, event.event)
        trees = Trees()
        return Step(event, trees.of(before), trees.of(after))

    def tree(self, stream: str, position: int) -> Tree:
        """The state of a stream after a position."""
        return Trees().of(self._folds.at_position(stream, position).state)

    def blame(self, event: Recorded) -> tuple[dict[Path, tuple[Tree, Recorded]], bool]:
        """Who last set each field of a stream's state up to an event, in the last 20,000 events of it or so; and
        whether fields are left that may have been set earlier."""
        blame = self._replay.blame(event.stream, event.position, (), lambda _: None, events_max=BLAMED_EVENTS_MAX)
        return blame.found(), event.version > BLAMED_EVENTS_MAX and not blame.is_complete

    def causes(self, event: Recorded) -> Causes:
        """What led to an event, and what it led to among the 20,000 that follow it."""
        return causes_of(self._history, event, self._later)

    def changed_rows(self, after: int, until: int) -> list[RowChange]:
        """Rows of read models that two positions have differently, 200 at most."""
        return list(islice(self._replay.changed_rows((), after, until), ROWS_MAX))

    def bookmarks(self) -> tuple[dict[str, int], bool]:
        """Position of every bookmark that there is now, by its point, and whether all of the log was looked through.

        Projects are looked for in a stretch of it each time, behind what was looked through before.
        """
        head = self.head()
        until = min(head, self._looked_through + STRETCH_POSITIONS)
        begun = Filter(types=(ProjectCreated.TYPE,))
        rows = search(self._history, begun, None, after=self._looked_through, until=until)
        self._projects += [row.stream for row in rows][: BOOKMARKED_PROJECTS_MAX - len(self._projects)]
        self._looked_through = until
        found: dict[str, int] = {}
        for project in self._projects:
            tree = self.tree(project, head)
            name, marks = at_path(tree, ("name",)), at_path(tree, ("bookmarks",))
            if isinstance(marks, dict):
                found |= {f"{name}/{mark}": position for mark, position in sorted(marks.items())}
        return found, until == head

    def wanted(self, text: str) -> Wanted:
        """What ``task.*``, a stream, ``"some words"`` or a condition in CEL means. Raises Refused."""
        said = text.strip()
        if words := _BARE_TEXT.fullmatch(said):
            return Wanted(said, Filter(), lambda row: _speaks_of(row, words[1]))
        if aggregate_of(said) is not None and said.isidentifier():
            return Wanted(said, Filter(stream=said), _every)
        if _TYPE.fullmatch(said) and fnmatch.filter(REGISTRY.names(), said):
            return Wanted(said, Filter(types=self._replay.types([said])), _every)
        condition = Expression(said, EVENT_ROOTS)
        trees = EventTrees(condition)
        return Wanted(said, narrowed(Filter(), condition), lambda row: condition.holds(trees.of(row)))

    def of_types(self, names: Sequence[str]) -> Wanted:
        """Events with one of these stored names."""
        return Wanted(" ".join(names), Filter(types=tuple(names)), _every)

    def like(self, position: int, *, same: Literal["stream", "correlation"]) -> list[Wanted]:
        """What has the stream or the correlation of the event at a position; nothing where there is no event."""
        event = self.event(position)
        if event is None:
            return []
        if same == "stream":
            return [Wanted(event.stream, Filter(stream=event.stream), _every)]
        return [Wanted(event.correlation_id, Filter(correlation=event.correlation_id), _every)]

    def command(self, event: Recorded) -> dict[str, Any] | None:
        """What is remembered of the command that wrote an event."""
        return self._replay.command(event)

    def found(
        self, wanted: Sequence[Wanted], position: int, *, forward: bool, told: Callable[[int], None]
    ) -> int | None:
        """The nearest position behind (or before) one at which any of these is met; ``told`` may raise to end it."""
        nearest: int | None = None
        for one in wanted:
            end = self.head() if nearest is None else nearest - 1
            if forward:
                met = next((row for row in self._searched(one, position, end, told) if one.fits(row)), None)
                nearest = nearest if met is None else met.position
            else:
                lowest = 0 if nearest is None else nearest
                behind = self._last(one, position, lowest, told)
                nearest = nearest if behind is None else behind
        return nearest

    def _searched(self, wanted: Wanted, after: int, until: int, told: Callable[[int], None]) -> Iterator[LogRow]:
        return search(self._history, wanted.filter, None, after=after, until=until, progress=told)

    def _last(self, wanted: Wanted, before: int, lowest: int, told: Callable[[int], None]) -> int | None:
        """The last position > lowest and < before that fits, looked for in stretches that grow."""
        end, length = before - 1, BACK_POSITIONS_MIN
        while end > lowest:
            after = max(lowest, end - length)
            fitting = [row.position for row in self._searched(wanted, after, end, _nobody) if wanted.fits(row)]
            if fitting:
                return fitting[-1]
            told(after)
            end, length = after, min(length * 4, BACK_POSITIONS_MAX)
        return None

    def _later(self, event: Recorded) -> Iterator[Recorded]:
        wanted = Filter(correlation=event.correlation_id)
        until = min(self.head(), event.position + EFFECTS_WITHIN_EVENTS)
        rows = search(self._history, wanted, None, after=event.position, until=until)
        return (recorded(row, REGISTRY) for row in rows)


def _nobody(_: int) -> None:
    """Nobody is told."""


def _speaks_of(row: LogRow, words: str) -> bool:
    """Whether a row has the words in what it stores or in any of its columns."""
    columns = (row.stream, row.type, row.actor, row.command_id, row.correlation_id, row.project)
    return words.encode() in row.state or any(words in column for column in columns if column)
