"""The recorders of `eventsourcing` on our log: one class each, whatever the store."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Any, Literal
from uuid import UUID

from eventsourcing.persistence import (
    AggregateRecorder,
    ApplicationRecorder,
    IntegrityError,
    Notification,
    OperationalError,
    ProcessRecorder,
    StoredEvent,
    Subscription,
    Tracking,
    TrackingRecorder,
)

from infrastructure.log.follower import LogSubscription
from infrastructure.log.library_port import PlainConflictError, PlainEvent, PlainLog, PlainTracking
from infrastructure.log.port import OutcomeUnknown, StoreUnavailable

OriginatorIdType = Literal["uuid", "text"]
"""What the ids of the library's aggregates are; in the log every stream is a text."""


class _OnPlainLog:
    """The log under a recorder. The factory that made both closes it."""

    def __init__(self, log: PlainLog, originator_id_type: OriginatorIdType = "uuid") -> None:
        self.log = log
        self.originator_id_type = originator_id_type


class LogAggregateRecorder(_OnPlainLog, AggregateRecorder):
    """Writes and reads streams of the log. Raises IntegrityError where versions do not follow by one."""

    def insert_events(self, stored_events: Sequence[StoredEvent], **_: Any) -> Sequence[int] | None:
        with library_errors():
            self.log.insert_plain(_plain(stored_events))
        return None

    def select_events(
        self,
        originator_id: UUID | str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> Sequence[StoredEvent]:
        with library_errors():
            found = self.log.select_plain(str(originator_id), after=gt, through=lte, descending=desc, limit=limit)
        return _stored(originator_id, found)


class LogSnapshotRecorder(_OnPlainLog, AggregateRecorder):
    """Writes and reads the snapshots of the library's aggregates; their versions need not follow."""

    def insert_events(self, stored_events: Sequence[StoredEvent], **_: Any) -> Sequence[int] | None:
        with library_errors():
            self.log.insert_plain_snapshots(_plain(stored_events))
        return None

    def select_events(
        self,
        originator_id: UUID | str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> Sequence[StoredEvent]:
        stream = str(originator_id)
        with library_errors():
            found = self.log.select_plain_snapshots(stream, after=gt, through=lte, descending=desc, limit=limit)
        return _stored(originator_id, found)


class LogApplicationRecorder(LogAggregateRecorder, ApplicationRecorder):
    """Reads the log also by position; positions have no holes."""

    def insert_events(self, stored_events: Sequence[StoredEvent], **_: Any) -> Sequence[int] | None:
        with library_errors():
            return self.log.insert_plain(_plain(stored_events))

    def select_notifications(
        self,
        start: int | None,
        limit: int,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
    ) -> Sequence[Notification]:
        first = 1 if start is None else start + (0 if inclusive_of_start else 1)
        with library_errors():
            rows = self.log.select_plain_page(first=first, last=stop, topics=topics, limit=limit)
        return [
            Notification(
                id=row.position,
                originator_id=self._originator_id(row.stream),
                originator_version=row.version,
                topic=row.type,
                state=row.state,
            )
            for row in rows
        ]

    def max_notification_id(self) -> int | None:
        with library_errors():
            return self.log.head() or None

    def subscribe(self, gt: int | None = None, topics: Sequence[str] = ()) -> Subscription[ApplicationRecorder]:
        return LogSubscription(self, self.log.wait_beyond, gt=gt, topics=topics)

    def _originator_id(self, stream: str) -> UUID | str:
        """The id as the library knows it; streams of ours, which are no UUIDs, stay what they are."""
        if self.originator_id_type == "text":
            return stream
        try:
            return UUID(stream)
        except ValueError:
            return stream


class LogTrackingRecorder(_OnPlainLog, TrackingRecorder):
    """Keeps how far an application has processed the log of another. Raises IntegrityError where it does not rise."""

    def insert_tracking(self, tracking: Tracking) -> None:
        with library_errors():
            self.log.insert_plain([], PlainTracking(tracking.application_name, tracking.notification_id))

    def max_tracking_id(self, application_name: str) -> int | None:
        with library_errors():
            return self.log.last_tracking(application_name)


class LogProcessRecorder(LogTrackingRecorder, LogApplicationRecorder, ProcessRecorder):
    """Writes events and tracking in one transaction."""

    def insert_events(self, stored_events: Sequence[StoredEvent], **kwargs: Any) -> Sequence[int] | None:
        given: Tracking | None = kwargs.get("tracking")
        tracking = PlainTracking(given.application_name, given.notification_id) if given else None
        with library_errors():
            return self.log.insert_plain(_plain(stored_events), tracking)


@contextmanager
def library_errors() -> Generator[None]:
    """Our faults under the names that the library's callers expect."""
    try:
        yield
    except PlainConflictError as error:
        raise IntegrityError(str(error)) from error
    except (StoreUnavailable, OutcomeUnknown) as error:
        raise OperationalError(str(error)) from error


def _plain(stored_events: Sequence[StoredEvent]) -> list[PlainEvent]:
    return [
        PlainEvent(str(stored.originator_id), stored.originator_version, stored.topic, stored.state)
        for stored in stored_events
    ]


def _stored(originator_id: UUID | str, found: Sequence[PlainEvent]) -> list[StoredEvent]:
    return [StoredEvent(originator_id, event.version, event.topic, event.state) for event in found]
