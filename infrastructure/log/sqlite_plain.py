"""The library's side of the log in a SQLite file."""

import sqlite3
from collections.abc import Sequence
from dataclasses import astuple
from typing import Final

import orjson

from infrastructure.log.library_port import PlainConflictError, PlainEvent, PlainTracking, checked_versions, plain_row
from infrastructure.log.port import LogRow
from infrastructure.log.sqlite import SqliteLog, head_with_versions
from infrastructure.sql import load

_LOG: Final = load("sqlite/log.sql")
_SQL: Final = load("sqlite/plain.sql")
_NUMBER_MAX: Final = 2**63 - 1


class PlainSqliteLog(SqliteLog):
    """A log in a SQLite file that the recorders of `eventsourcing` can write to as well."""

    def insert_plain(self, events: Sequence[PlainEvent], tracking: PlainTracking | None = None) -> list[int]:
        now = self.now()
        with self.file.writing() as connection:
            positions = _insert(connection, events, now)
            if tracking is not None:
                _track(connection, tracking)
        self._signal.announce(positions[-1] if positions else 0)
        return positions

    def select_plain(
        self, stream: str, *, after: int | None, through: int | None, descending: bool, limit: int | None
    ) -> list[PlainEvent]:
        return self._plain("stream_down" if descending else "stream_up", stream, after, through, limit)

    def select_plain_page(self, *, first: int, last: int | None, topics: Sequence[str], limit: int) -> list[LogRow]:
        end = _NUMBER_MAX if last is None else last
        with self.file.reading() as connection:
            if topics:
                named = orjson.dumps(list(topics)).decode()
                rows = connection.execute(_SQL["page_of_types"], (first, end, named, limit)).fetchall()
            else:
                rows = connection.execute(_SQL["page"], (first, end, limit)).fetchall()
        return [LogRow(*row) for row in rows]

    def insert_plain_snapshots(self, snapshots: Sequence[PlainEvent]) -> None:
        with self.file.writing() as connection:
            for snapshot in snapshots:
                if connection.execute(_SQL["insert_snapshot"], astuple(snapshot)).rowcount != 1:
                    raise PlainConflictError(f"{snapshot.stream} has a snapshot at {snapshot.version} already")

    def select_plain_snapshots(
        self, stream: str, *, after: int | None, through: int | None, descending: bool, limit: int | None
    ) -> list[PlainEvent]:
        return self._plain("snapshots_down" if descending else "snapshots_up", stream, after, through, limit)

    def last_tracking(self, application: str) -> int | None:
        with self.file.reading() as connection:
            row: tuple[int] | None = connection.execute(_SQL["last_tracking"], (application,)).fetchone()
        return row[0] if row else None

    def _plain(
        self, query: str, stream: str, after: int | None, through: int | None, limit: int | None
    ) -> list[PlainEvent]:
        bounds = (-1 if after is None else after, _NUMBER_MAX if through is None else through)
        with self.file.reading() as connection:
            found = connection.execute(_SQL[query], (stream, *bounds, -1 if limit is None else limit)).fetchall()
        return [PlainEvent(*row) for row in found]


def _insert(connection: sqlite3.Connection, events: Sequence[PlainEvent], now: int) -> list[int]:
    head, recorded_at, versions = head_with_versions(connection, {event.stream for event in events})
    checked_versions(events, versions)
    recorded_at = max(now, recorded_at)
    rows = [plain_row(head + number, event, recorded_at) for number, event in enumerate(events, 1)]
    if rows:
        connection.executemany(_LOG["insert_event"], rows)
        connection.execute(_LOG["move_head"], (rows[-1].position, recorded_at))
    return [row.position for row in rows]


def _track(connection: sqlite3.Connection, tracking: PlainTracking) -> None:
    moved = connection.execute(_SQL["move_tracking"], (tracking.application, tracking.notification_id))
    if moved.rowcount != 1:
        raise PlainConflictError(f"{tracking.application} has been processed beyond {tracking.notification_id}")
