"""A read model that keeps no past is compared while it moves, on every store."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from infrastructure.rows.builds import Scanned
from infrastructure.rows.generations import Generation
from infrastructure.rows.memory import MemoryRows
from infrastructure.rows.port import RowStore
from infrastructure.rows.postgres import PostgresRows
from infrastructure.rows.sqlite import SqliteRows
from infrastructure.runtime.builds import worker
from projections.fleet_metrics.projection import FLEET_METRICS
from tests.contracts.test_builds import EVENTS, MORE, SOME, Place, whole
from tests.projections.histories import append


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RowStore]:
    match request.param:
        case "memory":
            opened: RowStore = MemoryRows()
        case "sqlite":
            opened = SqliteRows(tmp_path / "rows.db")
        case _:
            opened = PostgresRows(request.getfixturevalue("postgres_url"))
    yield opened
    opened.close()


def test_a_live_one_that_moves_whenever_it_is_read_is_compared(
    store: RowStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = Place(store, (FLEET_METRICS,))
    read = store.every_version

    def every_version(generation: Generation) -> Scanned:
        place.grow(min(len(EVENTS), place.log.head() + 1))
        found = read(generation)
        place.grow(min(len(EVENTS), place.log.head() + 1))
        return found

    monkeypatch.setattr(store, "every_version", every_version)
    place.desk.rebuild((), purpose="rebuild", hold=False, by="key_1")
    place.step()
    assert place.build("fleet_metrics").phase == "promoted"
    assert place.log.head() > SOME
    place.projector.look_again()
    place.projector.catch_up()
    assert place.is_right(FLEET_METRICS)


def test_a_live_one_that_stands_is_given_up_and_one_that_goes_on_is_compared(
    store: RowStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "STANDS_SECONDS_MAX", 0.2)
    monkeypatch.setattr(worker, "COMPARISON_SECONDS", 0.01)
    place = Place(store, (FLEET_METRICS,))
    append(place.log, EVENTS[SOME:MORE])
    place.desk.rebuild((), purpose="rebuild", hold=False, by="key_1")
    place.step()
    build = place.build("fleet_metrics")
    assert build.phase == "failed"
    assert build.error == (
        f"the live generation stands at @{SOME}, before @{MORE} where the built one is: let it go on, then ask again"
    )

    read = store.every_version

    def every_version(generation: Generation) -> Scanned:
        place.projector.catch_up()
        return read(generation)

    append(place.log, EVENTS[MORE : whole(MORE + 20)])
    monkeypatch.setattr(store, "every_version", every_version)
    place.desk.rebuild((), purpose="rebuild", hold=False, by="key_1")
    place.step()
    assert place.build("fleet_metrics").phase == "promoted"
