"""Fixtures of the contracts: a fresh store of each kind."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from infrastructure.log.port import Log
from tests.contracts.stores import STORES, Place


@pytest.fixture(params=sorted(STORES))
def store_name(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def store_place(store_name: str, tmp_path: Path, request: pytest.FixtureRequest) -> Place:
    url = request.getfixturevalue("postgres_url") if store_name == "postgres" else None
    return Place(tmp_path, url)


@pytest.fixture
def log_store(store_name: str, store_place: Place) -> Iterator[Log]:
    """A fresh log of each store."""
    log = STORES[store_name](store_place)
    yield log
    log.close()
