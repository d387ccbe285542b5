"""The log in one SQLite file: a single writer, durable before it answers."""

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Final

import orjson

from domain.kernel.message import CommandKey
from infrastructure.log.anchored_clock import AnchoredClock
from infrastructure.log.head_signal import HeadSignal
from infrastructure.log.past_states import PastState
from infrastructure.log.port import (
    DecideUnderLock,
    Lease,
    LogRow,
    Member,
    MemberResult,
    Receipt,
    StoredSnapshot,
    ToldReport,
)
from infrastructure.log.sqlite_erasures import SqliteErasures
from infrastructure.log.sqlite_file import SqliteFile
from infrastructure.log.sqlite_insert import insert
from infrastructure.log.walk import (
    Held,
    KeyName,
    LeaseName,
    Touched,
    Walked,
    checked_under_lock,
    receipts_of,
    rows_of,
    touched,
    walk,
)
from infrastructure.sql import load

_SQL: Final = load("sqlite/log.sql")
_PAST: Final = load("sqlite/past_states.sql")


class SqliteLog(SqliteErasures):
    """The log of an installation on one machine. ``file`` may be shared with the rows of read models.

    Raises StoreInUse where another process has the file open, StoreUnavailable where it cannot be opened.
    """

    shared = False
    clock_jumped = 0

    def __init__(self, path: Path) -> None:
        super().__init__(SqliteFile(path))
        with self.file.reading() as connection:
            head, recorded_at = connection.execute(_SQL["head"]).fetchone()
            self.era: int = connection.execute(_SQL["era"]).fetchone()[0]
            alive_through: int = connection.execute(_SQL["alive_through"]).fetchone()[0]
        self._signal = HeadSignal(head)
        self._clock = AnchoredClock(max(recorded_at, alive_through))

    def begin_era(self, at_least: int = 0) -> int:
        with self.file.writing() as connection:
            self.era = connection.execute(_SQL["begin_era"], (at_least,)).fetchone()[0]
        return self.era

    def append(self, members: Sequence[Member], *, now: int) -> list[MemberResult]:
        things = touched(members)
        with self.file.writing() as connection:
            walked = _append(connection, members, things, now)
        self._signal.announce(walked.position)
        return walked.results

    def append_locked(self, decide: DecideUnderLock, *, now: int) -> list[MemberResult]:
        with self.file.writing() as connection:
            members = checked_under_lock(decide())
            walked = _append(connection, members, touched(members), now)
        self._signal.announce(walked.position)
        return walked.results

    def events_of(self, stream: str, *, after: int = 0, limit: int | None = None) -> list[LogRow]:
        return self._log_rows("events_of", (stream, after, -1 if limit is None else limit))

    def events_of_many(self, wanted: Sequence[tuple[str, int]]) -> dict[str, list[LogRow]]:
        found: dict[str, list[LogRow]] = {stream: [] for stream, _ in wanted}
        for row in self._log_rows("events_of_many", (_json(wanted),)):
            found[row.stream].append(row)
        return found

    def page(self, *, after: int, limit: int) -> list[LogRow]:
        return self._log_rows("page", (after, limit))

    def count_of(self, project: str, *, after: int, through: int) -> int:
        with self.file.reading() as connection:
            number: int = connection.execute(_SQL["count_of"], (project, after, through)).fetchone()[0]
            return number

    def head(self) -> int:
        with self.file.reading() as connection:
            position: int = connection.execute(_SQL["head"]).fetchone()[0]
            return position

    def receipt(self, key: CommandKey) -> Receipt | None:
        with self.file.reading() as connection:
            return _receipts(connection, (key,)).get(key)

    def forget_receipts(self, *, before: int, after: str, until: str, rows_max: int) -> str | None:
        with self.file.reading() as connection:
            rows = connection.execute(_SQL["receipts_between"], (after, until, rows_max)).fetchall()
        old = [command_id for command_id, time in rows if time < before]
        if old:
            with self.file.writing() as connection:
                connection.execute(_SQL["forget_receipts"], (_json(old), before))
        return rows[-1][0] if len(rows) == rows_max else None

    def forget_leases(self, *, before: int, rows_max: int) -> int:
        with self.file.writing() as connection:
            return connection.execute(_SQL["forget_leases"], (before, rows_max)).rowcount

    def receipts_present(self, command_ids: Sequence[str]) -> set[str]:
        with self.file.reading() as connection:
            return {found for (found,) in connection.execute(_SQL["receipts_present"], (_json(command_ids),))}

    def keys(self, wanted: Sequence[KeyName]) -> dict[KeyName, str]:
        with self.file.reading() as connection:
            return _keys(connection, wanted)

    def snapshots(self, streams: Sequence[str]) -> dict[str, StoredSnapshot]:
        with self.file.reading() as connection:
            rows = connection.execute(_SQL["snapshots"], (_json(streams),)).fetchall()
        return {row[0]: StoredSnapshot(*row) for row in rows}

    def keep_snapshots(self, snapshots: Sequence[StoredSnapshot]) -> None:
        with self.file.writing() as connection:
            connection.executemany(_SQL["keep_snapshot"], snapshots)
            connection.executemany(_SQL["drop_older_snapshots"], [(one.stream, one.version) for one in snapshots])

    def keep_state(self, state: PastState, *, spacing_events: int) -> None:
        with self.file.writing() as connection:
            connection.execute(_PAST["keep_state"], {**state._asdict(), "spacing": spacing_events})

    def state_before(self, stream: str, kind: str, *, version: int, position: int) -> PastState | None:
        wanted = {"stream": stream, "kind": kind, "version": version, "position": position}
        with self.file.reading() as connection:
            row = connection.execute(_PAST["state_before"], wanted).fetchone()
        return None if row is None else PastState(*row)

    def renew(self, sessions: Sequence[LeaseName], *, now: int) -> dict[LeaseName, int]:
        stamps: dict[LeaseName, int] = {}
        with self.file.writing() as connection:
            for session, incarnation in sorted(set(sessions)):
                for (stamp,) in connection.execute(_SQL["renew"], (now, session, incarnation)).fetchall():
                    stamps[session, incarnation] = stamp
        return stamps

    def leases(self) -> list[Lease]:
        with self.file.reading() as connection:
            return [_lease(*row) for row in connection.execute(_SQL["leases_running"])]

    def lease(self, session: str, incarnation: int) -> Lease | None:
        with self.file.reading() as connection:
            return _leases(connection, ((session, incarnation),)).get((session, incarnation))

    def alive_through(self) -> int:
        with self.file.reading() as connection:
            mark: int = connection.execute(_SQL["alive_through"]).fetchone()[0]
            return mark

    def beat(self, *, now: int, anew: bool = False) -> int:
        with self.file.writing(durable=False) as connection:
            former: int = connection.execute(_SQL["alive_through"]).fetchone()[0]
            connection.execute(_SQL["beat"], (now, anew))
        return former

    def hold_duty(self, duty: str, node: str, *, now: int, seconds: int) -> bool:
        with self.file.writing(durable=False) as connection:
            held = connection.execute(_SQL["hold_duty"], (duty, node, now, now + seconds * 1_000_000)).fetchall()
        return bool(held)

    def tell_node(self, node: str, incarnation: int, report: bytes, *, now: int) -> int | None:
        with self.file.writing(durable=False) as connection:
            connection.execute(_SQL["tell_node"], (node, now, report))
            renewed = connection.execute(_SQL["renew"], (now, node, incarnation)).fetchall()
        return renewed[0][0] if renewed else None

    def node_reports(self) -> list[ToldReport]:
        with self.file.reading() as connection:
            return [ToldReport(*row) for row in connection.execute(_SQL["node_reports"])]

    def forget_node_reports(self, *, before: int) -> None:
        with self.file.writing() as connection:
            connection.execute(_SQL["forget_node_reports"], (before,))

    def now(self) -> int:
        return self._clock.now()

    def check_durability(self) -> tuple[str, ...]:
        synchronous, journal = self.file.setting("synchronous"), self.file.setting("journal_mode")
        found: list[str] = []
        if synchronous not in {"2", "3"}:
            found.append(f"synchronous is {synchronous}, not FULL: a power cut loses acknowledged commands")
        if journal in {"memory", "off"}:
            found.append(f"journal_mode is {journal}: a crash destroys the file")
        return tuple(found)

    def wait_beyond(self, position: int, *, timeout_seconds: float) -> int:
        return self._signal.wait_beyond(position, timeout_seconds=timeout_seconds)

    def tell_growth(self, told: Callable[[int], None]) -> None:
        self._signal.listen(told)

    def close(self) -> None:
        self._signal.close()
        self.file.close()

    def _log_rows(self, query: str, arguments: tuple[str | int, ...]) -> list[LogRow]:
        with self.file.reading() as connection:
            rows = connection.execute(_SQL[query], arguments).fetchall()
        return [LogRow(*row) for row in rows]


