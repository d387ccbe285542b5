"""Kill -9 of the server while the example pipelines run: each ends as it always does, and nothing is done twice."""

import random
import sys
import time
from collections.abc import Iterator, Sequence
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
def servers(store: str, tmp_path: Path) -> Iterator[list[ServerProcess]]:
    """Two nodes where they share a store; whoever has need of one lets the other rest."""
    nodes = 2 if store.startswith("postgres") else 1
    made = [ServerProcess(tmp_path / f"data-{number}", store, steady=True) for number in range(nodes)]
    yield made
    for one in made:
        one.close()


def survive(servers: Sequence[ServerProcess], store: str, folder: Path, *, points: int, waves: int, seed: int) -> int:
    """Every example ``waves`` times, the servers killed in turn at so many points of each; answers how often that was.

    Behind two points of three the same is killed again as soon as it is back: what it had begun to mend is left half
    done, or taken up by the other meanwhile.
    """
    chance = random.Random(seed)
    for server in servers:
        server.start()
    runs = Runs(servers, seed)
    workers = Workers(folder, servers, PROJECTS)
    kills = 0
    try:
        runs.prepare(CASES)
        workers.start()
        works = sum(case.works for case in every_case())
        for wave in range(waves):
            runs.begin(wave_of(wave))
            for number, point in enumerate(sorted(chance.choices(range(works), k=points))):
                workers.reach(wave * works + point, runs)
                server = servers[number % len(servers)]
                for _ in range(2 if number % 3 else 1):
                    time.sleep(chance.uniform(0.0, 0.08))  # somewhere in what follows: any moment is a good one
                    server.kill()
                    server.start()
                    kills += 1
            runs.wait()
    finally:
        runs.close()
        workers.close()
    for server in servers:
        server.stop()
    stored = check_aftermath(folder / "data-0", store, runs.history)
    wrong = run_violations(stored, runs.started, workers.effects.read_text())
    assert not wrong, wrong[:20]
    assert len(runs.started) == waves * len(CASES)
    told = f"{len(runs.started)} runs, {workers.done()} pieces of work, {len(stored)} events, {kills} kills\n"
    sys.stdout.write(told)
    return kills


@pytest.mark.timeout(900)
def test_runs_survive_kills_of_the_server(servers: list[ServerProcess], store: str, tmp_path: Path) -> None:
    # A start on PostgreSQL waits for what the killed one still had under way.
    points, kills = (7, 11) if store.startswith("postgres") else (12, 20)
    assert survive(servers[:1], store, tmp_path, points=points, waves=1, seed=5) == kills


@pytest.mark.soak
@pytest.mark.timeout(1_800)
@pytest.mark.parametrize("seed", range(4))
def test_runs_survive_many_kills_of_the_server(
    servers: list[ServerProcess], store: str, tmp_path: Path, seed: int
) -> None:
    # On a shared store every other seed has two nodes that are killed in turn.
    nodes = servers[: 1 + seed % 2]
    assert survive(nodes, store, tmp_path, points=12, waves=5, seed=seed) == 100
