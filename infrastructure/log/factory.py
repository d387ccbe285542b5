"""What the `PERSISTENCE_MODULE` setting of `eventsourcing` needs of any of our stores."""

from abc import abstractmethod
from typing import Final, TypeVar, cast

from eventsourcing.persistence import (
    AggregateRecorder,
    ApplicationRecorder,
    InfrastructureFactory,
    InfrastructureFactoryError,
    ProcessRecorder,
)
from eventsourcing.utils import Environment, EnvType, resolve_topic

from infrastructure.log.library_port import PlainLog
from infrastructure.log.recorders import (
    LogAggregateRecorder,
    LogApplicationRecorder,
    LogProcessRecorder,
    LogSnapshotRecorder,
    LogTrackingRecorder,
    OriginatorIdType,
)

ORIGINATOR_ID_TYPE: Final = "ORIGINATOR_ID_TYPE"
"""Setting: ``uuid`` (the default) or ``text``."""

Tracker = TypeVar("Tracker", bound=LogTrackingRecorder)
Recorder = TypeVar("Recorder", LogApplicationRecorder, LogTrackingRecorder, LogProcessRecorder)


class LogFactory(InfrastructureFactory[Tracker]):
    """Makes recorders that share one log, which ``close`` closes.

    The library takes the only factory of a module that is not generic any more: the module of a store imports this
    one, fixes its parameter and says how its log is opened. The library's settings for classes of recorders
    (application, tracking, process) may name subclasses of ours.
    """

    def __init__(self, env: Environment | EnvType | None) -> None:
        super().__init__(env)
        kind = self.env.get(ORIGINATOR_ID_TYPE, "uuid") or "uuid"
        if kind not in {"uuid", "text"}:
            raise InfrastructureFactoryError(f"{ORIGINATOR_ID_TYPE} is '{kind}', neither 'uuid' nor 'text'")
        self.originator_id_type: OriginatorIdType = cast("OriginatorIdType", kind)
        self.log = self.open_log()

    @abstractmethod
    def open_log(self) -> PlainLog:
        """The log that the settings name. Raises InfrastructureFactoryError where they name none."""

    def aggregate_recorder(self, purpose: str = "events") -> AggregateRecorder:
        recorders = {"events": LogAggregateRecorder, "snapshots": LogSnapshotRecorder}
        if purpose not in recorders:
            raise InfrastructureFactoryError(f"the log has no place for '{purpose}'")
        return recorders[purpose](self.log, self.originator_id_type)

    def application_recorder(self) -> ApplicationRecorder:
        chosen = self._chosen(self.APPLICATION_RECORDER_TOPIC, LogApplicationRecorder)
        return chosen(self.log, self.originator_id_type)

    def tracking_recorder(self, tracking_recorder_class: type[Tracker] | None = None) -> Tracker:
        ours = self._chosen(self.TRACKING_RECORDER_TOPIC, LogTrackingRecorder)
        chosen = tracking_recorder_class or cast("type[Tracker]", ours)
        return chosen(self.log, self.originator_id_type)

    def process_recorder(self) -> ProcessRecorder:
        chosen = self._chosen(self.PROCESS_RECORDER_TOPIC, LogProcessRecorder)
        return chosen(self.log, self.originator_id_type)

    def close(self) -> None:
        self.log.close()

    def _chosen(self, setting: str, ours: type[Recorder]) -> type[Recorder]:
        topic = self.env.get(setting)
        if not topic:
            return ours
        named: object = resolve_topic(topic)
        if not (isinstance(named, type) and issubclass(named, ours)):
            raise InfrastructureFactoryError(f"{setting} names {topic}, which is no {ours.__name__}")
        return named
