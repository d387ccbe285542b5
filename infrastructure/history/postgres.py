"""History from PostgreSQL, beside the nodes that write it."""

from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

import psycopg

from infrastructure.history.port import Filter, KeptCommand
from infrastructure.log.archived import Archive, BaseState
from infrastructure.log.past_states import PastState
from infrastructure.log.port import LogRow, StoreUnavailable
from infrastructure.log.postgres_connections import conninfo
from infrastructure.sql import load

_SQL: Final = {**load("postgres/history.sql"), **load("postgres/past_states.sql"), **load("postgres/archives.sql")}


def connect_read_only(url: str) -> psycopg.Connection:
    """A connection that can change nothing, each statement a transaction of its own. Raises StoreUnavailable."""
    try:
        connection = psycopg.connect(conninfo(url, purpose="replay"), autocommit=True)
        connection.execute("SET default_transaction_read_only = on")
    except psycopg.Error as error:
        raise StoreUnavailable(str(error)) from error
    return connection


class PostgresHistory:
    """The log in the schema ``signalbox`` of one database."""

    def __init__(self, url: str) -> None:
        self._connection = connect_read_only(url)
        self._keeps_states = bool(self._rows("keeps_states")[0][0])
        self._knows_archives = bool(self._rows("knows_archives")[0][0])

    def head(self) -> int:
        head: int = self._rows("head")[0][0]
        return head

    def page(self, *, after: int, limit: int) -> list[LogRow]:
        return [LogRow(*row) for row in self._rows("page", (after, limit))]

    def events_of(self, stream: str, *, after: int = 0, limit: int | None = None) -> list[LogRow]:
        return [LogRow(*row) for row in self._rows("events_of", (stream, after, limit))]

    def state_before(self, stream: str, kind: str, *, version: int, position: int) -> PastState | None:
        if not self._keeps_states:
            return None
        wanted = {"stream": stream, "kind": kind, "version": version, "position": position}
        return next((PastState(*row) for row in self._rows("state_before", wanted)), None)

    def archives(self) -> list[Archive]:
        return [Archive(*row) for row in self._rows("archives")] if self._knows_archives else []

    def base_states(self, streams: Sequence[str]) -> dict[str, BaseState]:
        rows = self._rows("base_states", (list(streams),)) if self._knows_archives else []
        return {row[0]: BaseState(*row) for row in rows}

    def has_stream(self, stream: str) -> bool:
        return bool(self._rows("has_stream", (stream,))[0][0])

    def found(self, wanted: Filter, *, after: int, until: int, limit: int) -> list[LogRow]:
        values = {
            "after": after,
            "until": until,
            "limit": limit,
            "project": wanted.project,
            "stream": wanted.stream,
            "types": None if wanted.types is None else list(wanted.types),
            "actor": wanted.actor,
            "session": wanted.session,
            "correlation": wanted.correlation,
            "command": wanted.command,
        }
        return [LogRow(*row) for row in self._rows("found" if wanted.stream is None else "found_in_stream", values)]

    def commands(self, wanted: Sequence[tuple[str, str]]) -> dict[tuple[str, str], KeptCommand]:
        return {(row[0], row[2]): KeptCommand(*row) for row in self._rows("commands", ([one for one, _ in wanted],))}

    def keys(self, wanted: Sequence[tuple[str, str, str]]) -> dict[tuple[str, str, str], str]:
        columns = [[name[place] for name in wanted] for place in range(3)]
        return {(row[0], row[1], row[2]): row[3] for row in self._rows("keys", columns)}

    def names(self) -> Iterator[tuple[str, str, str, str]]:
        last = ("", "", "")
        while rows := self._rows("names", last):
            yield from ((scope, kind, name, stream) for scope, kind, name, stream in rows)
            last = rows[-1][:3]

    def era(self) -> int:
        era: int = self._rows("era")[0][0]
        return era

    def keys_mark(self) -> str:
        rows = self._rows("keys_mark") if self._rows("keeps_mark")[0][0] else []
        return str(rows[0][0]) if rows else ""

    def close(self) -> None:
        self._connection.close()

    def _rows(self, query: str, values: Sequence[object] | Mapping[str, object] = ()) -> list[tuple[Any, ...]]:
        with faults():
            return self._connection.execute(_SQL[query].encode(), values or None, binary=True).fetchall()


@contextmanager
def faults() -> Generator[None]:
    """Tell a database that is away, or that holds no log, as what it is."""
    try:
        yield
    except (psycopg.OperationalError, psycopg.InterfaceError, psycopg.errors.UndefinedTable) as error:
        raise StoreUnavailable(str(error).strip()) from error
