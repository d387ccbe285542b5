"""Rows in an SQLite file of their own, beside the log's."""

import os
import sqlite3
import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from queue import Empty, LifoQueue
from typing import Any, Final

from infrastructure.rows.generations import Generation
from infrastructure.rows.port import Change, RowRefused, RowsUnavailable
from infrastructure.rows.sql_builds import Found, Parameters, advanced
from infrastructure.rows.sql_rows import REGISTRY, SqlRows
from infrastructure.rows.statements import Statements
from infrastructure.rows.tables import Dialect, stored_columns, table_name
from projections.catalogue import AnyProjection
from projections.kernel.projection import Projection
from projections.kernel.rows import R, Row, Versioned, columns_of, json_text

_DIALECT: Final = Dialect(
    schema="",
    types=(("text", "TEXT"), ("integer", "INTEGER"), ("real", "REAL"), ("boolean", "INTEGER")),
    value="?",
    one_of="{column} IN (SELECT value FROM json_each(?))",
    holds="instr({column}, ?) > 0",
    json_lists=True,
    no_index="+{column}",
)
_READERS_KEPT_MAX: Final = 8
_BUSY_SECONDS: Final = 5.0
_CACHE_KIB_MAX: Final = 8_192
"""Pages that the writer keeps in memory."""
_READER_CACHE_KIB_MAX: Final = 1_024
"""The same for each reader: they are many, and what they read again comes from the system's own cache."""
_ROWS_AT_ONCE: Final = 32
"""Rows in one INSERT: with 40 columns well below what one statement may bind."""


class SqliteRows(SqlRows[sqlite3.Connection]):
    """One connection writes, a few read beside it (WAL)."""

    def __init__(self, path: Path) -> None:
        super().__init__(_DIALECT, Statements("sqlite"))
        self._path = path
        self._lock = threading.Lock()
        self._readers: LifoQueue[sqlite3.Connection] = LifoQueue(_READERS_KEPT_MAX)
        try:
            # Whom the log's own file is kept from, this one is, too.
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        except OSError as problem:
            raise RowsUnavailable(f"{path} cannot be opened: {problem}") from problem
        with _told():
            self._writer = self._connect(_CACHE_KIB_MAX)
        try:
            with self._transaction() as writer:
                for name in REGISTRY:
                    writer.execute(self._statements(name))
        except BaseException:
            self._writer.close()
            raise

    def switch(self, generation: Generation) -> bool:
        name = generation.projection.name
        place = {"projection": name, "generation": generation.number}
        with self._transaction() as writer:
            retired = writer.execute(self._statements("retire_live"), place).rowcount
            live = writer.execute(self._statements("select_live_generation"), (name,)).fetchone()
            if live is not None:
                return False
            made = writer.execute(self._statements("make_live"), (name, generation.number)).rowcount
            if made == 0 and retired:
                writer.execute("ROLLBACK")
            return made == 1

    def write(self, changes: Sequence[Change]) -> bool:
        with self._transaction() as writer:
            for change in changes:
                if writer.execute(self._statements("advance"), advanced(change)).rowcount != 1:
                    writer.execute("ROLLBACK")
                    return False
            for change in changes:
                self._write(writer, change)
            return True

    def close(self) -> None:
        with self._lock:
            self._writer.close()
        while True:
            try:
                self._readers.get_nowait().close()
            except Empty:
                return

    def _fetch(self, connection: sqlite3.Connection, text: str, values: Parameters = ()) -> Found:
        return connection.execute(text, values).fetchall()

    def _lock_registry(self, writer: sqlite3.Connection) -> None:
        """Whoever writes is alone."""

    def _lost(self, problem: Exception) -> bool:
        return isinstance(problem, sqlite3.OperationalError) and "no such table" in str(problem)

    def _scrub(self) -> None:
        with self._lock:
            try:
                self._writer.execute(self._statements("wait_for_nobody"))
                busy: int = self._writer.execute(self._statements("empty_the_wal")).fetchone()[0]
            finally:
                self._writer.execute(self._statements("wait_again", milliseconds=str(int(_BUSY_SECONDS * 1_000))))
        if busy:
            raise RowsUnavailable("somebody reads the rows as they were")

    def _row(self, projection: Projection[R], cells: Sequence[Any]) -> R:
        truths = _truths(projection.row)
        if truths:
            cells = [bool(cell) if place in truths and cell is not None else cell for place, cell in enumerate(cells)]
        return projection.row(*cells)

    def _write(self, writer: sqlite3.Connection, change: Change) -> None:
        projection = change.generation.projection
        table = table_name(_DIALECT, change.generation)
        try:
            self._close(writer, table, change)
            self._insert(writer, table, projection, change.versions)
        except (OverflowError, sqlite3.DataError) as problem:
            raise RowRefused(projection.name) from problem
        self._write_aside(writer, change)

    def _close(self, writer: sqlite3.Connection, table: str, change: Change) -> None:
        if not change.closed:
            # Lines are never closed and have no index to be found by: the whole table would be looked through.
            return
        if change.generation.projection.keeps == "latest":
            keys = json_text([key for key, _ in change.closed])
            writer.execute(self._statements("drop_rows", table=table), (keys,))
        else:
            writer.execute(self._statements("close_versions", table=table), (json_text(change.closed),))

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
                with _told():
                    self._writer.execute("BEGIN IMMEDIATE")
                    yield self._writer
                    if self._writer.in_transaction:
                        self._writer.execute("COMMIT")
            finally:
                if self._writer.in_transaction:
                    self._writer.execute("ROLLBACK")

    @contextmanager
    def _reading(self) -> Generator[sqlite3.Connection]:
        try:
            connection = self._readers.get_nowait()
        except Empty:
            with _told():
                connection = self._connect(_READER_CACHE_KIB_MAX)
        try:
            with _told():
                yield connection
        finally:
            if self._readers.full():
                connection.close()
            else:
                self._readers.put(connection)

    def _connect(self, cache_kib: int) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False, cached_statements=256
        )
        try:
            _set_up(connection, cache_kib)
        except sqlite3.Error:
            connection.close()
            raise
        return connection


def _set_up(connection: sqlite3.Connection, cache_kib: int) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    # Rows can be folded again from the log. After a power cut the file may have lost its last transactions, but
    # never half of one: the checkpoint goes back together with the rows, and the projector repeats what is missing.
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute(f"PRAGMA cache_size = -{cache_kib}")
    # What is overwritten or dropped leaves nothing in a page that is free again: words may be erased.
    connection.execute("PRAGMA secure_delete = ON")


@contextmanager
def _told() -> Generator[None]:
    """Raises RowsUnavailable where the file is away, full, held by somebody else or damaged."""
    try:
        yield
    except sqlite3.DatabaseError as problem:
        # Those below it, but for the operational one, are mistakes of ours or speak of one row.
        if type(problem) not in (sqlite3.DatabaseError, sqlite3.OperationalError):
            raise
        raise RowsUnavailable(str(problem)) from problem


@lru_cache(maxsize=64)
def _truths(row: type[Row]) -> frozenset[int]:
    """Places of the columns that SQLite keeps as 0 and 1."""
    return frozenset(place for place, column in enumerate(columns_of(row)) if column.kind == "boolean")
