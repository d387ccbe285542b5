"""What the command line asks of the past of a store."""

import fnmatch
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import orjson

from domain.catalogue import REGISTRY
from domain.kernel.decider import Recorded
from domain.kernel.errors import Rejection, UnknownThing
from domain.kernel.ids import FLEET, Instant
from domain.kernel.past.causes import Causes
from domain.kernel.past.errors import ExpressionNotReadable, PointsReversed
from domain.kernel.past.points import AtBookmark, read_point
from domain.kernel.past.steps import Blame, Step, Stood
from domain.kernel.past.trees import at_path
from domain.kernel.text import shown
from domain.project.decider import NAME_KIND
from domain.project.events import ProjectCreated
from infrastructure.history import bisecting, reading
from infrastructure.history.expressions import Expression
from infrastructure.history.folds import Folds
from infrastructure.history.port import Filter, History
from infrastructure.history.rows import Kept, PastRows, names_of
from infrastructure.history.searching import EVENT_ROOTS, Progress, content_of, search
from infrastructure.log.mapper import recorded
from infrastructure.log.port import LogRow, StoreUnavailable
from infrastructure.settings import SQLITE_FILE
from projections.catalogue import PROJECTIONS, AnyProjection
from projections.kernel.errors import PastNotKept, RequestRefused

if TYPE_CHECKING:
    from infrastructure.history.forking import Forked
    from infrastructure.history.redeciding import Verdict
    from infrastructure.history.refusals import Explained

__all__ = ["Explained", "Filter", "LogRow", "Replay", "RowChange", "Verdict"]
ROWS_FILE: Final = "rows.db"
NEAR_EVENTS_MAX: Final = 500
"""Two positions with so many events between them differ in the rows that these touch; others in all that changed."""
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class RowChange:
    """A row of a read model that two points have differently."""

    model: str
    key: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None