def _append(connection: sqlite3.Connection, members: Sequence[Member], things: Touched, now: int) -> Walked:
    held = _held(connection, things, now)
    walked = walk(members, held)
    rows = rows_of(members, walked, held)
    if rows:
        insert(connection, _SQL["insert_event"], rows)
        connection.execute(_SQL["move_head"], (walked.position, held.recorded_at))
    receipts = receipts_of(members, walked)
    if receipts:
        insert(connection, _SQL["insert_receipt"], [_receipt_columns(*receipt) for receipt in receipts])
    if walked.keys:
        keys = [(row.scope, row.kind, row.name, row.stream) for row in walked.keys]
        insert(connection, _SQL["insert_key"], keys)
    if walked.leases:
        leases = [(row.session, row.incarnation, row.ttl_seconds, row.renewed_at, row.ended) for row in walked.leases]
        connection.executemany(_SQL["write_lease"], leases)
    return walked


def _held(connection: sqlite3.Connection, things: Touched, now: int) -> Held:
    position, recorded_at, versions = head_with_versions(connection, things.streams)
    return Held(
        position=position,
        recorded_at=max(now, recorded_at),
        versions=versions,
        receipts=_receipts(connection, things.commands),
        keys=_keys(connection, things.keys) if things.keys else {},
        leases=_leases(connection, things.leases) if things.leases else {},
    )


