"""Seeds in tables beside the log, shared by every node."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

from infrastructure.history.postgres import connect_read_only, faults
from infrastructure.log.port import StoreUnavailable
from infrastructure.log.postgres_arrays import blobs, texts
from infrastructure.log.postgres_connections import Parameters, Readers, Row, connect
from infrastructure.sql import load

_SQL: Final = load("postgres/keys.sql")
_CONNECTIONS_MAX: Final = 2
_ATTEMPTS_MAX: Final = 3
"""Each waits some seconds for a connection."""


class PostgresSeeds:
    """Opened after the log, which migrates the schema. Raises StoreUnavailable."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._readers: Final = Readers(url, connections_max=_CONNECTIONS_MAX)

    def begin(self, root: bytes) -> None:
        self._rows(_SQL["begin"], (root,))

    def seed(self, prefix: str) -> bytes | None:
        rows = self._rows(_SQL["seed"], (prefix,))
        return bytes(rows[0][0]) if rows else None

    def destroyed(self) -> list[str]:
        return [row[0] for row in self._rows(_SQL["destroyed"])]

    def cut(self, prefix: str, path: str, left: Mapping[str, bytes]) -> bool:
        rows = self._rows(_SQL["cut"], (prefix, texts(list(left)), blobs(list(left.values())), path))
        if not rows[0][0]:
            return False
        # A deleted row stays in its page until then. It cannot run inside a transaction, nor with a parameter.
        with faults(), connect(self._url, purpose="erase") as connection:
            connection.execute(_SQL["vacuum"].encode())
        return True

    def done(self) -> int:
        return int(self._rows(_SQL["done"])[0][0])

    def move_done(self, position: int) -> None:
        self._rows(_SQL["move_done"], (position,))

    def close(self) -> None:
        self._readers.close()

    def _rows(self, query: str, parameters: Parameters = ()) -> list[Row]:
        """What is asked so seldom that its connection may have to be made first, by a server that is busy."""
        for _ in range(_ATTEMPTS_MAX - 1):
            with suppress(StoreUnavailable):
                return self._readers.rows(query, parameters)
        return self._readers.rows(query, parameters)


class PostgresSeedsRead:
    """The same tables, read beside the nodes. Raises StoreUnavailable where there are none."""

    def __init__(self, url: str) -> None:
        self._connection: Final = connect_read_only(url)
        if not self._rows("keeps_seeds")[0][0]:
            self._connection.close()
            raise StoreUnavailable("no keys of subjects are kept there")

    def seed(self, prefix: str) -> bytes | None:
        rows = self._rows("seed", prefix)
        return bytes(rows[0][0]) if rows else None

    def destroyed(self) -> list[str]:
        return [row[0] for row in self._rows("destroyed")]

    def close(self) -> None:
        self._connection.close()

    def _rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        with faults():
            return self._connection.execute(_SQL[query].encode(), values or None, binary=True).fetchall()
