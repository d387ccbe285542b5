"""Kill -9 of the server while the example pipelines run: each ends as it always does, and nothing is done twice."""

import random
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.aftermath import check_aftermath
from tests.faults.run_cases import CASES, every_case, wave_of
from tests.faults.run_checker import run_violations
from tests.faults.run_load import Runs, Workers
from tests.faults.server_process import ServerProcess

PROJECTS = ("shop", "shop", "core", "web", "product")
"""Of the workers, one of each."""


@pytest.fixture(params=["sqlite", "postgres"])
def store(request: pytest.FixtureRequest) -> str:
    url: str = request.getfixturevalue("postgres_url") if request.param == "postgres" else "sqlite"
    return url


@pytest.fixture
def server(store: str, tmp_path: Path) -> Iterator[ServerProcess]:
    process = ServerProcess(tmp_path / "data", store, steady=True)
    yield process
    process.close()


def survive(server: ServerProcess, store: str, folder: Path, *, points: int, waves: int, seed: int) -> int:
    """Every example ``waves`` times, the server killed at so many points of each; answers how often it was killed.

    Behind two points of three it is killed again as soon as it is back: what it had begun to mend is left half done.
    """
    chance = random.Random(seed)
    server.start()
    runs = Runs(server, seed)
    workers = Workers(folder, folder / "data", PROJECTS)
    kills = 0
    try:
        runs.prepare(CASES)
        workers.start()
        works = sum(case.works for case in every_case())
        for wave in range(waves):
            runs.begin(wave_of(wave))
            for number, point in enumerate(sorted(chance.choices(range(works), k=points))):
                workers.reach(wave * works + point, runs)
                for _ in range(2 if number % 3 else 1):
                    time.sleep(chance.uniform(0.0, 0.08))  # somewhere in what follows: any moment is a good one
                    server.kill()
                    server.start()
                    kills += 1
            runs.wait()
    finally:
        runs.close()
        workers.close()
    server.stop()
    stored = check_aftermath(folder / "data", store, runs.history)
    wrong = run_violations(stored, runs.started, workers.effects.read_text())
    assert not wrong, wrong[:20]
    assert len(runs.started) == waves * len(CASES)
    sys.stdout.write(f"{len(runs.started)} runs, {workers.done()} pieces of work, {kills} kills\n")
    return kills


@pytest.mark.timeout(900)
def test_runs_survive_kills_of_the_server(server: ServerProcess, store: str, tmp_path: Path) -> None:
    # A start on PostgreSQL waits for what the killed one still had under way.
    points, kills = (7, 11) if store.startswith("postgres") else (12, 20)
    assert survive(server, store, tmp_path, points=points, waves=1, seed=5) == kills


@pytest.mark.soak
@pytest.mark.timeout(1_800)
@pytest.mark.parametrize("seed", range(4))
def test_runs_survive_many_kills_of_the_server(server: ServerProcess, store: str, tmp_path: Path, seed: int) -> None:
    assert survive(server, store, tmp_path, points=12, waves=5, seed=seed) == 100
