"""The log on PostgreSQL: one lock, one round trip per group, shared by any number of nodes."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from domain.kernel.message import CommandKey
from infrastructure.log.erasures import FORGOTTEN_BODY
from infrastructure.log.head_signal import HeadSignal
from infrastructure.log.past_states import PastState
from infrastructure.log.port import (
    Appended,
    DecideUnderLock,
    Lease,
    LogRow,
    Member,
    MemberResult,
    Receipt,
    StoredSnapshot,
    ToldReport,
)
from infrastructure.log.postgres_archives import PostgresArchives
from infrastructure.log.postgres_arrays import blobs, integers, texts
from infrastructure.log.postgres_clock import ServerClock
from infrastructure.log.postgres_connections import Readers, Row, Transaction, Writer, connect
from infrastructure.log.postgres_follower import Follower
from infrastructure.log.postgres_group import Parameters, expectation, inserted, parameters
from infrastructure.log.postgres_migrations import migrate
from infrastructure.log.walk import Held, KeyName, LeaseName, Touched, checked_under_lock, touched, walk
from infrastructure.sql import load

READERS_MAX: Final = 8
SECOND: Final = 1_000_000


class LogMovedUnderLockError(Exception):
    """Fault: something wrote to the log's tables without taking its lock; nothing was written by this call."""


