"""What a store offers beside the port so that the recorders of `eventsourcing` work on the same tables."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from infrastructure.log.port import LogRow


@dataclass(frozen=True, slots=True)
class PlainEvent:
    """An event or a snapshot as the library stores it: any topic, any bytes, any id."""

    stream: str
    version: int
    topic: str
    state: bytes


@dataclass(frozen=True, slots=True)
class PlainTracking:
    """How far an application has processed the log of another one."""

    application: str
    notification_id: int


class PlainConflictError(Exception):
    """Fault of the library's caller: versions that do not follow, or a tracking that does not rise; nothing written."""


class PlainLog(Protocol):
    """The library's side of a log. Calls block; each is safe from any thread.

    Rows that it writes carry no metadata: project, actor and the ids are None, ``schema_version`` is 1, ``type`` is
    the topic. Raises StoreUnavailable, OutcomeUnknown like the port.
    """

    def insert_plain(self, events: Sequence[PlainEvent], tracking: PlainTracking | None = None) -> list[int]:
        """Write events and tracking in one transaction; answers the positions.

        Each stream starts at version 0 or 1 and then goes on by 1, else PlainConflictError. The tracking id has to be
        larger than the last one of its application, else PlainConflictError.
        """
        ...

    def select_plain(
        self, stream: str, *, after: int | None, through: int | None, descending: bool, limit: int | None
    ) -> list[PlainEvent]:
        """Events of one stream with after < version <= through, by version."""
        ...

    def select_plain_page(self, *, first: int, last: int | None, topics: Sequence[str], limit: int) -> list[LogRow]:
        """Events with first <= position <= last whose type is one of ``topics`` (any where empty), by position."""
        ...

    def insert_plain_snapshots(self, snapshots: Sequence[PlainEvent]) -> None:
        """Keep snapshots, every version of them; PlainConflictError where one is there already."""
        ...

    def select_plain_snapshots(
        self, stream: str, *, after: int | None, through: int | None, descending: bool, limit: int | None
    ) -> list[PlainEvent]:
        """Snapshots of one stream with after < version <= through, by version."""
        ...

    def last_tracking(self, application: str) -> int | None:
        """The last tracking id of an application."""
        ...

    def head(self) -> int: ...

    def wait_beyond(self, position: int, *, timeout_seconds: float) -> int: ...

    def close(self) -> None: ...


def checked_versions(events: Sequence[PlainEvent], last: Mapping[str, int]) -> None:
    """Check that versions follow those in the log; a stream may begin at 0 or 1. Raises PlainConflictError."""
    versions = dict(last)
    for event in events:
        before = versions.get(event.stream)
        if event.version not in ((0, 1) if before is None else (before + 1,)):
            raise PlainConflictError(f"{event.stream} is at {before}; version {event.version} does not follow")
        versions[event.stream] = event.version


def plain_row(position: int, event: PlainEvent, recorded_at: int) -> LogRow:
    """The row of an event that the library writes: its metadata are unknown."""
    return LogRow(
        position=position,
        stream=event.stream,
        version=event.version,
        type=event.topic,
        schema_version=1,
        state=event.state,
        recorded_at=recorded_at,
        project=None,
        actor=None,
        command_id=None,
        correlation_id=None,
        causation_id=None,
        traceparent=None,
    )
