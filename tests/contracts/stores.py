"""The stores that the contracts run against, by name."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from infrastructure.log.port import Log


@dataclass(frozen=True, slots=True)
class Place:
    """Where a store of a test may live: a folder of its own and, for PostgreSQL, the URL of an empty database."""

    folder: Path
    postgres_url: str | None = None


def open_memory(_: Place) -> Log:
    from infrastructure.log.memory import MemoryLog

    return MemoryLog()


def open_sqlite(place: Place) -> Log:
    from infrastructure.log.sqlite import SqliteLog

    return SqliteLog(place.folder / "log" / "signalbox.db")


def open_postgres(place: Place) -> Log:
    from infrastructure.log.postgres import PostgresLog

    assert place.postgres_url is not None
    return PostgresLog(place.postgres_url, caller_clock=True)


_ALL: Final[dict[str, Callable[[Place], Log]]] = {
    "memory": open_memory,
    "sqlite": open_sqlite,
    "postgres": open_postgres,
}
STORES: Final = {name: opened for name, opened in _ALL.items() if find_spec(f"infrastructure.log.{name}")}
