"""The library's own cases on our log in PostgreSQL."""

import os
from typing import ClassVar

import pytest
from eventsourcing.persistence import InfrastructureFactoryError
from eventsourcing.utils import Environment

from infrastructure.log.factory_postgres import POSTGRES_URL, PostgresFactory
from tests.contracts import library_cases as cases


class OnStore:
    factory_class: ClassVar[type[cases.Factory]] = PostgresFactory

    @pytest.fixture(autouse=True)
    def _database(self, postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv(POSTGRES_URL, postgres_url)


class TestAggregateRecorder(OnStore, cases.AggregateRecorders):
    pass


class TestSnapshotRecorder(OnStore, cases.SnapshotRecorders):
    pass


class TestApplicationRecorder(OnStore, cases.ApplicationRecorders):
    pass


class TestTrackingRecorder(OnStore, cases.TrackingRecorders):
    pass


class TestProcessRecorder(OnStore, cases.ProcessRecorders):
    pass


class TestNonInterleaving(OnStore, cases.NonInterleaving):
    pass


class TestFactory(OnStore, cases.Factories):
    def setUp(self) -> None:
        self.env = Environment("Tests", {name: os.environ[name] for name in ("PERSISTENCE_MODULE", POSTGRES_URL)})
        super(cases.Factories, self).setUp()


class TestExampleApplication(OnStore, cases.ExampleApplications):
    pass


class TestApplication(OnStore, cases.Applications):
    pass


def test_a_factory_without_a_database_says_which_setting_is_missing() -> None:
    with pytest.raises(InfrastructureFactoryError, match=POSTGRES_URL):
        PostgresFactory({})
