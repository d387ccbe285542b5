"""Random histories whose beginning is archived on the way go on as if nothing had been, and are read as before."""

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from domain import catalogue
from domain.kernel.decider import Recorded
from infrastructure.bundle.store_source import StoreSource
from infrastructure.bundle.verify_live import verify_live
from infrastructure.log.mapper import recorded
from infrastructure.log.memory import MemoryLog
from infrastructure.log.port import Log, LogRow
from infrastructure.log.postgres import PostgresLog
from infrastructure.log.sqlite import SqliteLog
from infrastructure.runtime.hot import HotStates
from infrastructure.runtime.state_codec import freeze
from projections.catalogue import PROJECTIONS
from projections.kernel.replay import replay as folded
from tests.support.archived import Archives
from tests.support.postgres import Postgres
from tests.support.teller import Step, Teller, steps

PLACES = st.integers(0, 40)
"""Before which step of a script something is archived, and how many events up to the end stay."""


class ArchivingTeller(Teller):
    """Archives twice on the way, and remembers no state behind it."""

    def __init__(self, archives: Archives, at: int, left: int) -> None:
        super().__init__(archives.log)
        self._archives = archives
        self._left = left
        self._at = {at, at + 7}
        self._steps = 0

    async def step(self, what: str, who: int, which: int, *, twice: bool) -> None:
        if self._steps in self._at:
            self._archives.archive(max(1, self._archives.stored.head() - self._left))
            self.hot.clear()
        self._steps += 1
        await super().step(what, who, which, twice=twice)


def check(script: list[Step], at: int, left: int, stored: Log, folder: Path) -> None:
    plain = Archives(MemoryLog(), folder / "plain")
    story = asyncio.run(Teller(plain.log).tell(script, twice=False))
    archives = Archives(stored, folder)
    told = asyncio.run(ArchivingTeller(archives, at, left).tell(script, twice=True))
    assert told == story
    _states_are_the_same(plain, archives)
    _streams_are_the_same(archives)
    _rows_are_the_same(plain, archives)
    _kept_states_follow_from_events(archives)


def _states_are_the_same(plain: Archives, archives: Archives) -> None:
    """Also where no bundle can be read."""
    streams = sorted({row.stream for row in plain.stored.page(after=0, limit=5_000)})
    blind = Archives(archives.stored, archives.shelf.folder / "nothing", archives.seeds)
    found = {stream: (version, freeze(state)) for stream, (version, state) in loaded(blind.log, streams).items()}
    assert found == {
        stream: (version, freeze(state)) for stream, (version, state) in loaded(plain.log, streams).items()
    }


def loaded(log: Log, streams: list[str]) -> Any:
    """States of streams as somebody has them who remembers none."""
    return HotStates(log, catalogue.AGGREGATES, catalogue.REGISTRY).load(streams, ()).states


def _streams_are_the_same(archives: Archives) -> None:
    rows = archives.whole.page(after=0, limit=5_000)
    assert [row.position for row in rows] == list(range(1, archives.stored.head() + 1))
    for stream in {row.stream for row in rows}:
        own = [row for row in rows if row.stream == stream]
        assert archives.whole.events_of(stream) == own
        assert archives.whole.events_of(stream, after=1, limit=2) == own[1:3]
    for after in range(0, len(rows), 5):
        assert archives.whole.page(after=after, limit=3) == rows[after : after + 3]
        project = rows[-1].project or ""
        counted = sum(row.project == project for row in rows[after:-1])
        assert archives.whole.count_of(project, after=after, through=len(rows) - 1) == counted


def _rows_are_the_same(plain: Archives, archives: Archives) -> None:
    before, after = (_decoded(one.log.page(after=0, limit=5_000)) for one in (plain, archives))
    for projection in PROJECTIONS:
        expected: dict[str, Any] = folded(projection, before)
        assert folded(projection, after) == expected, projection.name


def _kept_states_follow_from_events(archives: Archives) -> None:
    scribe = archives.scribe()
    keys = [one.public_key() for one in scribe.store.public_keys()]
    boundary = max((one.last for one in archives.stored.archives()), default=0)
    report = verify_live(StoreSource(archives.whole, scribe, "key_1"), keys, boundary=boundary)
    assert report.findings == ()
    assert report.bases == len(archives.stored.base_states_behind("", limit=5_000))


def _decoded(rows: list[LogRow]) -> list[Recorded]:
    # When something was recorded is the clock's, of which each log has its own.
    return [recorded(row._replace(recorded_at=row.position), catalogue.REGISTRY) for row in rows]


@settings(max_examples=7)
@given(steps, PLACES, PLACES)
def test_an_archived_log_in_sqlite_goes_on_as_if_nothing_had_been(script: list[Step], at: int, left: int) -> None:
    with TemporaryDirectory() as folder:
        log = SqliteLog(Path(folder) / "signalbox.db")
        try:
            check(script, at, left, log, Path(folder))
        finally:
            log.close()


@settings(max_examples=7)
@given(steps, PLACES, PLACES)
def test_an_archived_log_in_memory_goes_on_as_if_nothing_had_been(script: list[Step], at: int, left: int) -> None:
    with TemporaryDirectory() as folder:
        check(script, at, left, MemoryLog(), Path(folder))


@settings(max_examples=3)
@given(steps, PLACES, PLACES)
def test_an_archived_log_in_postgresql_goes_on_as_if_nothing_had_been(
    postgres_server: Postgres, script: list[Step], at: int, left: int
) -> None:
    url = postgres_server.create_database()
    with TemporaryDirectory() as folder:
        log = PostgresLog(url, caller_clock=True)
        try:
            check(script, at, left, log, Path(folder))
        finally:
            log.close()
            postgres_server.drop_database(url)
