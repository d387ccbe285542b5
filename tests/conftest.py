"""Fixtures every test folder shares."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.support.postgres import Postgres, PostgresServer, open_own_server, open_postgres

# Where Python is told to leave no bytecode behind, each of the many processes that tests start would compile all that
# it imports. So it goes into the environment's folder, not between the sources.
if os.environ.pop("PYTHONDONTWRITEBYTECODE", None):
    sys.pycache_prefix = os.environ["PYTHONPYCACHEPREFIX"] = str(Path(sys.prefix) / "bytecode")
    sys.dont_write_bytecode = False

# No clock for one example, nor for making it: on two busy cores it measures the neighbours. The test's own timeout
# bounds both.
settings.register_profile("signalbox", deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("signalbox")


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Every `async def test_…` runs on asyncio; session-wide, so that fixtures of any scope may be async."""
    return "asyncio"


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
