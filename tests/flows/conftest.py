"""Fixtures of the tests that go through the doors."""

import pytest

from tests.support.waiting import SECONDS_MAX


@pytest.fixture(autouse=True)
def patient_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    """A read waits for its write as long as a busy machine needs, instead of telling after two seconds what was."""
    monkeypatch.setattr("api.composition.reads.STALE_SECONDS", SECONDS_MAX)
    monkeypatch.setattr("api.graphql.context.STALE_SECONDS", SECONDS_MAX)
