"""Read models as they were, from the versions that a running server keeps of every row; opened for reading only."""

import sqlite3
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Final, NamedTuple

from domain.kernel.decider import Recorded
from infrastructure.history.sqlite import attached, open_read_only
from infrastructure.log.port import StoreUnavailable
from infrastructure.rows.fingerprint import fingerprint
from infrastructure.rows.statements import identifier
from infrastructure.rows.tables import row_columns
from infrastructure.sql import load
from projections.catalogue import AnyProjection
from projections.kernel.rows import Row, columns_of

FETCHED_AT_ONCE: Final = 2_000
INSERTED_AT_ONCE: Final = 1_000
_SQLITE: Final = load("sqlite/history.sql")
_SCRATCH: Final = load("sqlite/scratch.sql")


class Kept(NamedTuple):
    """The rows of one projection that can be asked."""

    table: str
    checkpoint: int
    same_code: bool
    """Whether the code of this program began them."""


class Version(NamedTuple):
    """A version of a row, or the columns of it that were asked for."""

    since: int
    cells: tuple[Any, ...]


def names_of(projection: AnyProjection) -> list[str]:
    """The columns of a row as people name them."""
    row: type[Row] = projection.row
    return [column.name for column in columns_of(row)]


def insert(scratch: sqlite3.Connection, into: str, rows: Iterable[tuple[Any, ...]], told: Callable[[int], None]) -> int:
    """Write rows into a table of a scratch file; answers how many there are."""
    count, left = 0, iter(rows)
    while some := list(islice(left, INSERTED_AT_ONCE)):
        text = _SCRATCH["insert_row"].format(table=identifier(into), values=", ".join("?" * len(some[0])))
        scratch.executemany(text, some)
        count += len(some)
        told(count)
    return count


