"""Rows in a schema of their own, in the database of the log."""

import struct
import threading
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Final

import psycopg
from psycopg_pool import ConnectionPool, PoolTimeout

from infrastructure.rows.generations import Generation
from infrastructure.rows.port import Change, RowRefused, RowsUnavailable
from infrastructure.rows.sql_builds import Found, Parameters, advanced
from infrastructure.rows.sql_rows import REGISTRY, SqlRows
from infrastructure.rows.statements import Statements
from infrastructure.rows.tables import Dialect, stored_columns, table_name
from projections.kernel.rows import ColumnKind, Row, columns_of

_TYPES: Final[dict[ColumnKind, str]] = {
    "text": 'text COLLATE "C"',
    "integer": "bigint",
    "real": "double precision",
    "boolean": "boolean",
}
_COPY_TYPES: Final[dict[ColumnKind, str]] = {"text": "text", "integer": "int8", "real": "float8", "boolean": "bool"}
_DIALECT: Final = Dialect(
    schema="signalbox_rows.",
    types=tuple(_TYPES.items()),
    value="%s",
    one_of="{column} = ANY(%s)",
    holds="position(%s in {column}) > 0",
    json_lists=False,
    no_index="{column}",  # it counts rows before it chooses
)
# Rows can be folded again from the log: a crash of the database may lose the last transactions, never half of one, and
# the checkpoint goes back together with the rows. So nobody waits for the disk here.
_WRITER_SETTINGS: Final = "-c synchronous_commit=off -c jit=off"
_READER_SETTINGS: Final = "-c default_transaction_read_only=on -c jit=off -c statement_timeout=10000"
_READERS_MAX: Final = 8
_READER_WAIT_SECONDS: Final = 5.0
_CONNECT_SECONDS: Final = 5


class _Moved(Exception):
    """Rolls a transaction back: somebody else was there first."""


class PostgresRows(SqlRows[psycopg.Connection]):
    """One connection writes, a small pool reads."""

    def __init__(self, url: str) -> None:
        super().__init__(_DIALECT, Statements("postgres"))
        self._url = url
        self._lock = threading.Lock()
        self._writer: psycopg.Connection | None = None
        with self._transaction() as writer:
            self._execute(writer, "lock_registry")
            for name in ("create_schema", *REGISTRY):
                self._execute(writer, name)
        self._pool = ConnectionPool(
            url,
            min_size=1,
            max_size=_READERS_MAX,
            timeout=_READER_WAIT_SECONDS,
            kwargs={"autocommit": True, "options": _READER_SETTINGS, "connect_timeout": _CONNECT_SECONDS},
            name="signalbox-rows",
            open=True,
        )

    def switch(self, generation: Generation) -> bool:
        name = generation.projection.name
        place = {"projection": name, "generation": generation.number}
        with suppress(_Moved), self._transaction() as writer:
            self._execute(writer, "lock_registry")
            self._execute(writer, "lock_generations", (name,))
            self._execute(writer, "retire_live", place)
            live = self._execute(writer, "select_live_generation", (name,)).fetchone()
            if live or self._execute(writer, "make_live", (name, generation.number)).rowcount == 0:
                raise _Moved
            return True
        return False

    def write(self, changes: Sequence[Change]) -> bool:
        with suppress(_Moved), self._transaction() as writer:
            for change in changes:
                if self._execute(writer, "advance", advanced(change)).rowcount != 1:
                    raise _Moved
            for change in changes:
                self._write(writer, change)
            return True
        return False

    def close(self) -> None:
        self._pool.close()
        with self._lock:
            if self._writer is not None:
                self._writer.close()

    def _fetch(self, connection: psycopg.Connection, text: str, values: Parameters = ()) -> Found:
        with connection.cursor(binary=True) as cursor:
            cursor.execute(text.encode(), values or None)
            return cursor.fetchall() if cursor.description else []

    def _lock_registry(self, writer: psycopg.Connection) -> None:
        self._execute(writer, "lock_registry")

    def _scrub(self) -> None:
        """Dead rows leave their pages when the table is vacuumed, which the server does by itself."""

    def _lost(self, problem: Exception) -> bool:
        return isinstance(problem, psycopg.errors.UndefinedTable)

    def _write(self, writer: psycopg.Connection, change: Change) -> None:
        try:
            self._close(writer, change)
            self._copy(writer, change)
        except (psycopg.DataError, OverflowError, struct.error) as problem:
            raise RowRefused(change.generation.projection.name) from problem
        self._write_aside(writer, change)

    def _close(self, writer: psycopg.Connection, change: Change) -> None:
        if not change.closed:
            return
        table = table_name(_DIALECT, change.generation)
        keys = [key for key, _ in change.closed]
        if change.generation.projection.keeps == "latest":
            writer.execute(self._statements("drop_rows", table=table).encode(), (keys,))
        else:
            text = self._statements("close_versions", table=table)
            writer.execute(text.encode(), (keys, [until for _, until in change.closed]))

    def _copy(self, writer: psycopg.Connection, change: Change) -> None:
        if not change.versions:
            return
        projection = change.generation.projection
        row: type[Row] = projection.row
        table = table_name(_DIALECT, change.generation)
        text = self._statements("copy_versions", table=table, columns=", ".join(stored_columns(projection)))
        with writer.cursor() as cursor, cursor.copy(text.encode()) as copy:
            copy.set_types(["int8", "int8", *(_COPY_TYPES[column.kind] for column in columns_of(row))])
            write = copy.write_row
            for version in change.versions:
                write((version.since, version.until, *version.row))

    def _execute(
        self,
        connection: psycopg.Connection,
        name: str,
        values: Sequence[object] | Mapping[str, object] | None = None,
    ) -> psycopg.Cursor:
        return connection.execute(self._statements(name).encode(), values)

    @contextmanager
    def _transaction(self) -> Generator[psycopg.Connection]:
        with self._lock:
            try:
                if self._writer is None or self._writer.closed:
                    self._writer = psycopg.connect(
                        self._url, options=_WRITER_SETTINGS, connect_timeout=_CONNECT_SECONDS, application_name="rows"
                    )
                with self._writer.transaction():
                    yield self._writer
            except (psycopg.OperationalError, psycopg.InterfaceError) as problem:
                raise RowsUnavailable(str(problem)) from problem

    @contextmanager
    def _reading(self) -> Generator[psycopg.Connection]:
        try:
            with self._pool.connection() as connection:
                yield connection
        except (psycopg.OperationalError, psycopg.InterfaceError, PoolTimeout) as problem:
            raise RowsUnavailable(str(problem)) from problem
