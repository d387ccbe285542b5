"""Rows in a schema of their own, in the database of the log."""

import struct
import threading
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Final

import psycopg
from psycopg_pool import ConnectionPool, PoolTimeout

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
from projections.kernel.rows import ColumnKind, R, Row, Versioned, columns_of

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
)
# Rows can be folded again from the log: a crash of the database may lose the last transactions, never half of one, and
# the checkpoint goes back together with the rows. So nobody waits for the disk here.
_WRITER_SETTINGS: Final = "-c synchronous_commit=off -c jit=off"
_READER_SETTINGS: Final = "-c default_transaction_read_only=on -c jit=off -c statement_timeout=10000"
_READERS_MAX: Final = 8
_READER_WAIT_SECONDS: Final = 5.0
_CONNECT_SECONDS: Final = 5
_POSITION_MAX: Final = (1 << 63) - 1


class _Moved(Exception):
    """Rolls a transaction back: somebody else was there first."""


class PostgresRows(RowStore):
    """One connection writes, a small pool reads."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._statements = Statements("postgres")
        self._lock = threading.Lock()
        self._live: dict[str, Generation] = {}
        self._writer: psycopg.Connection | None = None
        with self._transaction() as writer:
            self._execute(writer, "lock_registry")
            for name in ("create_schema", "create_generations", "create_generations_live", "create_parked"):
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

    def open(self, projection: AnyProjection, fingerprint: str) -> Generation:
        with self._transaction() as writer:
            self._execute(writer, "lock_registry")
            found = self._select_live(writer, projection)
            if found is None:
                found = self._begin(writer, projection, fingerprint, "live")
                self._complete(writer, found)
            return found

    def begin(self, projection: AnyProjection, fingerprint: str) -> Generation:
        with self._transaction() as writer:
            self._execute(writer, "lock_registry")
            return self._begin(writer, projection, fingerprint, "building")

    def complete(self, generation: Generation) -> None:
        with self._transaction() as writer:
            self._complete(writer, generation)

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

    def current(self, generation: Generation) -> Generation | None:
        values = (generation.projection.name, generation.number)
        with self._reading() as reader:
            found = self._execute(reader, "select_generation", values).fetchone()
        return None if found is None else _generation(generation.projection, found)

    def rows(self, generation: Generation, keys: Sequence[str]) -> dict[str, Any]:
        projection = generation.projection
        columns = ", ".join(row_columns(projection))
        text = self._statements("select_rows", columns=columns, table=table_name(_DIALECT, generation))
        with self._reading() as reader, reader.cursor(binary=True) as cursor:
            found = cursor.execute(text.encode(), (list(keys),)).fetchall()
        rows = (projection.row(*cells) for cells in found)
        return {row.key: row for row in rows}

    def write(self, changes: Sequence[Change]) -> bool:
        with suppress(_Moved), self._transaction() as writer:
            for change in changes:
                generation = change.generation
                place = (change.checkpoint, generation.projection.name, generation.number, generation.checkpoint)
                if self._execute(writer, "advance", place).rowcount != 1:
                    raise _Moved
            for change in changes:
                self._write(writer, change)
            return True
        return False

    def parked(self, generation: Generation) -> tuple[Parked, ...]:
        values = (generation.projection.name, generation.number)
        with self._reading() as reader:
            return tuple(Parked(*found) for found in self._execute(reader, "select_parked", values).fetchall())

    def select(self, selection: Selection[R]) -> Selected:
        projection = selection.projection
        with self._reading() as reader, reader.cursor(binary=True) as cursor:
            for _ in range(2):
                generation = self._live.get(projection.name) or self._remember(reader, projection)
                text, values = page_statement(self._statements, _DIALECT, generation, selection)
                found = cursor.execute(text.encode(), values).fetchall()
                if found:
                    rows = tuple(projection.row(*cells[2:]) for cells in found if cells[1] is not None)
                    return Selected(rows, found[0][0])
                self._live.pop(projection.name, None)  # another generation is live by now
        raise RowsUnavailable(f"{projection.name} has no live rows")

    def history(
        self, projection: Projection[R], key: str, *, limit: int, before: int | None = None
    ) -> tuple[Versioned[R], ...]:
        with self._reading() as reader, reader.cursor(binary=True) as cursor:
            generation = self._remember(reader, projection)
            columns = ", ".join(stored_columns(projection))
            text = self._statements("select_history", columns=columns, table=table_name(_DIALECT, generation))
            values = (key, _POSITION_MAX if before is None else before, min(limit, HISTORY_LIMIT_MAX))
            found = cursor.execute(text.encode(), values).fetchall()
        return tuple(Versioned(projection.row(*cells[2:]), cells[0], cells[1]) for cells in found)

    def close(self) -> None:
        self._pool.close()
        with self._lock:
            if self._writer is not None:
                self._writer.close()

    def _select_live(self, connection: psycopg.Connection, projection: AnyProjection) -> Generation | None:
        found = self._execute(connection, "select_live_generation", (projection.name,)).fetchone()
        if found is None:
            return None
        generation = _generation(projection, found)
        if found[1] != generation.table:
            raise TableOutdated(projection.name)
        return generation

    def _remember(self, reader: psycopg.Connection, projection: AnyProjection) -> Generation:
        generation = self._select_live(reader, projection)
        if generation is None:
            raise TableOutdated(projection.name)
        self._live[projection.name] = generation
        return generation

    def _begin(
        self, writer: psycopg.Connection, projection: AnyProjection, fingerprint: str, state: GenerationState
    ) -> Generation:
        values = {"projection": projection.name, "table_name": "", "fingerprint": fingerprint, "state": state}
        made = self._execute(writer, "insert_generation", values).fetchone()
        number = made[0] if made else 1
        generation = Generation(projection, number, fingerprint, state, 0)
        self._execute(writer, "name_table", (generation.table, projection.name, number))
        for text in definition(self._statements, _DIALECT, generation):
            writer.execute(text.encode())
        return generation

    def _complete(self, writer: psycopg.Connection, generation: Generation) -> None:
        for text in indexes(self._statements, _DIALECT, generation):
            writer.execute(text.encode())

    def _write(self, writer: psycopg.Connection, change: Change) -> None:
        try:
            self._close(writer, change)
            self._copy(writer, change)
        except (psycopg.DataError, OverflowError, struct.error) as problem:
            raise RowRefused(change.generation.projection.name) from problem
        place = (change.generation.projection.name, change.generation.number)
        for parked in change.parked:
            values = (*place, parked.stream, parked.position, parked.type, parked.error)
            self._execute(writer, "insert_parked", values)

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


def _generation(projection: AnyProjection, found: Sequence[Any]) -> Generation:
    number, _, fingerprint, state, checkpoint = found
    return Generation(projection, number, fingerprint, state, checkpoint)
