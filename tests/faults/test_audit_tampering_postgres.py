"""The same tamperings as on SQLite, by somebody who owns the PostgreSQL database: each is found, by its own name."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from infrastructure.bundle.report import Report
from infrastructure.bundle.store_source import StoreSource
from infrastructure.bundle.verify_live import verify_live
from infrastructure.ledger.copies import CheckpointCopies, read_copies
from infrastructure.ledger.key_ring import KeyRing
from infrastructure.ledger.postgres import PostgresLedger
from infrastructure.ledger.scribe import Scribe
from infrastructure.log.port import LogRow
from infrastructure.log.postgres import PostgresLog
from projections.audit_ledger.leaf import leaf_hash
from projections.audit_ledger.tiles import grown
from projections.audit_ledger.verdicts import Verdict
from tests.contracts.groups import NOW, member
from tests.faults.test_audit_tampering import AT, EVENTS, SIX, Rows, Tamper, truncate
from tests.support.postgres import Postgres

COLUMNS = (
    "position, stream, stream_version, type, schema_version, state, recorded_at, project, actor, command_id, "
    "correlation_id, causation_id, traceparent"
)


class World:
    """An honest installation, and whoever tampers with it and then puts everything back."""

    def __init__(self, url: str, folder: Path) -> None:
        self._url, self._folder = url, folder
        self._log, self._ledger = PostgresLog(url, caller_clock=True), PostgresLedger(url)
        origin = self._ledger.origin("signalbox/test")
        self._ring = KeyRing(folder / "keys", origin, now=NOW)
        self._source = StoreSource(self._log, Scribe(self._log, self._ledger, self._ring, origin), "key_test")
        copies = CheckpointCopies(folder / "checkpoints")
        for begin in range(0, EVENTS, 100):
            places = range(begin, begin + 100)
            self._log.append(
                [member(f"c{number}", (f"task_{number % 3}", number // 3 + 1)) for number in places], now=NOW + begin
            )
            checkpoint = self._source.checkpoint()
            assert checkpoint is not None
            copies.keep(checkpoint, at_once=True)
        self._honest = self._stored()
        self._tiles = self._rows("SELECT level, number, hashes FROM signalbox.ledger_tiles")

    def close(self) -> None:
        self._log.close()
        self._ledger.close()

    def live(self) -> Report:
        return verify_live(self._source, self._ring.public_keys(), read_copies(self._folder / "checkpoints"))

    def tamper(self, tamper: Tamper) -> None:
        self._write(tamper(list(self._honest)))

    def rehash(self, size: int) -> None:
        """Compute every tile anew from the events, as the ledger would; only signatures cannot be made."""
        tiles = grown(0, {}, [leaf_hash(row) for row in self._stored()[:size]]).tiles
        self._write_tiles([(level, number, hashes) for (level, number), hashes in tiles.items()])

    def restore(self) -> None:
        self._write(self._honest)
        self._write_tiles(self._tiles)

    def _stored(self) -> Rows:
        return [LogRow(*row) for row in self._rows(f"SELECT {COLUMNS} FROM signalbox.events ORDER BY position")]

    def _rows(self, text: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self._url) as connection:
            return connection.execute(text.encode()).fetchall()

    def _write(self, rows: Rows) -> None:
        with psycopg.connect(self._url) as connection:
            connection.execute("DELETE FROM signalbox.events")
            with connection.cursor() as cursor:
                places = ", ".join(["%s"] * len(LogRow._fields))
                cursor.executemany(f"INSERT INTO signalbox.events ({COLUMNS}) VALUES ({places})".encode(), rows)
            connection.execute("UPDATE signalbox.head SET position = %s", (rows[-1].position,))

    def _write_tiles(self, tiles: list[tuple[Any, ...]]) -> None:
        with psycopg.connect(self._url) as connection, connection.cursor() as cursor:
            cursor.execute("DELETE FROM signalbox.ledger_tiles")
            cursor.executemany("INSERT INTO signalbox.ledger_tiles (level, number, hashes) VALUES (%s, %s, %s)", tiles)


@pytest.fixture(scope="module")
def honest(postgres_server: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    world = World(postgres_server.create_database(), tmp_path_factory.mktemp("honest"))
    yield world
    world.close()


@pytest.fixture
def world(honest: World) -> Iterator[World]:
    yield honest
    honest.restore()


def test_an_honest_database_is_intact(world: World) -> None:
    found = world.live()
    assert (found.verdict, found.events, found.last, found.checkpoints) == (Verdict.INTACT, EVENTS, EVENTS, 7)


@pytest.mark.parametrize("name", sorted(SIX))
def test_a_tampered_database_is_found_out(name: str, world: World) -> None:
    tamper, verdict = SIX[name]
    world.tamper(tamper)
    found = world.live()
    assert found.verdict is verdict, found.findings
    assert found.findings[0].position == AT + 1


def test_hashes_that_were_computed_anew_do_not_help(world: World) -> None:
    world.tamper(SIX["a flipped byte"][0])
    world.rehash(EVENTS)
    assert world.live().verdict is Verdict.REHASHED
    world.restore()
    world.tamper(truncate)
    world.rehash(AT)
    assert world.live().verdict is Verdict.TRUNCATED
