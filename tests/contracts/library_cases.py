"""The library's own cases, asked of our recorders; a module per store names the store and nothing else."""

import os
import unittest
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
from eventsourcing.persistence import (
    AggregateRecorder,
    ApplicationRecorder,
    InfrastructureFactory,
    OperationalError,
    ProcessRecorder,
    TrackingRecorder,
)
from eventsourcing.tests import application, persistence
from eventsourcing.utils import Environment, EnvType, get_topic

from infrastructure.log.factory import LogFactory
from infrastructure.log.recorders import (
    LogAggregateRecorder,
    LogApplicationRecorder,
    LogProcessRecorder,
    LogTrackingRecorder,
)

Factory = LogFactory[LogTrackingRecorder]
CONTENTIONS_MAX = 4


class OnStore(unittest.TestCase):
    """Names the store in the environment, as the library's user does, and closes what a case leaves open."""

    factory_class: ClassVar[type[Factory]]

    @pytest.fixture(autouse=True)
    def _named(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        monkeypatch.setenv("PERSISTENCE_MODULE", self.factory_class.__module__)
        monkeypatch.setenv("SQLITE_DBNAME", str(tmp_path / "log" / "library.db"))
        opened: list[Factory] = []
        construct = LogFactory.__init__

        def close_all() -> None:
            while opened:
                opened.pop().close()

        def noted(factory: Factory, env: Any) -> None:
            close_all()  # a store has one owner at a time; a case that opens another is done with the first
            construct(factory, env)
            opened.append(factory)

        monkeypatch.setattr(LogFactory, "__init__", noted)
        yield
        close_all()

    def constructed(self) -> Factory:
        construct: Any = InfrastructureFactory.construct
        factory = construct(Environment("Tests", dict(os.environ)))
        assert isinstance(factory, self.factory_class)
        return factory


class AggregateRecorders(OnStore, persistence.AggregateRecorderTestCase):
    def create_recorder(self) -> AggregateRecorder:
        return self.constructed().aggregate_recorder()


class SnapshotRecorders(OnStore, persistence.AggregateRecorderTestCase):
    def create_recorder(self) -> AggregateRecorder:
        return self.constructed().aggregate_recorder("snapshots")


class ApplicationRecorders(OnStore, persistence.ApplicationRecorderTestCase[ApplicationRecorder]):
    def create_recorder(self) -> ApplicationRecorder:
        return self.constructed().application_recorder()

    def test_insert_subscribe(self) -> None:
        self.optional_test_insert_subscribe()


class TrackingRecorders(OnStore, persistence.TrackingRecorderTestCase):
    def create_recorder(self) -> TrackingRecorder:
        return self.constructed().tracking_recorder()


class ProcessRecorders(OnStore, persistence.ProcessRecorderTestCase):
    def create_recorder(self) -> ProcessRecorder:
        return self.constructed().process_recorder()


class NonInterleaving(OnStore, persistence.NonInterleavingNotificationIDsBaseCase):
    def create_recorder(self) -> ApplicationRecorder:
        return self.constructed().application_recorder()


class OwnTrackingRecorder(LogTrackingRecorder):
    """A class of recorders that a setting can name."""


class Factories(OnStore, persistence.InfrastructureFactoryTestCase[Factory]):
    def setUp(self) -> None:
        self.env = Environment("Tests", {name: os.environ[name] for name in ("PERSISTENCE_MODULE", "SQLITE_DBNAME")})
        super().setUp()

    def expected_factory_class(self) -> type[Factory]:
        return self.factory_class

    def expected_aggregate_recorder_class(self) -> type[AggregateRecorder]:
        return LogAggregateRecorder

    def expected_application_recorder_class(self) -> type[ApplicationRecorder]:
        return LogApplicationRecorder

    def expected_tracking_recorder_class(self) -> type[TrackingRecorder]:
        return LogTrackingRecorder

    def tracking_recorder_subclass(self) -> type[TrackingRecorder]:
        return OwnTrackingRecorder

    def expected_process_recorder_class(self) -> type[ProcessRecorder]:
        return LogProcessRecorder


class ExampleApplications(OnStore, application.ExampleApplicationTestCase):
    @property
    def expected_factory_topic(self) -> str:  # type: ignore[override]  # the case only reads it
        return get_topic(self.factory_class)


@pytest.mark.filterwarnings("default::DeprecationWarning")  # one case asks for the library's own
class Applications(OnStore, application.ApplicationTestCase):
    def _check_aggregate_fastforwarding_during_contention(self, env: EnvType) -> None:
        """The library gives a hundred threads ten seconds of a machine of their own; a busy one gets more tries.

        A thread that gets no processor for some seconds may also lose its transaction, as it should.
        """
        for tries_left in reversed(range(CONTENTIONS_MAX)):
            try:
                super()._check_aggregate_fastforwarding_during_contention(env)
            except (AssertionError, OperationalError) as problem:
                if not tries_left or (isinstance(problem, AssertionError) and "Insufficient" not in str(problem)):
                    raise
            else:
                break
