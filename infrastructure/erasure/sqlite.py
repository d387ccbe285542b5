"""Seeds in an SQLite file of their own: whoever copies the log or the rows has none of the keys."""

import sqlite3
from collections.abc import Mapping
from contextlib import closing, suppress
from pathlib import Path
from typing import Final

from infrastructure.history.sqlite import open_read_only
from infrastructure.log.port import StoreUnavailable
from infrastructure.log.sqlite_file import SqliteFile
from infrastructure.sql import load

_SQL: Final = load("sqlite_keys/keys.sql")


class SqliteSeeds:
    """A file beside the log's, mode 0600. Raises StoreInUse, StoreUnavailable."""

    def __init__(self, path: Path) -> None:
        self._file: Final = SqliteFile(path, schema="sqlite_keys")

    def begin(self, root: bytes) -> None:
        with self._file.writing() as connection:
            connection.execute(_SQL["begin"], (root,))

    def seed(self, prefix: str) -> bytes | None:
        with self._file.reading() as connection:
            return _seed(connection, prefix)

    def destroyed(self) -> list[str]:
        with self._file.reading() as connection:
            return _destroyed(connection)

    def cut(self, prefix: str, path: str, left: Mapping[str, bytes]) -> bool:
        with self._file.writing() as connection:
            if connection.execute(_SQL["drop_seed"], (prefix,)).rowcount != 1:
                return False
            connection.executemany(_SQL["insert_seed"], list(left.items()))
            connection.execute(_SQL["insert_destroyed"], (path,))
        # Where that has to wait for a reader, ``move_done`` does it again before the erasure counts.
        with suppress(StoreUnavailable):
            self._file.scrub()
        return True

    def done(self) -> int:
        with self._file.reading() as connection:
            position: int = connection.execute(_SQL["done"]).fetchone()[0]
            return position

    def move_done(self, position: int) -> None:
        self._file.scrub()
        with self._file.writing() as connection:
            connection.execute(_SQL["move_done"], (position,))

    def close(self) -> None:
        self._file.close()


class SqliteSeedsRead:
    """The same file, read beside its server or without one. Raises StoreUnavailable where there is none."""

    def __init__(self, path: Path) -> None:
        self._connection: Final = open_read_only(path)
        self._path = path

    def seed(self, prefix: str) -> bytes | None:
        try:
            return _seed(self._connection, prefix)
        except sqlite3.Error as error:
            raise StoreUnavailable(f"{self._path}: {error}") from error

    def destroyed(self) -> list[str]:
        try:
            return _destroyed(self._connection)
        except sqlite3.Error as error:
            raise StoreUnavailable(f"{self._path}: {error}") from error

    def close(self) -> None:
        self._connection.close()


def _seed(connection: sqlite3.Connection, prefix: str) -> bytes | None:
    with closing(connection.execute(_SQL["seed"], (prefix,))) as cursor:
        row = cursor.fetchone()
    return None if row is None else bytes(row[0])


def _destroyed(connection: sqlite3.Connection) -> list[str]:
    with closing(connection.execute(_SQL["destroyed"])) as cursor:
        return [path for (path,) in cursor.fetchall()]