def head_with_versions(connection: sqlite3.Connection, streams: Iterable[str]) -> tuple[int, int, dict[str, int]]:
    """The last position, its instant, and the last version of each of the streams that exists."""
    position, recorded_at, found = connection.execute(_SQL["head_with_versions"], (_json(streams),)).fetchone()
    return position, recorded_at, {stream: version for stream, version in orjson.loads(found) if version is not None}


def _receipts(connection: sqlite3.Connection, keys: Iterable[CommandKey]) -> dict[CommandKey, Receipt]:
    """Of all commands with these ids; who has an id of somebody else finds nothing under its own key."""
    rows = connection.execute(_SQL["receipts"], (_json(key.command_id for key in keys),))
    return {receipt.key: receipt for receipt in (Receipt(*row) for row in rows)}


def _keys(connection: sqlite3.Connection, names: Iterable[KeyName]) -> dict[KeyName, str]:
    rows = connection.execute(_SQL["keys"], (_json(names),))
    return {(scope, kind, name): stream for scope, kind, name, stream in rows}


def _leases(connection: sqlite3.Connection, names: Iterable[LeaseName]) -> dict[LeaseName, Lease]:
    rows = connection.execute(_SQL["leases_named"], (_json(names),))
    return {(row[0], row[1]): _lease(*row) for row in rows}


def _lease(session: str, incarnation: int, ttl_seconds: int, renewed_at: int, ended: int) -> Lease:
    return Lease(session, incarnation, ttl_seconds, renewed_at, bool(ended))


def _receipt_columns(member: Member, position: int) -> tuple[str, str, str, bytes, bytes, str, bytes, int, int]:
    whose = (member.command_id, member.project, member.principal)
    return (*whose, member.digest, member.body, _json(member.reads), member.outcome, member.time, position)


def _json(items: Iterable[object]) -> str:
    return orjson.dumps(list(items)).decode()