class PastRows:
    """Versions of rows, streamed; one question at a time."""

    def kept(self, projection: AnyProjection) -> Kept | None:
        """What there is of a projection's rows; None where its table is of another version or not there."""
        try:
            found = self._ask("live_generation", {"projection": projection.name})
        except StoreUnavailable:
            return None
        row = next(found, None)
        if row is None or not str(row[0]).startswith(f"{projection.table}_g"):
            return None
        return Kept(identifier(row[0]), row[1], row[2] == fingerprint(projection))

    def as_of(self, projection: AnyProjection, kept: Kept, position: int) -> Iterator[tuple[Any, ...]]:
        """The rows as they were after a position, by key."""
        parts = self._parts(kept, row_columns(projection))
        return self._shaped(projection, self._ask("rows_as_of", {"after": position}, parts), skipped=0)

    def latest(self, projection: AnyProjection, kept: Kept) -> Iterator[tuple[Any, ...]]:
        """The latest rows, by key."""
        parts = self._parts(kept, row_columns(projection))
        return self._shaped(projection, self._ask("rows_latest", {}, parts), skipped=0)

    def copy(
        self,
        projection: AnyProjection,
        kept: Kept,
        position: int,
        scratch: sqlite3.Connection,
        into: str,
        told: Callable[[int], None],
    ) -> int:
        """Write the rows as they were after a position into a table of a scratch file, which has its columns; answers
        how many there are."""
        return insert(scratch, into, self.as_of(projection, kept, position), told)

    def versions(
        self, projection: AnyProjection, kept: Kept, columns: Sequence[str], *, after: int, until: int, key: str | None
    ) -> Iterator[Version]:
        """Versions that began in a stretch of the log, oldest first, with the columns named, which are of the row."""
        values = {"after": after, "until": until} | ({} if key is None else {"key": key})
        parts = self._parts(kept, tuple(identifier(column) for column in columns))
        for since, *cells in self._ask("versions_between" if key is None else "versions_of_key", values, parts):
            yield Version(since, tuple(cells))

    def changed(
        self, projection: AnyProjection, kept: Kept, *, after: int, until: int
    ) -> Iterator[tuple[str, tuple[Any, ...] | None, tuple[Any, ...] | None]]:
        """(key, row at ``after``, row at ``until``) of every row that is not the same at both, by key."""
        parts = self._parts(kept, row_columns(projection))
        found = self._ask("rows_ended_or_begun", {"after": after, "until": until}, parts)
        place = names_of(projection).index("key")
        key, before, now = "", None, None
        for since, row in zip_since(self._shaped_with_since(projection, found)):
            if row[place] != key:
                if before != now:
                    yield key, before, now
                key, before, now = row[place], None, None
            if since <= after:
                before = row
            else:
                now = row
        if before != now:
            yield key, before, now

    def changed_by(
        self, projection: AnyProjection, kept: Kept, events: Sequence[Recorded], *, after: int, until: int
    ) -> Iterator[tuple[str, tuple[Any, ...] | None, tuple[Any, ...] | None]]:
        """The same from the events between the two positions: only the rows that those touch are looked at."""
        handled = (one for one in events if type(one.event) in projection.handles)
        for key in sorted({key for one in handled for key in projection.keys(one)}):
            before = self._row_as_of(projection, kept, key, after)
            now = self._row_as_of(projection, kept, key, until)
            if before != now:
                yield key, before, now

    def _row_as_of(self, projection: AnyProjection, kept: Kept, key: str, position: int) -> tuple[Any, ...] | None:
        parts = self._parts(kept, row_columns(projection))
        found = self._ask("row_as_of", {"position": position, "key": key}, parts)
        _, ended, *cells = next(self._shaped(projection, found, skipped=2), (0, 0))
        return tuple(cells) if cells and (ended is None or ended > position) else None

    @abstractmethod
    def close(self) -> None: ...

    @abstractmethod
    def _ask(
        self, query: str, values: Mapping[str, object], parts: Mapping[str, str] | None = None
    ) -> Iterator[tuple[Any, ...]]:
        """Stream the rows of a query. Raises StoreUnavailable."""

    @abstractmethod
    def _parts(self, kept: Kept, columns: Sequence[str]) -> dict[str, str]:
        """What is filled into a statement."""

    def _shaped(
        self, projection: AnyProjection, found: Iterator[tuple[Any, ...]], *, skipped: int
    ) -> Iterator[tuple[Any, ...]]:
        """The rows with truth values where the columns hold such; ``skipped`` columns before the row stay."""
        row_class: type[Row] = projection.row
        columns = enumerate(columns_of(row_class))
        truths = [place + skipped for place, column in columns if column.kind == "boolean"]
        for row in found:
            if truths:
                cells = list(row)
                for place in truths:
                    cells[place] = None if cells[place] is None else bool(cells[place])
                yield tuple(cells)
            else:
                yield row

    def _shaped_with_since(
        self, projection: AnyProjection, found: Iterator[tuple[Any, ...]]
    ) -> Iterator[tuple[Any, ...]]:
        return self._shaped(projection, found, skipped=2)


def zip_since(found: Iterator[tuple[Any, ...]]) -> Iterator[tuple[int, tuple[Any, ...]]]:
    """(since, row) of rows that begin with since and until."""
    return ((row[0], row[2:]) for row in found)


class SqlitePastRows(PastRows):
    """From the file of rows beside that of the log."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection = open_read_only(path)

    def copy(
        self,
        projection: AnyProjection,
        kept: Kept,
        position: int,
        scratch: sqlite3.Connection,
        into: str,
        told: Callable[[int], None],
    ) -> int:
        # The library moves them from file to file in a tenth of the time that it takes to pass each through here.
        parts = self._parts(kept, row_columns(projection)) | {"into": identifier(into)}
        try:
            with attached(scratch, self._path, "kept"):
                count = scratch.execute(_SCRATCH["copy_as_of"].format(**parts), (position,)).rowcount
                scratch.commit()
        except sqlite3.Error as error:
            raise StoreUnavailable(str(error)) from error
        told(count)
        return count

    def close(self) -> None:
        self._connection.close()

    def _parts(self, kept: Kept, columns: Sequence[str]) -> dict[str, str]:
        return {"table": kept.table, "columns": ", ".join(columns)}

    def _ask(
        self, query: str, values: Mapping[str, object], parts: Mapping[str, str] | None = None
    ) -> Iterator[tuple[Any, ...]]:
        text = _SQLITE[query].format(**parts) if parts else _SQLITE[query]
        try:
            cursor = self._connection.execute(text, tuple(values.values()))
            while rows := cursor.fetchmany(FETCHED_AT_ONCE):
                yield from rows
        except sqlite3.Error as error:
            raise StoreUnavailable(str(error)) from error
