"""Servers see each other: real processes, one of them killed, one stopped."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from signalbox.client import Client, asks
from tests.faults.server_process import ServerProcess
from tests.support.waiting import until

ROSTER = "{ nodes { edges { node { id status url leaseSeconds changedAt now { at head warnings } } } } }"


def name(server: ServerProcess) -> str:
    with Client.find(url=server.url, key=server.key) as client:
        return str(client.ask(asks.status())["node"])


def roster(server: ServerProcess) -> dict[str, Any]:
    """What a server shows, by node."""
    with Client.find(url=server.url, key=server.key) as client:
        data: Any = client.graphql(ROSTER)
    return {edge["node"]["id"]: edge["node"] for edge in data["nodes"]["edges"]}


def shown(server: ServerProcess, node: str, status: str) -> Any:
    """What a server shows of a node, once it shows it in this status."""
    found: list[Any] = []

    def is_shown() -> bool:
        found[:] = [one for one in roster(server).values() if one["id"] == node and one["status"] == status]
        return bool(found)

    until(is_shown)
    return found[0]


@pytest.fixture
def servers(tmp_path: Path, postgres_url: str) -> Iterator[list[ServerProcess]]:
    made = [ServerProcess(tmp_path / f"data-{number}", postgres_url, graphql=True) for number in range(2)]
    for one in made:
        one.start()
    yield made
    for one in made:
        one.close()


def test_a_killed_node_is_lost_after_its_lease_and_a_stopped_one_has_left(servers: list[ServerProcess]) -> None:
    other, survivor = servers
    here, killed = name(survivor), name(other)
    assert shown(survivor, killed, "HEALTHY")["url"] == other.url
    shown(other, here, "HEALTHY")
    other.kill()
    lost = shown(survivor, killed, "LOST")
    assert lost["changedAt"] - lost["now"]["at"] >= (lost["leaseSeconds"] - 1) * 1_000_000, "never early"
    other.start()
    stopped = name(other)
    shown(survivor, stopped, "HEALTHY")
    other.stop()
    shown(survivor, stopped, "LEFT")
    assert roster(survivor).keys() == {here, killed, stopped}, "another process is another node"


def test_the_one_node_of_a_file_shows_and_has_left_when_it_was_stopped(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path / "data", "sqlite", graphql=True)
    server.start()
    try:
        first = name(server)
        until(lambda: shown(server, first, "HEALTHY")["now"]["warnings"] == [])
        server.stop()
        server.start()
        shown(server, name(server), "HEALTHY")
        assert roster(server)[first]["status"] == "LEFT"
    finally:
        server.close()