class Replay:
    """Everything that `signalbox replay` asks. Raises RequestRefused, StoreUnavailable."""

    def __init__(self, history: History, rows: PastRows | None, scratch: Path) -> None:
        self.history = history
        self.folds = Folds(history)
        self._rows = rows
        self._scratch = scratch

    def close(self) -> None:
        """Let go of the store."""
        if self._rows is not None:
            self._rows.close()
        self.history.close()

    def head(self) -> int:
        """Position of the last event."""
        return self.history.head()

    def position(self, text: str | None, otherwise: int) -> int:
        """The position of a point as people write it, which the log has reached."""
        if text is None:
            return otherwise
        point = read_point(text, Instant(time.time_ns() // 1_000))
        if isinstance(point, Rejection):
            raise RequestRefused(point)
        return reading.require_reached(self.history, _told(reading.position_of(self.history, point, self._bookmark)))

    def stretch(self, first: str | None, last: str | None) -> tuple[int, int]:
        """Two positions in order; the whole log where nothing is said."""
        after, until = self.position(first, 0), self.position(last, self.head())
        if after > until:
            raise RequestRefused(PointsReversed(earlier=after, later=until))
        return after, until

    def project(self, name: str) -> str:
        """The id of a project by slug or id."""
        found = self.history.keys([(FLEET, NAME_KIND, name)])
        if found:
            return next(iter(found.values()))
        if name.startswith("proj_") and self.history.has_stream(name):
            return name
        # A bundle keeps no names, but every project says its own when it begins.
        begun = Filter(types=(ProjectCreated.TYPE,))
        for row in search(self.history, begun, None, after=0, until=self.head()):
            if content_of(row).get("name") == name:
                return row.stream
        raise RequestRefused(UnknownThing(kind="project", name=shown(name)))

    def log(
        self, wanted: Filter, expression: str | None, *, after: int, until: int, progress: Progress
    ) -> Iterator[LogRow]:
        """Events that fit, in order."""
        asked = None if expression is None else Expression(expression, EVENT_ROOTS)
        chosen = wanted if wanted.project is None else replace(wanted, project=self.project(wanted.project))
        return search(self.history, chosen, asked, after=after, until=until, progress=progress)

    def types(self, names: Sequence[str]) -> tuple[str, ...] | None:
        """Stored names of events; ``task.*`` stands for all that begin so. None where none is said."""
        if not names:
            return None
        found: list[str] = []
        for name in names:
            fitting = fnmatch.filter(REGISTRY.names(), name)
            if not fitting:
                raise RequestRefused(UnknownThing(kind="type of event", name=shown(name)))
            found += fitting
        return tuple(dict.fromkeys(found))

    def command(self, event: Recorded) -> dict[str, Any] | None:
        """What is remembered of the command that wrote an event; None where its receipt is gone."""
        kept = self.history.commands([asked := (event.command_id, event.actor)]).get(asked)
        if kept is None:
            return None
        body: dict[str, Any] = orjson.loads(kept.body) if kept.body else {}
        return {
            "command_id": kept.command_id,
            "name": body.get("type", event.actor),
            "command": body.get("command"),
            "principal": kept.principal,
            "time": kept.time,
            "outcome": orjson.loads(kept.outcome),
        }

    def state(self, stream: str, position: int) -> Stood:
        """The folded state of a stream after a position."""
        return _told(reading.stood_at(self.history, self.folds, stream, position))

    def steps(self, stream: str, position: int, *, after: int = 0) -> Iterator[Step]:
        """A stream event by event, behind one position and up to another."""
        return _told(reading.steps_of(self.history, self.folds, stream, after=after, until=position))

    def blame(
        self,
        stream: str,
        position: int,
        within: tuple[str | int, ...],
        progress: Progress,
        *,
        events_max: int | None = None,
    ) -> Blame:
        """Which event last set each field of a stream's state, at or below a path."""
        found = reading.blamed(
            self.history, self.folds, stream, position, within=within, events_max=events_max, progress=progress
        )
        return _told(found)

    def event(self, text: str) -> Recorded:
        """The event of a position or of a stream and version."""
        return recorded(self._row(text), REGISTRY)

    def causes(self, event: Recorded) -> Causes:
        """What led to an event and what it led to."""
        return reading.causes_of(self.history, event, self._later)

    def changed_rows(self, models: tuple[str, ...], after: int, until: int) -> Iterator[RowChange]:
        """Rows that two positions have differently; of every read model but the timeline where none is named."""
        near = until - after <= NEAR_EVENTS_MAX
        read = self.history.page(after=after, limit=until - after) if near and until > after else ()
        events = [recorded(row, REGISTRY) for row in read]
        for projection in PROJECTIONS:
            if projection.name in models or (not models and projection.keeps == "versions"):
                rows, kept = self._kept(projection, until)
                names = names_of(projection)
                if near:
                    found = rows.changed_by(projection, kept, events, after=after, until=until)
                else:
                    found = rows.changed(projection, kept, after=after, until=until)
                for key, before, now in found:
                    yield RowChange(projection.name, key, _named(names, before), _named(names, now))

    def bisect_stream(
        self, stream: str, expression: str, *, after: int, until: int, progress: Progress
    ) -> bisecting.Turn | None:
        """Where a stream's state made a condition true."""
        asked = Expression(expression, bisecting.STATE_ROOTS)
        found = bisecting.turn_of_stream(
            self.history, self.folds, stream, asked, after=after, until=until, progress=progress
        )
        return _judged(asked, _told(found))

    def bisect_rows(
        self, model: str, expression: str, *, key: str | None, after: int, until: int, progress: Progress
    ) -> bisecting.Turn | None:
        """Where a row of a read model made a condition true."""
        projection = self.model(model)
        rows, kept = self._kept(projection, until)
        asked = Expression(expression, bisecting.ROW_ROOTS)
        found = bisecting.turn_of_rows(
            rows, projection, kept, asked, key=key, after=after, until=until, progress=progress
        )
        return _judged(asked, _told(found))

    def stand_up(self, position: int, file: Path, told: Callable[[str, int], None]) -> dict[str, int]:
        """All read models as of a position in a new SQLite file; answers how many rows each has."""
        from infrastructure.history.standing import stand_up

        return stand_up(self.history, self._rows, position, file, told)

    def fork(self, position: int, edits: str | None, folder: Path, told: Callable[[int], None]) -> "Forked":
        """A data folder of its own with the log up to a position, edited."""
        from infrastructure.history.edits import read_edits
        from infrastructure.history.forking import Edits, fork

        chosen = Edits() if edits is None else read_edits(edits, self._row, until=position)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return fork(self.history, position, chosen, folder / SQLITE_FILE, told)

    def redecide(self, *, after: int, until: int, progress: Progress) -> "Iterator[Verdict]":
        """Today's rules asked again."""
        from infrastructure.history.redeciding import redecide

        return redecide(self.history, after=after, until=until, progress=progress)

    def refusal(self, command_id: str) -> "Explained":
        """Why a command was refused."""
        from infrastructure.history.refusals import explain

        return _told(explain(self.history, self.folds, command_id))

    def model(self, name: str) -> AnyProjection:
        """The read model of a name."""
        found = next((one for one in PROJECTIONS if one.name == name), None)
        if found is None:
            raise RequestRefused(UnknownThing(kind="read model", name=shown(name)))
        return found

    def _kept(self, projection: AnyProjection, until: int) -> tuple[PastRows, Kept]:
        if projection.keeps == "latest":
            raise RequestRefused(PastNotKept(projection=projection.name))
        for rows in (self._rows, None):
            chosen = self._folded() if rows is None else rows
            kept = chosen.kept(projection)
            if kept is not None and kept.checkpoint >= until and kept.same_code:
                return chosen, kept
        raise StoreUnavailable(f"the rows of {projection.name} cannot be folded up to {until}")

    def _folded(self) -> PastRows:
        """Rows of our own, folded from the log, where no server keeps them, or not so far, or by other rules."""
        from infrastructure.history.rows import SqlitePastRows
        from infrastructure.history.standing import fold

        file = self._scratch / ROWS_FILE
        if not file.exists():
            fold(self.history, PROJECTIONS, self.head(), file, lambda _what, _count: None)
        if self._rows is not None:
            self._rows.close()
        self._rows = SqlitePastRows(file)
        return self._rows

    def _row(self, text: str) -> LogRow:
        position = self.position(text, 0)
        row = next(iter(self.history.page(after=position - 1, limit=1)), None) if position > 0 else None
        if row is None or row.position != position:
            raise RequestRefused(UnknownThing(kind="event", name=shown(text)))
        return row

    def _later(self, event: Recorded) -> Iterator[Recorded]:
        wanted = Filter(correlation=event.correlation_id)
        rows = search(self.history, wanted, None, after=event.position, until=self.head())
        return (recorded(row, REGISTRY) for row in rows)

    def _bookmark(self, bookmark: AtBookmark) -> int | None:
        tree = self.state(self.project(bookmark.project), self.head()).tree
        found = at_path(tree, ("bookmarks", bookmark.name))
        return found if isinstance(found, int) else None


def _told(found: T | Rejection) -> T:
    if isinstance(found, Rejection):
        raise RequestRefused(found)
    return found


def _judged(asked: Expression, turn: bisecting.Turn | None) -> bisecting.Turn | None:
    """A condition that could never be told is a mistake of whoever wrote it, not an answer."""
    if turn is None and not asked.told and asked.failure:
        raise RequestRefused(ExpressionNotReadable(reason=f"it could not be told of any state: {asked.failure}"))
    return turn


def _named(names: list[str], row: tuple[Any, ...] | None) -> dict[str, Any] | None:
    return None if row is None else dict(zip(names, row, strict=True))
