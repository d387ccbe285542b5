"""What every store of rows can do; memory, SQLite and PostgreSQL are peers behind it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from domain.kernel.sealing import ERASED, Blank, blank
from infrastructure.rows.builds import BuildStore, Skip
from infrastructure.rows.generations import Generation
from projections.catalogue import AnyProjection
from projections.kernel.projection import Projection
from projections.kernel.requests import Selection, Tally
from projections.kernel.rows import Cell, R, Versioned

HISTORY_LIMIT_MAX: Final = 1_000
"""Versions in one answer."""


@dataclass(frozen=True, slots=True)
class Parked:
    """A stream whose rows stand still in one projection, because folding an event of it went wrong."""

    stream: str
    position: int
    """Of the event; the stream's later events wait behind it."""
    type: str
    error: str


@dataclass(slots=True)
class Change:
    """What one page of the log does to one generation; written whole or not at all."""

    generation: Generation
    """As it was: a checkpoint that has moved since refuses the change."""
    checkpoint: int
    closed: list[tuple[str, int]] = field(default_factory=list[tuple[str, int]])
    """(key, position): rows that were live before the page and are not any more."""
    versions: list[Versioned[Any]] = field(default_factory=list[Versioned[Any]])
    parked: list[Parked] = field(default_factory=list[Parked])
    parked_before: int = 0
    """Streams that stood still before: another number refuses the change, too."""
    released: list[str] = field(default_factory=list[str])
    """Streams that stood still and go on."""
    skipped: list[Skip] = field(default_factory=list[Skip])


@dataclass(frozen=True, slots=True)
class Rewriting:
    """Rows of one generation whose words were erased."""

    generation: Generation
    through: int
    """Versions that arose at or before this position."""
    versions: tuple[Versioned[Any], ...]
    """As they read now; only the columns that hold words are written. Every other version of these keys gets the
    marker there, unless rows of the projection gather words of several subjects."""


def without_words(kind: Blank) -> str:
    """What stands in a column of which only that is known that there were words."""
    return "[]" if kind == "list" else str(blank(kind, ERASED))


@dataclass(frozen=True, slots=True)
class Selected:
    """Rows of one selection and the checkpoint that they were read at, in one snapshot."""

    rows: tuple[Any, ...]
    position: int


@dataclass(frozen=True, slots=True)
class Tallied:
    """Numbers of rows and the checkpoint that they were counted at, in one snapshot."""

    totals: Mapping[Cell, int]
    position: int


class RowsUnavailable(Exception):
    """Fault: the store of rows cannot be reached or broke off; its checkpoint tells whether the last write was kept."""


class TableOutdated(Exception):
    """Fault: the live generation has a table of another version; nothing can be asked until it is rebuilt."""


class RowRefused(Exception):
    """Fault: the store cannot hold a row of this projection, such as a number beyond 64 bits; nothing was written."""

    def __init__(self, projection: str) -> None:
        super().__init__(projection)
        self.projection = projection


class RowStore(BuildStore, Protocol):
    """Rows of all projections, by generation. Calls block; each is safe from any thread. All raise RowsUnavailable."""

    def open(self, projection: AnyProjection, fingerprint: str) -> Generation:
        """The live generation; an empty one is begun where there is none. Its fingerprint may be another: report it.

        Raises TableOutdated.
        """
        ...

    def begin(self, projection: AnyProjection, fingerprint: str) -> Generation:
        """A new, empty generation that nobody asks yet, and that cannot be asked before ``complete``."""
        ...

    def complete(self, generation: Generation) -> None:
        """Make the indexes that questions need; a generation fills faster without. Repeating it changes nothing."""
        ...

    def switch(self, generation: Generation) -> bool:
        """Make a building generation live and retire the live one, in one transaction.

        It was completed before. False where it is behind the live one (position must not go back) or is not building.
        """
        ...

    def current(self, generation: Generation) -> Generation | None:
        """State and checkpoint as stored now; None where it is gone."""
        ...

    def rows(self, generation: Generation, keys: Sequence[str]) -> dict[str, Any]:
        """The live rows with these keys."""
        ...

    def write(self, changes: Sequence[Change]) -> bool:
        """Write all changes with their checkpoints in one transaction.

        False, and nothing written, where a checkpoint or the streams that stand still are not what they were, a
        generation is retired, or its projection is paused: somebody else leads. Raises RowRefused.
        """
        ...

    def rewrite(self, rewriting: Rewriting) -> None:
        """Overwrite words in rows that are there, with no trace of what they were left in the store's files.

        It is no change of the rows' meaning, so no checkpoint moves. A version that is not there is passed over.
        """
        ...

    def parked(self, generation: Generation) -> tuple[Parked, ...]:
        """Streams that stand still in this generation, in order of position."""
        ...

    def select(self, selection: Selection[R]) -> Selected:
        """At most ``limit`` + 1 rows of the live generation, the last only to tell that there are more.

        Raises TableOutdated where no live generation can answer.
        """
        ...

    def tally(self, tally: Tally[R]) -> Tallied:
        """Numbers of rows of the live generation. Raises TableOutdated where no live generation can answer."""
        ...

    def history(
        self, projection: Projection[R], key: str, *, limit: int, before: int | None = None
    ) -> tuple[Versioned[R], ...]:
        """Versions of one row with ``since`` < ``before``, newest first, 1 to 1,000 of them."""
        ...

    def close(self) -> None: ...
