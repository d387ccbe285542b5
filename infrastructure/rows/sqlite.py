"""Rows in an SQLite file of their own, beside the log's."""

import sqlite3
import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from queue import Empty, LifoQueue
from typing import Any, Final

from infrastructure.rows.port import (
    HISTORY_LIMIT_MAX,
    Change,
    Generation,
    GenerationState,
    Parked,
    RowRefused,
    RowStore,
    RowsUnavailable,
    Selected,
    TableOutdated,
)
from infrastructure.rows.statements import Statements
from infrastructure.rows.tables import (
    Dialect,
    definition,
    indexes,
    page_statement,
    row_columns,
    stored_columns,
    table_name,
)
from projections.catalogue import AnyProjection
from projections.kernel.projection import Projection
from projections.kernel.requests import Selection
from projections.kernel.rows import R, Row, Versioned, columns_of, json_text

_DIALECT: Final = Dialect(
    schema="",
    types=(("text", "TEXT"), ("integer", "INTEGER"), ("real", "REAL"), ("boolean", "INTEGER")),
    value="?",
    one_of="{column} IN (SELECT value FROM json_each(?))",
    holds="instr({column}, ?) > 0",
    json_lists=True,
)
_READERS_KEPT_MAX: Final = 8
_BUSY_SECONDS: Final = 5.0
_ROWS_AT_ONCE: Final = 32
"""Rows in one INSERT: with 40 columns well below what one statement may bind."""
_POSITION_MAX: Final = (1 << 63) - 1


