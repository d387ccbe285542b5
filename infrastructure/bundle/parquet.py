"""Events as Parquet, by DuckDB, which is an extra of the installation."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from infrastructure.bundle.layout import BundleUnreadable
from infrastructure.bundle.rows import ReadRow
from infrastructure.log.port import LogRow
from infrastructure.sql import load

ROWS_AT_ONCE: Final = 2_000
_SQL: Final = load("duckdb/parquet.sql")


class Table:
    """Rows that become one file; kept by DuckDB, which puts on disk what memory does not hold."""

    def __init__(self) -> None:
        self._connection = connect()
        self._connection.execute(_SQL["create"])
        self._waiting: list[tuple[Any, ...]] = []

    def add(self, row: LogRow, *, redacted: bool) -> None:
        """One more event."""
        self._waiting.append((*row, redacted))
        if len(self._waiting) >= ROWS_AT_ONCE:
            self._flush()

    def write(self, file: Path) -> None:
        """All of them into a file, and none are left."""
        self._flush()
        self._connection.execute(_SQL["write"], [str(file)])
        self._connection.execute(_SQL["empty"])

    def close(self) -> None:
        self._connection.close()

    def _flush(self) -> None:
        if self._waiting:
            columns: list[Sequence[Any]] = [list(column) for column in zip(*self._waiting, strict=True)]
            self._connection.execute(_SQL["insert"], columns)
            self._waiting = []


def read_file(file: Path) -> Iterator[ReadRow]:
    """The events of a file. Raises BundleUnreadable, OSError."""
    file.stat()
    connection = connect()
    try:
        found = connection.execute(_SQL["read"], [str(file)])
        while rows := found.fetchmany(ROWS_AT_ONCE):
            for row in rows:
                yield ReadRow(LogRow(*row[:13]), bool(row[13]))
    except _errors() as error:
        raise BundleUnreadable(f"{file} is no such Parquet file: {error}") from error
    finally:
        connection.close()


def connect() -> Any:
    """DuckDB in memory. Raises BundleUnreadable where it is not installed."""
    try:
        import duckdb
    except ImportError as error:
        raise BundleUnreadable("Parquet needs an extra: pip install 'signalbox[parquet]'") from error
    return duckdb.connect(config={"autoinstall_known_extensions": "false"})


def _errors() -> type[Exception]:
    import duckdb

    return duckdb.Error
