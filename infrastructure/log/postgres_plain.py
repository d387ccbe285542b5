"""The library's side of the log on PostgreSQL."""

from collections.abc import Sequence
from typing import Final

from psycopg import IntegrityError

from infrastructure.log.library_port import PlainConflictError, PlainEvent, PlainTracking, checked_versions
from infrastructure.log.port import LogRow, NewEvent
from infrastructure.log.postgres import PostgresLog
from infrastructure.log.postgres_arrays import blobs, integers, texts
from infrastructure.log.postgres_connections import Transaction
from infrastructure.log.postgres_group import plain_parameters
from infrastructure.sql import load

_SQL: Final = load("postgres/library.sql")
PLAIN_SCHEMA_VERSION: Final = 1


class PlainPostgresLog(PostgresLog):
    """A log on PostgreSQL that the recorders of `eventsourcing` can write to as well."""

    def insert_plain(self, events: Sequence[PlainEvent], tracking: PlainTracking | None = None) -> list[int]:
        def body(transaction: Transaction) -> list[int]:
            transaction.row(self._queries["lock_log"])
            positions = self._insert(transaction, events) if events else []
            if tracking is not None:
                _track(transaction, tracking)
            return positions

        positions = self._writer.transaction(body, begin=self._queries["begin"], commit=self._queries["commit"])
        self._signal.announce(positions[-1] if positions else 0)
        return positions

    def select_plain(
        self, stream: str, *, after: int | None, through: int | None, descending: bool, limit: int | None
    ) -> list[PlainEvent]:
        query = "events_descending" if descending else "events_ascending"
        return [PlainEvent(*row) for row in self._readers.rows(_SQL[query], (stream, after, through, limit))]

    def select_plain_page(self, *, first: int, last: int | None, topics: Sequence[str], limit: int) -> list[LogRow]:
        wanted = {"first": first, "last": last, "topics": texts(topics), "limit": limit}
        return [LogRow(*row) for row in self._readers.rows(_SQL["page"], wanted)]

    def insert_plain_snapshots(self, snapshots: Sequence[PlainEvent]) -> None:
        columns = _columns(snapshots)
        try:
            self._readers.rows_once(_SQL["snapshots_insert"], columns)
        except IntegrityError as error:
            raise PlainConflictError(str(error)) from error

    def select_plain_snapshots(
        self, stream: str, *, after: int | None, through: int | None, descending: bool, limit: int | None
    ) -> list[PlainEvent]:
        query = "snapshots_descending" if descending else "snapshots_ascending"
        return [PlainEvent(*row) for row in self._readers.rows(_SQL[query], (stream, after, through, limit))]

    def last_tracking(self, application: str) -> int | None:
        rows = self._readers.rows(_SQL["tracking_last"], (application,))
        return int(rows[0][0]) if rows else None

    def _insert(self, transaction: Transaction, events: Sequence[PlainEvent]) -> list[int]:
        streams = texts(sorted({event.stream for event in events}))
        checked_versions(
            events, {row[0]: row[1] for row in transaction.rows(self._queries["held_versions"], (streams,))}
        )
        new = [
            NewEvent(event.stream, event.version, event.topic, PLAIN_SCHEMA_VERSION, event.state, "")
            for event in events
        ]
        before = int(transaction.row(self._queries["append"], plain_parameters(new))[1])
        return list(range(before + 1, before + len(events) + 1))


def _track(transaction: Transaction, tracking: PlainTracking) -> None:
    if not transaction.rows(_SQL["tracking_rise"], (tracking.application, tracking.notification_id)):
        raise PlainConflictError(f"{tracking.application} has been processed beyond {tracking.notification_id}")


def _columns(snapshots: Sequence[PlainEvent]) -> tuple[object, object, object, object]:
    return (
        texts([one.stream for one in snapshots]),
        integers([one.version for one in snapshots]),
        texts([one.topic for one in snapshots]),
        blobs([one.state for one in snapshots]),
    )
