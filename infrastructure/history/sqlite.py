"""History from an SQLite file, beside the server that writes it or without one."""

import sqlite3
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import orjson

from infrastructure.history.port import Filter, KeptCommand
from infrastructure.log.archived import Archive, BaseState
from infrastructure.log.past_states import PastState
from infrastructure.log.port import LogRow, StoreUnavailable
from infrastructure.log.sqlite_archives import archive_of
from infrastructure.sql import load

BUSY_SECONDS: Final = 5.0
_READ_ONLY: Final = "mode=ro"
_UNCHANGED: Final = "immutable=1"
_SQL: Final = load("sqlite/history.sql")
_LOG: Final = load("sqlite/log.sql")
_PAST: Final = load("sqlite/past_states.sql")
_SCRATCH: Final = load("sqlite/scratch.sql")
_ARCHIVES: Final = load("sqlite/archives.sql")
Values = Sequence[object] | Mapping[str, object]


def open_read_only(path: Path) -> sqlite3.Connection:
    """A connection that can change nothing. Raises StoreUnavailable where there is no such file, or none of ours."""
    if not path.is_file():
        raise StoreUnavailable(f"there is no file {path}")
    try:
        connection = _connect(path, _READ_ONLY)
    except sqlite3.OperationalError:
        # A folder that we may not write holds no server that could change the file beneath us.
        connection = _connect(path, _UNCHANGED)
    return connection


@contextmanager
def attached(connection: sqlite3.Connection, path: Path, name: str) -> Generator[None]:
    """Another file beside what a connection has open, which can change nothing there. Raises sqlite3.Error."""
    connection.commit()
    try:
        connection.execute(_SCRATCH["attach"].format(name=name), (_uri(path, _READ_ONLY),))
    except sqlite3.OperationalError:
        # It reads the file when it takes it, and has taken nothing that it cannot read: see ``open_read_only``.
        connection.execute(_SCRATCH["attach"].format(name=name), (_uri(path, _UNCHANGED),))
    try:
        yield
    finally:
        connection.rollback()
        connection.execute(_SCRATCH["detach"].format(name=name))


def _connect(path: Path, how: str) -> sqlite3.Connection:
    connection = sqlite3.connect(
        _uri(path, how),
        uri=True,
        timeout=BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=64,
    )
    try:
        connection.execute("PRAGMA query_only = ON")
        connection.execute("PRAGMA schema_version").fetchone()
    except sqlite3.OperationalError:
        connection.close()
        raise
    except sqlite3.DatabaseError as error:
        connection.close()
        raise StoreUnavailable(f"{path} is no store of Signalbox: {error}") from error
    return connection


def _uri(path: Path, how: str) -> str:
    return f"file:{quote(str(path.absolute()))}?{how}"


class SqliteHistory:
    """The log of one file. Each call is a transaction of its own, so that the writer's file is never held up."""

    def __init__(self, path: Path) -> None:
        self._connection = open_read_only(path)
        self._path = path
        self._keeps_states = bool(self._rows(_PAST["keeps_states"])[0][0])
        self._knows_archives = bool(self._rows(_ARCHIVES["knows_archives"])[0][0])

    def head(self) -> int:
        head: int = self._rows(_LOG["head"])[0][0]
        return head

    def page(self, *, after: int, limit: int) -> list[LogRow]:
        return self._log_rows(_LOG["page"], (after, limit))

    def events_of(self, stream: str, *, after: int = 0, limit: int | None = None) -> list[LogRow]:
        return self._log_rows(_LOG["events_of"], (stream, after, -1 if limit is None else limit))

    def state_before(self, stream: str, kind: str, *, version: int, position: int) -> PastState | None:
        if not self._keeps_states:
            return None
        wanted = {"stream": stream, "kind": kind, "version": version, "position": position}
        return next((PastState(*row) for row in self._rows(_PAST["state_before"], wanted)), None)

    def archives(self) -> list[Archive]:
        return [archive_of(row) for row in self._rows(_ARCHIVES["archives"])] if self._knows_archives else []

    def base_states(self, streams: Sequence[str]) -> dict[str, BaseState]:
        rows = self._rows(_ARCHIVES["base_states"], (_json(streams),)) if self._knows_archives else []
        return {row[0]: BaseState(*row) for row in rows}

    def has_stream(self, stream: str) -> bool:
        return bool(self._rows(_ARCHIVES["has_stream"], (stream,))[0][0])

    def found(self, wanted: Filter, *, after: int, until: int, limit: int) -> list[LogRow]:
        values = {
            "after": after,
            "until": until,
            "limit": limit,
            "project": wanted.project,
            "stream": wanted.stream,
            "types": None if wanted.types is None else _json(wanted.types),
            "actor": wanted.actor,
            "session": wanted.session,
            "correlation": wanted.correlation,
            "command": wanted.command,
        }
        return self._log_rows(_SQL["found" if wanted.stream is None else "found_in_stream"], values)

    def commands(self, wanted: Sequence[tuple[str, str]]) -> dict[tuple[str, str], KeptCommand]:
        rows = self._rows(_SQL["commands"], (_json([one for one, _ in wanted]),))
        return {(row[0], row[2]): KeptCommand(*row) for row in rows}

    def keys(self, wanted: Sequence[tuple[str, str, str]]) -> dict[tuple[str, str, str], str]:
        rows = self._rows(_LOG["keys"], (_json(wanted),))
        return {(scope, kind, name): stream for scope, kind, name, stream in rows}

    def names(self) -> Iterator[tuple[str, str, str, str]]:
        last = ("", "", "")
        while rows := self._rows(_SQL["names"], last):
            yield from ((scope, kind, name, stream) for scope, kind, name, stream in rows)
            last = rows[-1][:3]

    def era(self) -> int:
        era: int = self._rows(_LOG["era"])[0][0]
        return era

    def keys_mark(self) -> str:
        rows = self._rows(_LOG["keys_mark"]) if self._rows(_SQL["keeps_mark"]) else []
        return str(rows[0][0]) if rows else ""

    def close(self) -> None:
        self._connection.close()

    def _log_rows(self, text: str, values: Values) -> list[LogRow]:
        return [LogRow(*row) for row in self._rows(text, values)]

    def _rows(self, text: str, values: Values = ()) -> list[tuple[Any, ...]]:
        try:
            with closing(self._connection.execute(text, values)) as cursor:
                return cursor.fetchall()
        except sqlite3.Error as error:
            raise StoreUnavailable(f"{self._path}: {error}") from error


def _json(items: Sequence[object]) -> str:
    return orjson.dumps(list(items)).decode()
