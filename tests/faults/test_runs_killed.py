"""Kill -9 of the server while the example pipelines run: each ends as it always does, and nothing is done twice."""

import random
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.aftermath import check_aftermath
from tests.faults.run_cases import CASES
from tests.faults.run_checker import run_violations
from tests.faults.run_load import Runs, Workers
from tests.faults.server_process import ServerProcess

WORKERS = 2


@pytest.fixture(params=["sqlite", "postgres"])
def store(request: pytest.FixtureRequest) -> str:
    url: str = request.getfixturevalue("postgres_url") if request.param == "postgres" else "sqlite"
    return url


@pytest.fixture
def server(store: str, tmp_path: Path) -> Iterator[ServerProcess]:
    process = ServerProcess(tmp_path / "data", store, steady=True)
    yield process
    process.close()


def survive(server: ServerProcess, store: str, folder: Path, *, kills: int, waves: int, seed: int) -> None:
    """Every example ``waves`` times, the server killed ``kills`` times in each while its work is under way."""
    chance = random.Random(seed)
    server.start()
    runs = Runs(server, seed)
    workers = Workers(folder, folder / "data", WORKERS)
    try:
        runs.prepare(CASES)
        works = sum(case.works for case in CASES)
        for wave in range(waves):
            runs.begin(CASES)
            for point in sorted(chance.choices(range(works), k=kills)):
                workers.reach(wave * works + point, runs)
                time.sleep(chance.uniform(0.0, 0.08))  # somewhere in what follows: any moment is a good one
                server.kill()
                server.start()
            runs.wait()
    finally:
        runs.close()
        workers.close()
    server.stop()
    stored = check_aftermath(folder / "data", store, runs.history)
    wrong = run_violations(stored, runs.started, workers.effects.read_text())
    assert not wrong, wrong[:20]
    assert len(runs.started) == waves * len(CASES)
    sys.stdout.write(f"{len(runs.started)} runs, {workers.done()} pieces of work, {kills * waves} kills\n")


@pytest.mark.timeout(900)
def test_runs_survive_kills_of_the_server(server: ServerProcess, store: str, tmp_path: Path) -> None:
    # A start on PostgreSQL waits for what the killed one still had under way.
    survive(server, store, tmp_path, kills=6 if store.startswith("postgres") else 12, waves=1, seed=5)


@pytest.mark.soak
@pytest.mark.timeout(1_800)
@pytest.mark.parametrize("seed", range(4))
def test_runs_survive_many_kills_of_the_server(server: ServerProcess, store: str, tmp_path: Path, seed: int) -> None:
    survive(server, store, tmp_path, kills=12, waves=5, seed=seed)
