"""Reads that wait for their write as long as a busy machine needs, instead of telling after two seconds what was."""

from importlib import import_module
from typing import Final

import pytest

from infrastructure.settings import HttpSettings
from tests.support.waiting import SECONDS_MAX

_BOUNDS: Final = (
    ("api.composition.reads", "STALE_SECONDS"),
    ("api.graphql.context", "STALE_SECONDS"),
    ("api.graphql.execution", "DEADLINE_SECONDS"),
)
"""A whole answer is given as long as the read that it waits for."""
PATIENT: Final = HttpSettings(command_seconds_max=SECONDS_MAX)
"""Of servers in the test's own process: a command is answered, however long a busy machine keeps it from its turn."""


@pytest.fixture(autouse=True)
def patient_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the servers of the test's own process."""
    for module, name in _BOUNDS:
        monkeypatch.setattr(f"{module}.{name}", SECONDS_MAX)


def read_patiently() -> None:
    """In this process from now on, which ends with its test."""
    for module, name in _BOUNDS:
        setattr(import_module(module), name, SECONDS_MAX)