class SqliteRows(RowStore):
    """One connection writes, a few read beside it (WAL)."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._statements = Statements("sqlite")
        self._lock = threading.Lock()
        self._live: dict[str, Generation] = {}
        self._readers: LifoQueue[sqlite3.Connection] = LifoQueue(_READERS_KEPT_MAX)
        self._writer = self._connect()
        with self._transaction() as writer:
            for name in ("create_generations", "create_generations_live", "create_parked"):
                writer.execute(self._statements(name))

    def open(self, projection: AnyProjection, fingerprint: str) -> Generation:
        with self._transaction() as writer:
            found = self._select_live(writer, projection)
            if found is None:
                found = self._begin(writer, projection, fingerprint, "live")
                self._complete(writer, found)
            return found

    def begin(self, projection: AnyProjection, fingerprint: str) -> Generation:
        with self._transaction() as writer:
            return self._begin(writer, projection, fingerprint, "building")

    def complete(self, generation: Generation) -> None:
        with self._transaction() as writer:
            self._complete(writer, generation)

    def switch(self, generation: Generation) -> bool:
        name = generation.projection.name
        with self._transaction() as writer:
            retired = writer.execute(self._statements("retire_live"), (name, generation.number)).rowcount
            live = writer.execute(self._statements("select_live_generation"), (name,)).fetchone()
            if live is not None:
                return False
            made = writer.execute(self._statements("make_live"), (name, generation.number)).rowcount
            if made == 0 and retired:
                writer.execute("ROLLBACK")
            return made == 1

    def current(self, generation: Generation) -> Generation | None:
        with self._reading() as reader:
            values = (generation.projection.name, generation.number)
            found = reader.execute(self._statements("select_generation"), values).fetchone()
        return None if found is None else _generation(generation.projection, found)

    def rows(self, generation: Generation, keys: Sequence[str]) -> dict[str, Any]:
        projection = generation.projection
        columns = ", ".join(row_columns(projection))
        text = self._statements("select_rows", columns=columns, table=table_name(_DIALECT, generation))
        with self._reading() as reader:
            found = reader.execute(text, (json_text(list(keys)),)).fetchall()
        rows = (_row(projection, cells) for cells in found)
        return {row.key: row for row in rows}

    def write(self, changes: Sequence[Change]) -> bool:
        with self._transaction() as writer:
            for change in changes:
                generation = change.generation
                place = (change.checkpoint, generation.projection.name, generation.number, generation.checkpoint)
                if writer.execute(self._statements("advance"), place).rowcount != 1:
                    writer.execute("ROLLBACK")
                    return False
            for change in changes:
                self._write(writer, change)
            return True

    def parked(self, generation: Generation) -> tuple[Parked, ...]:
        with self._reading() as reader:
            values = (generation.projection.name, generation.number)
            return tuple(Parked(*found) for found in reader.execute(self._statements("select_parked"), values))

    def select(self, selection: Selection[R]) -> Selected:
        projection = selection.projection
        with self._reading() as reader:
            for _ in range(2):
                generation = self._live.get(projection.name) or self._remember(reader, projection)
                text, values = page_statement(self._statements, _DIALECT, generation, selection)
                found = reader.execute(text, values).fetchall()
                if found:
                    rows = tuple(_row(projection, cells[2:]) for cells in found if cells[1] is not None)
                    return Selected(rows, found[0][0])
                self._live.pop(projection.name, None)  # another generation is live by now
        raise RowsUnavailable(f"{projection.name} has no live rows")

    def history(
        self, projection: Projection[R], key: str, *, limit: int, before: int | None = None
    ) -> tuple[Versioned[R], ...]:
        with self._reading() as reader:
            generation = self._remember(reader, projection)
            columns = ", ".join(stored_columns(projection))
            text = self._statements("select_history", columns=columns, table=table_name(_DIALECT, generation))
            values = (key, _POSITION_MAX if before is None else before, min(limit, HISTORY_LIMIT_MAX))
            found = reader.execute(text, values).fetchall()
        return tuple(Versioned(_row(projection, cells[2:]), cells[0], cells[1]) for cells in found)

    def close(self) -> None:
        with self._lock:
            self._writer.close()
        while True:
            try:
                self._readers.get_nowait().close()
            except Empty:
                return

    def _select_live(self, connection: sqlite3.Connection, projection: AnyProjection) -> Generation | None:
        found = connection.execute(self._statements("select_live_generation"), (projection.name,)).fetchone()
        if found is None:
            return None
        generation = _generation(projection, found)
        if found[1] != generation.table:
            raise TableOutdated(projection.name)
        return generation

    def _remember(self, reader: sqlite3.Connection, projection: AnyProjection) -> Generation:
        generation = self._select_live(reader, projection)
        if generation is None:
            raise TableOutdated(projection.name)
        self._live[projection.name] = generation
        return generation

    def _begin(
        self, writer: sqlite3.Connection, projection: AnyProjection, fingerprint: str, state: GenerationState
    ) -> Generation:
        values = (projection.name, "", fingerprint, state)
        number = writer.execute(self._statements("insert_generation"), values).fetchone()[0]
        generation = Generation(projection, number, fingerprint, state, 0)
        writer.execute(self._statements("name_table"), (generation.table, projection.name, number))
        for text in definition(self._statements, _DIALECT, generation):
            writer.execute(text)
        return generation

    def _complete(self, writer: sqlite3.Connection, generation: Generation) -> None:
        for text in indexes(self._statements, _DIALECT, generation):
            writer.execute(text)

    def _write(self, writer: sqlite3.Connection, change: Change) -> None:
        projection = change.generation.projection
        table = table_name(_DIALECT, change.generation)
        try:
            if projection.keeps == "latest":
                keys = json_text([key for key, _ in change.closed])
                writer.execute(self._statements("drop_rows", table=table), (keys,))
            else:
                writer.execute(self._statements("close_versions", table=table), (json_text(change.closed),))
            self._insert(writer, table, projection, change.versions)
        except (OverflowError, sqlite3.DataError) as problem:
            raise RowRefused(projection.name) from problem
        place = (projection.name, change.generation.number)
        parked = [(*place, p.stream, p.position, p.type, p.error) for p in change.parked]
        writer.executemany(self._statements("insert_parked"), parked)

    def _insert(
        self, writer: sqlite3.Connection, table: str, projection: AnyProjection, versions: list[Versioned[Any]]
    ) -> None:
        # Many rows a statement: the interpreter is let go for each execution, and it takes long to get it back from a
        # committer at work.
        columns = stored_columns(projection)
        one = f"({', '.join('?' * len(columns))})"
        parts = {"table": table, "columns": ", ".join(columns)}
        for start in range(0, len(versions), _ROWS_AT_ONCE):
            several = versions[start : start + _ROWS_AT_ONCE]
            text = self._statements("insert_versions", values=", ".join([one] * len(several)), **parts)
            writer.execute(text, [cell for v in several for cell in (v.since, v.until, *v.row)])

    @contextmanager
    def _transaction(self) -> Generator[sqlite3.Connection]:
        with self._lock:
            try:
                self._writer.execute("BEGIN IMMEDIATE")
                yield self._writer
                if self._writer.in_transaction:
                    self._writer.execute("COMMIT")
            except sqlite3.OperationalError as problem:
                raise RowsUnavailable(str(problem)) from problem
            finally:
                if self._writer.in_transaction:
                    self._writer.execute("ROLLBACK")

    @contextmanager
    def _reading(self) -> Generator[sqlite3.Connection]:
        try:
            connection = self._readers.get_nowait()
        except Empty:
            connection = self._connect()
        try:
            yield connection
        except sqlite3.OperationalError as problem:
            raise RowsUnavailable(str(problem)) from problem
        finally:
            if self._readers.full():
                connection.close()
            else:
                self._readers.put(connection)

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False, cached_statements=256
        )
        connection.execute("PRAGMA journal_mode = WAL")
        # Rows can be folded again from the log. After a power cut the file may have lost its last transactions, but
        # never half of one: the checkpoint goes back together with the rows, and the projector repeats what is missing.
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA cache_size = -16384")
        return connection


def _generation(projection: AnyProjection, found: tuple[Any, ...]) -> Generation:
    number, _, fingerprint, state, checkpoint = found
    return Generation(projection, number, fingerprint, state, checkpoint)


def _row(projection: Projection[R], cells: Sequence[Any]) -> R:
    truths = _truths(projection.row)
    if truths:
        cells = [bool(cell) if place in truths and cell is not None else cell for place, cell in enumerate(cells)]
    return projection.row(*cells)


@lru_cache(maxsize=64)
def _truths(row: type[Row]) -> frozenset[int]:
    """Places of the columns that SQLite keeps as 0 and 1."""
    return frozenset(place for place, column in enumerate(columns_of(row)) if column.kind == "boolean")
