"""The library's side of the log in memory."""

from collections.abc import Iterable, Sequence
from itertools import islice

from infrastructure.log.library_port import PlainConflictError, PlainEvent, PlainTracking, checked_versions, plain_row
from infrastructure.log.memory import MemoryLog
from infrastructure.log.port import LogRow, StoredSnapshot


class PlainMemoryLog(MemoryLog):
    """A log in memory that the recorders of `eventsourcing` can write to as well."""

    def __init__(self) -> None:
        super().__init__()
        self._tracking: dict[str, int] = {}

    def insert_plain(self, events: Sequence[PlainEvent], tracking: PlainTracking | None = None) -> list[int]:
        with self._lock:
            last = {event.stream: rows[-1].version for event in events if (rows := self._streams.get(event.stream))}
            checked_versions(events, last)
            self._check_tracking(tracking)
            head, recorded_at = len(self._rows), max(self.now(), self._rows[-1].recorded_at if self._rows else 0)
            rows = [plain_row(head + number, event, recorded_at) for number, event in enumerate(events, 1)]
            self._write(rows)
            if tracking is not None:
                self._tracking[tracking.application] = tracking.notification_id
            self._signal.announce(len(self._rows))
            return [row.position for row in rows]

    def select_plain(
        self, stream: str, *, after: int | None, through: int | None, descending: bool, limit: int | None
    ) -> list[PlainEvent]:
        with self._lock:
            rows = [PlainEvent(row.stream, row.version, row.type, row.state) for row in self._streams.get(stream, [])]
        return _chosen(rows, after, through, descending, limit)

    def select_plain_page(self, *, first: int, last: int | None, topics: Sequence[str], limit: int) -> list[LogRow]:
        with self._lock:
            rows = self._rows[max(first, 1) - 1 : last]
        return list(islice((row for row in rows if not topics or row.type in topics), limit))

    def insert_plain_snapshots(self, snapshots: Sequence[PlainEvent]) -> None:
        with self._lock:
            places = [(snapshot.stream, snapshot.version) for snapshot in snapshots]
            taken = any(version in self._snapshots.get(stream, {}) for stream, version in places)
            if taken or len(set(places)) < len(places):
                raise PlainConflictError("a snapshot is there already")
            for snapshot in snapshots:
                stored = StoredSnapshot(snapshot.stream, snapshot.version, snapshot.topic, snapshot.state)
                self._snapshots.setdefault(snapshot.stream, {})[snapshot.version] = stored

    def select_plain_snapshots(
        self, stream: str, *, after: int | None, through: int | None, descending: bool, limit: int | None
    ) -> list[PlainEvent]:
        with self._lock:
            kept = sorted(self._snapshots.get(stream, {}).items())
        rows = [PlainEvent(stream, version, snapshot.kind, snapshot.state) for version, snapshot in kept]
        return _chosen(rows, after, through, descending, limit)

    def last_tracking(self, application: str) -> int | None:
        with self._lock:
            return self._tracking.get(application)

    def _check_tracking(self, tracking: PlainTracking | None) -> None:
        if tracking is not None and tracking.notification_id <= self._tracking.get(tracking.application, -1):
            raise PlainConflictError(f"{tracking.application} has been processed beyond {tracking.notification_id}")


def _chosen(
    rows: Iterable[PlainEvent], after: int | None, through: int | None, descending: bool, limit: int | None
) -> list[PlainEvent]:
    found = [
        row for row in rows if (after is None or row.version > after) and (through is None or row.version <= through)
    ]
    return (found[::-1] if descending else found)[:limit]
