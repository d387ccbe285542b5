"""Fixtures every test folder shares."""

from collections.abc import Iterator

import pytest

from tests.support.postgres import Postgres, PostgresServer, open_own_server, open_postgres


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Postgres]:
    """One PostgreSQL per test process (each xdist worker its own), started by the first test that asks."""
    server = open_postgres()
    yield server
    server.close()


@pytest.fixture(scope="session")
def postgres_own_server(postgres_server: Postgres) -> Iterator[PostgresServer]:
    """A server the test may stop, restart and kill; it is put back into service by `start`."""
    if isinstance(postgres_server, PostgresServer):
        yield postgres_server
        return
    server = open_own_server()
    yield server
    server.close()


@pytest.fixture
def postgres_url(postgres_server: Postgres) -> Iterator[str]:
    """The URL of a fresh, empty database; it is dropped afterwards."""
    url = postgres_server.create_database()
    yield url
    if isinstance(postgres_server, PostgresServer):
        postgres_server.start()  # a test may have left it stopped
    postgres_server.drop_database(url)
