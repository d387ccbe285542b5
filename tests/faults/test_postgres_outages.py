"""PostgreSQL stopped like a crash, and its backends cut off, under load: the server goes on and loses nothing."""

import random
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.faults.aftermath import check_aftermath
from tests.faults.load import Load
from tests.faults.server_process import ServerProcess
from tests.support.postgres import PostgresServer

ACKNOWLEDGED_MIN = 100


@pytest.fixture
def store(postgres_own_server: PostgresServer) -> Iterator[str]:
    url = postgres_own_server.create_database()
    yield url
    postgres_own_server.start()
    postgres_own_server.drop_database(url)


@pytest.fixture
def servers(store: str, tmp_path: Path) -> Iterator[list[ServerProcess]]:
    """Two nodes on one database."""
    nodes = [ServerProcess(tmp_path / f"data-{number}", store) for number in range(2)]
    yield nodes
    for node in nodes:
        node.close()


def start(servers: list[ServerProcess]) -> Load:
    for node in servers:
        node.start()
    load = Load(lambda: [node.url for node in servers], servers[0].key, workers=4, seed=5)
    load.start()
    return load


def finish(load: Load, servers: list[ServerProcess], store: str, data: Path) -> None:
    """Let the load become one worth the name and end, and judge the log."""
    load.reach(ACKNOWLEDGED_MIN)
    load.drain()
    for node in servers:
        node.stop()
    check_aftermath(data, store, load.history)


def test_the_database_crashes_and_comes_back(
    servers: list[ServerProcess], store: str, tmp_path: Path, postgres_own_server: PostgresServer
) -> None:
    chance = random.Random(3)
    load = start(servers)
    try:
        for _ in range(3):
            time.sleep(chance.uniform(0.3, 1.0))
            postgres_own_server.restart(immediate=True)
        finish(load, servers, store, tmp_path)
    finally:
        load.end()


def test_backends_are_cut_off(
    servers: list[ServerProcess], store: str, tmp_path: Path, postgres_own_server: PostgresServer
) -> None:
    chance = random.Random(4)
    load = start(servers)
    try:
        with psycopg.connect(store, autocommit=True) as connection:
            for _ in range(20):
                time.sleep(chance.uniform(0.05, 0.2))
                connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
        finish(load, servers, store, tmp_path)
    finally:
        load.end()


def test_a_node_freezes_for_longer_than_its_duty_and_goes_on(
    servers: list[ServerProcess], store: str, tmp_path: Path
) -> None:
    load = start(servers)
    try:
        time.sleep(0.5)
        servers[0].freeze()
        time.sleep(5)
        servers[0].thaw()
        finish(load, servers, store, tmp_path)
    finally:
        load.end()
