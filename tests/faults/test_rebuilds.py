"""Read models rebuilt under load while their server is killed: they end as a fresh fold, and are never read half."""

import json
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from signalbox.client.transport import HttpRequest, Transport
from tests.faults.aftermath import check_aftermath
from tests.faults.load import Load
from tests.faults.server_process import ServerProcess
from tests.support.waiting import SECONDS_MAX

KILLS = 1
REBUILD = """mutation { done: rebuildProjections(names: []) {
  __typename ... on Rejected { code } } }"""
PHASES = "{ projections { models { name state generation build { phase generation error comparison } } } }"
BOARD = '{ tasks(first: 1) { position edges { node { id } } } taskCounts(project: "shop") { counts { total } } }'


@pytest.fixture(params=["sqlite", "postgres"])
def store(request: pytest.FixtureRequest) -> str:
    url: str = request.getfixturevalue("postgres_url") if request.param == "postgres" else "sqlite"
    return url


@pytest.fixture
def server(store: str, tmp_path: Path) -> Iterator[ServerProcess]:
    process = ServerProcess(tmp_path / "data", store, graphql=True)
    yield process
    process.close()


def ask(server: ServerProcess, query: str) -> dict[str, Any]:
    """The data of an answer."""
    transport = Transport(server.url, {"Authorization": f"Bearer {server.key}", "Content-Type": "application/json"})
    try:
        body = json.dumps({"query": query}).encode()
        answer = transport.send(HttpRequest("POST", "/graphql", body, 2 * SECONDS_MAX))
    finally:
        transport.close()
    content = json.loads(answer.body)
    assert "errors" not in content, content
    found: dict[str, Any] = content["data"]
    return found


def phases(server: ServerProcess) -> set[str]:
    models = ask(server, PHASES)["projections"]["models"]
    assert {one["state"] for one in models} == {"following"}, models
    wrong = [one for one in models if one["build"] and one["build"]["phase"] in ("failed", "differs")]
    assert not wrong, json.dumps(wrong, indent=1)
    return {one["build"]["phase"] for one in models if one["build"]}


def all_promoted(server: ServerProcess, *, seconds: float = 200) -> None:
    until = time.monotonic() + seconds
    while phases(server) != {"promoted"}:
        failed = [
            (one["name"], one["build"]) for one in ask(server, PHASES)["projections"]["models"] if one["build"]["error"]
        ]
        assert not failed
        assert time.monotonic() < until, phases(server)
        time.sleep(0.1)


@pytest.mark.timeout(600)
def test_rebuilds_survive_kills_under_load(server: ServerProcess, store: str, tmp_path: Path) -> None:
    chance = random.Random(9)
    server.start()
    load = Load(lambda: [server.url], server.key, workers=2, seed=9)
    load.start()
    seen: list[int] = []
    try:
        load.reach(60)
        for _ in range(KILLS):
            ask(server, REBUILD)
            ends_at = time.monotonic() + chance.uniform(0.0, 0.8)
            while time.monotonic() < ends_at:
                # Nobody ever reads half of one: what is counted never becomes less.
                counted = ask(server, BOARD)["taskCounts"]["counts"]
                seen.append(sum(one["total"] for one in counted))
            server.kill()
            server.start()
            all_promoted(server)
    finally:
        load.end()
    assert not load.history.faults
    generations = {one["generation"] for one in ask(server, PHASES)["projections"]["models"]}
    server.stop()
    assert seen == sorted(seen)
    assert generations == {1 + KILLS}
    check_aftermath(tmp_path / "data", store, load.history)
