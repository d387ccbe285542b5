"""Kill -9 of the server at random moments under load: nothing acknowledged is lost, nothing is doubled."""

import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.aftermath import check_aftermath
from tests.faults.load import Load
from tests.faults.server_process import ServerProcess

WORKERS = 6


@pytest.fixture(params=["sqlite", "postgres"])
def store(request: pytest.FixtureRequest) -> str:
    url: str = request.getfixturevalue("postgres_url") if request.param == "postgres" else "sqlite"
    return url


@pytest.fixture
def server(store: str, tmp_path: Path) -> Iterator[ServerProcess]:
    process = ServerProcess(tmp_path / "data", store)
    yield process
    process.close()


def survive(server: ServerProcess, store: str, data: Path, *, kills: int, seed: int) -> None:
    chance = random.Random(seed)
    server.start()
    load = Load(lambda: [server.url], server.key, workers=WORKERS, seed=seed)
    load.start()
    try:
        for _ in range(kills):
            time.sleep(chance.uniform(0.05, 0.9))
            server.kill()
            server.start()
        # A load that never met the faults would show nothing.
        load.reach(20 * kills)
        load.drain()
    finally:
        load.end()
    server.stop()
    stored = check_aftermath(data, store, load.history)
    assert load.history.count("info") >= kills
    assert len(stored) >= 50 * kills


def test_some_kills_under_load(server: ServerProcess, store: str, tmp_path: Path) -> None:
    # A start on PostgreSQL waits for what the killed one still had under way.
    survive(server, store, tmp_path / "data", kills=8 if store.startswith("postgres") else 14, seed=11)


@pytest.mark.soak
@pytest.mark.timeout(1_800)
@pytest.mark.parametrize("seed", range(5))
def test_many_kills_under_load(server: ServerProcess, store: str, tmp_path: Path, seed: int) -> None:
    survive(server, store, tmp_path / "data", kills=60, seed=seed)
