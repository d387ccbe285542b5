"""The library's own cases on our log in a SQLite file."""

from typing import ClassVar

from infrastructure.log.factory_sqlite import SqliteFactory
from tests.contracts import library_cases as cases


class OnStore:
    factory_class: ClassVar[type[cases.Factory]] = SqliteFactory


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
    pass


class TestExampleApplication(OnStore, cases.ExampleApplications):
    pass


class TestApplication(OnStore, cases.Applications):
    pass
