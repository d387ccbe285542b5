"""Between events of the domain and rows of the log: names from the closed registry, plain JSON, nothing else."""

from dataclasses import dataclass
from typing import Final

from eventsourcing.domain import DomainEventProtocol
from eventsourcing.persistence import JSONTranscoder, Mapper, StoredEvent

from domain.kernel.decider import Recorded
from domain.kernel.ids import FLEET, Instant, ProjectId, StreamId
from domain.kernel.message import Event
from domain.kernel.registry import Registry, schema_version
from infrastructure.log.port import LogRow, NewEvent

PLAIN_LIBRARY: Final = "library"
"""The actor of rows that the plain library wrote, which knows none."""


def new_event(stream: StreamId, version: int, event: Event, project: ProjectId) -> NewEvent:
    """The event as it will be stored at that version of its stream."""
    return NewEvent(stream, version, event.TYPE, schema_version(event.TYPE), event.stored(), project)


def recorded(row: LogRow, registry: Registry) -> Recorded:
    """The event of a row, brought up to its current version.

    Raises UnknownEventType for a name outside the registry; nothing is imported on its account.
    """
    position, stream, version, name, _, state, at, project, actor, command_id, correlation_id, causation_id, _ = row
    return Recorded(
        position,
        StreamId(stream),
        version,
        registry.read(name, state),
        Instant(at),
        FLEET if project is None else ProjectId(project),
        PLAIN_LIBRARY if actor is None else actor,
        command_id or "",
        correlation_id or "",
        causation_id,
    )


@dataclass(frozen=True, slots=True)
class StreamEvent:
    """An event of ours in the shape that the library expects: with the stream and version that it has there."""

    originator_id: str
    originator_version: int
    event: Event


class RegistryMapper(Mapper[str]):
    """The library's mapper with our registry in the place of its import paths.

    Knows only ``StreamEvent``; a topic outside the registry raises UnknownEventType, whatever it names.
    """

    def __init__(self, registry: Registry) -> None:
        super().__init__(JSONTranscoder())
        self._registry: Final = registry

    def to_stored_event(self, domain_event: DomainEventProtocol[str]) -> StoredEvent:
        if not isinstance(domain_event, StreamEvent):
            raise TypeError(f"{type(domain_event).__qualname__} is no event of the registry")
        return StoredEvent(
            originator_id=domain_event.originator_id,
            originator_version=domain_event.originator_version,
            topic=domain_event.event.TYPE,
            state=domain_event.event.stored(),
        )

    def to_domain_event(self, stored_event: StoredEvent) -> DomainEventProtocol[str]:
        event = self._registry.read(stored_event.topic, stored_event.state)
        return StreamEvent(str(stored_event.originator_id), stored_event.originator_version, event)