class PostgresLog(PostgresArchives):
    """A log in the schema ``signalbox`` of one database.

    Instants are the server's: appends, renewals, marks and duties are stamped with its ``clock_timestamp()``. With
    ``caller_clock`` they are the caller's ``now`` instead, for tests and simulations whose time is their own.
    Opening migrates the schema. Raises StoreUnavailable, MigrationChangedError.
    """

    shared = True

    def __init__(self, url: str, *, readers_max: int = READERS_MAX, caller_clock: bool = False) -> None:
        self._queries: Mapping[str, str] = load("postgres/log.sql")
        self._past: Mapping[str, str] = load("postgres/past_states.sql")
        self._caller_clock = caller_clock
        with connect(url, purpose="migrate") as connection:
            migrate(connection)
        self._writer = Writer(url)
        super().__init__(Readers(url, connections_max=readers_max))
        self.era: int = self._number("era")
        self._clock = ServerClock()
        self._clock.measure(lambda: self._number("clock"))
        self._signal = HeadSignal(self.head())
        self._follower = Follower(lambda: connect(url, purpose="follow"), self._signal, self._clock)

    @property
    def clock_jumped(self) -> int:
        return self._clock.jumped

    def begin_era(self, at_least: int = 0) -> int:
        """See the port. A second time begins a further one, which harms nothing, so a lost connection is replaced."""
        self.era = int(self._rows("begin_era", at_least)[0][0])
        return self.era

    def append(self, members: Sequence[Member], *, now: int) -> list[MemberResult]:
        things = touched(members)
        if not members:
            return []
        expected = expectation(members)
        if expected is not None:
            row = self._writer.run(self._queries["append"], parameters(members, expected, at=self._at(now)))
            if row[0]:
                return self._appended(members, row)
        return self._append_walked(lambda: (members, things), now)

    def append_locked(self, decide: DecideUnderLock, *, now: int) -> list[MemberResult]:
        """See the port. ``decide`` reads through the readers' connections: under the lock these see every commit, and
        the connection that holds the lock never has more to say than its socket takes from a stopped node."""

        def decided() -> tuple[Sequence[Member], Touched]:
            members = checked_under_lock(decide())
            return members, touched(members)

        return self._append_walked(decided, now)

    def events_of(self, stream: str, *, after: int = 0, limit: int | None = None) -> list[LogRow]:
        return [LogRow(*row) for row in self._rows("events_of", stream, after, limit)]

    def events_of_many(self, wanted: Sequence[tuple[str, int]]) -> dict[str, list[LogRow]]:
        found: dict[str, list[LogRow]] = {stream: [] for stream, _ in wanted}
        versions = integers([after for _, after in wanted])
        for row in self._rows("events_of_many", texts([stream for stream, _ in wanted]), versions):
            found[row[1]].append(LogRow(*row))
        return found

    def page(self, *, after: int, limit: int) -> list[LogRow]:
        return [LogRow(*row) for row in self._rows("page", after, limit)]

    def count_of(self, project: str, *, after: int, through: int) -> int:
        return int(self._rows("count_of", project, after, through)[0][0])

    def head(self) -> int:
        return self._number("head")

    def receipt(self, key: CommandKey) -> Receipt | None:
        return self._receipts((key,)).get(key)

    def forget_receipts(self, *, before: int, after: str, until: str, rows_max: int) -> str | None:
        wanted: Parameters = {"before": before, "after": after, "until": until, "rows_max": rows_max}
        last, looked_at = self._readers.rows(self._queries["forget_receipts"], wanted)[0]
        return str(last) if looked_at == rows_max else None

    def forget_leases(self, *, before: int, rows_max: int) -> int:
        return len(self._rows("forget_leases", before, rows_max))

    def receipts_present(self, command_ids: Sequence[str]) -> set[str]:
        return {row[0] for row in self._rows("receipts_present", texts(command_ids))}

    def keys(self, wanted: Sequence[KeyName]) -> dict[KeyName, str]:
        columns = ([name[column] for name in wanted] for column in range(3))
        return {(row[0], row[1], row[2]): row[3] for row in self._rows("keys", *map(texts, columns))}

    def snapshots(self, streams: Sequence[str]) -> dict[str, StoredSnapshot]:
        return {row[0]: StoredSnapshot(*row) for row in self._rows("snapshots", texts(streams))}

    def keep_snapshots(self, snapshots: Sequence[StoredSnapshot]) -> None:
        latest = {one.stream: one for one in sorted(snapshots, key=lambda one: one.version)}.values()
        self._rows(
            "keep_snapshots",
            texts([one.stream for one in latest]),
            integers([one.version for one in latest]),
            texts([one.kind for one in latest]),
            blobs([one.state for one in latest]),
        )

    def keep_state(self, state: PastState, *, spacing_events: int) -> None:
        self._readers.rows(self._past["keep_state"], {**state._asdict(), "spacing": spacing_events})

    def state_before(self, stream: str, kind: str, *, version: int, position: int) -> PastState | None:
        wanted: Parameters = {"stream": stream, "kind": kind, "version": version, "position": position}
        rows = self._readers.rows(self._past["state_before"], wanted)
        return PastState(*rows[0]) if rows else None

    def erasures(self, *, after: int) -> list[LogRow]:
        return [LogRow(*row) for row in self._rows("erasures", after)]

    def receipts_reading(self, stream: str) -> list[Receipt]:
        return [Receipt(*row) for row in self._rows("receipts_reading", f'"{stream}"'.encode())]

    def forget_words(self, streams: Sequence[str], commands: Sequence[tuple[str, str]], *, outcome: bytes) -> None:
        self._rows("forget_snapshots", texts(streams))
        self._readers.rows(self._past["forget_states"], (texts(streams),))
        ids, principals = texts([one for one, _ in commands]), texts([principal for _, principal in commands])
        self._rows("blank_receipts", FORGOTTEN_BODY, outcome, ids, principals)

    def keys_mark(self) -> str:
        rows = self._rows("keys_mark")
        return str(rows[0][0]) if rows else ""

    def bind_keys(self, mark: str, *, instead_of: str) -> str:
        self._rows("bind_keys", mark, instead_of)
        return self.keys_mark()

    def renew(self, sessions: Sequence[LeaseName], *, now: int) -> dict[LeaseName, int]:
        rows = self._rows("renew", *_lease_names(sessions), self._at(now))
        return {(row[0], row[1]): row[2] for row in rows}

    def leases(self) -> list[Lease]:
        return [Lease(*row) for row in self._rows("leases")]

    def lease(self, session: str, incarnation: int) -> Lease | None:
        return self._lease_rows([(session, incarnation)]).get((session, incarnation))

    def alive_through(self) -> int:
        return self._number("alive_through")

    def beat(self, *, now: int, anew: bool = False) -> int:
        """See the port. Never repeated by itself: a second write would answer with the first one's mark and hide an
        outage. Raises OutcomeUnknown, which is such an outage."""
        return int(self._readers.rows_once(self._queries["beat"], (anew, self._at(now)))[0][0])

    def hold_duty(self, duty: str, node: str, *, now: int, seconds: int) -> bool:
        wanted: Parameters = {"duty": duty, "node": node, "now": self._at(now), "length": seconds * SECOND}
        return bool(self._readers.rows(self._queries["hold_duty"], wanted))

    def tell_node(self, node: str, incarnation: int, report: bytes, *, now: int) -> int | None:
        wanted: Parameters = {"node": node, "incarnation": incarnation, "at": self._at(now), "report": report}
        renewed = self._readers.rows(self._queries["tell_node"], wanted)
        return int(renewed[0][0]) if renewed else None

    def node_reports(self) -> list[ToldReport]:
        return [ToldReport(*row) for row in self._rows("node_reports")]

    def forget_node_reports(self, *, before: int) -> None:
        self._rows("forget_node_reports", before)

    def now(self) -> int:
        return self._clock.now()

    def check_durability(self) -> tuple[str, ...]:
        losing = {"fsync": ("off",), "full_page_writes": ("off",), "synchronous_commit": ("off", "local")}
        rows = self._rows("durability")
        return tuple(f"{name} is {setting}" for name, setting in rows if setting in losing[name])

    def wait_beyond(self, position: int, *, timeout_seconds: float) -> int:
        return self._signal.wait_beyond(position, timeout_seconds=timeout_seconds)

    def tell_growth(self, told: Callable[[int], None]) -> None:
        self._signal.listen(told)

    def close(self) -> None:
        self._signal.close()
        self._follower.close()
        self._readers.close()
        self._writer.close()

    def _append_walked(self, group: Callable[[], tuple[Sequence[Member], Touched]], now: int) -> list[MemberResult]:
        """Walk the members one by one under the lock, which is held while what they touched is looked up."""

        def body(transaction: Transaction) -> list[MemberResult]:
            transaction.row(self._queries["lock_log"])
            members, things = group()
            if things.leases:
                transaction.row(self._queries["lock_leases"], _lease_names(sorted(things.leases)))
            held = self._held(things, now)
            walked = walk(members, held)
            taken = [one for one, result in zip(members, walked.results, strict=True) if isinstance(result, Appended)]
            rows = parameters(taken, inserted(walked.keys), walked.leases, at=held.recorded_at)
            if transaction.row(self._queries["append"], rows) != (True, held.position, held.recorded_at):
                raise LogMovedUnderLockError(f"at position {held.position}")
            return walked.results

        results = self._writer.transaction(body, begin=self._queries["begin"], commit=self._queries["commit"])
        self._announce(results)
        return results

    def _held(self, things: Touched, now: int) -> Held:
        position, recorded_at = self._rows("held_head", self._at(now))[0]
        return Held(
            position=position,
            recorded_at=recorded_at,
            versions={row[0]: row[1] for row in self._rows("held_versions", texts(list(things.streams)))},
            receipts=self._receipts(things.commands),
            keys=self.keys(list(things.keys)) if things.keys else {},
            leases=self._lease_rows(list(things.leases)) if things.leases else {},
        )

    def _appended(self, members: Sequence[Member], row: Row) -> list[MemberResult]:
        position, recorded_at = int(row[1]), int(row[2])
        results: list[MemberResult] = []
        for member in members:
            position += len(member.events)
            results.append(Appended(position, recorded_at))
        self._announce(results)
        return results

    def _announce(self, results: Sequence[MemberResult]) -> None:
        positions = [result.position for result in results if isinstance(result, Appended)]
        self._signal.announce(max(positions, default=0))

    def _receipts(self, keys: Sequence[CommandKey]) -> dict[CommandKey, Receipt]:
        """Of all commands with these ids; who has an id of somebody else finds nothing under its own key."""
        rows = self._rows("receipts", texts([key.command_id for key in keys]))
        return {receipt.key: receipt for receipt in (Receipt(*row) for row in rows)}

    def _lease_rows(self, names: Sequence[LeaseName]) -> dict[LeaseName, Lease]:
        return {(row[0], row[1]): Lease(*row) for row in self._rows("lease_rows", *_lease_names(names))}

    def _rows(self, query: str, *values: object) -> list[Row]:
        return self._readers.rows(self._queries[query], values)

    def _number(self, query: str) -> int:
        return int(self._rows(query)[0][0])

    def _at(self, now: int) -> int | None:
        """The instant to stamp; None leaves it to the server's clock."""
        return now if self._caller_clock else None


def _lease_names(names: Sequence[LeaseName]) -> tuple[object, object]:
    return texts([session for session, _ in names]), integers([incarnation for _, incarnation in names])
