"""The log in memory: the same answers as the databases, gone with the process."""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter

from domain.kernel.change import replace
from domain.kernel.message import CommandKey
from infrastructure.log.anchored_clock import AnchoredClock
from infrastructure.log.erasures import ERASED_TYPE, FORGOTTEN_BODY
from infrastructure.log.head_signal import HeadSignal
from infrastructure.log.memory_archives import MemoryArchives
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
from infrastructure.log.walk import (
    Held,
    KeyName,
    LeaseName,
    Touched,
    Walked,
    checked_under_lock,
    key_name,
    receipts_of,
    rows_of,
    touched,
    walk,
)


class MemoryLog(MemoryArchives):
    """A log for tests, simulations and trials. Whoever chooses it accepts that it ends with the process."""

    shared = False
    clock_jumped = 0

    def __init__(self) -> None:
        super().__init__()
        self.era = 1
        self._signal = HeadSignal(0)
        self._clock = AnchoredClock(0)
        self._receipts: dict[CommandKey, Receipt] = {}
        self._reads: dict[CommandKey, frozenset[str]] = {}
        """Streams that the command of each receipt was decided over."""
        self._keys: dict[KeyName, str] = {}
        self._leases: dict[LeaseName, Lease] = {}
        self._snapshots: dict[str, dict[int, StoredSnapshot]] = {}
        self._past_states: dict[str, dict[int, PastState]] = {}
        self._keys_mark = ""
        self._alive_through = 0
        self._duties: dict[str, tuple[str, int]] = {}
        self._told: dict[str, ToldReport] = {}

    def append(self, members: Sequence[Member], *, now: int) -> list[MemberResult]:
        things = touched(members)
        with self._lock:
            return self._append(members, things, now)

    def append_locked(self, decide: DecideUnderLock, *, now: int) -> list[MemberResult]:
        with self._lock:
            members = checked_under_lock(decide())
            return self._append(members, touched(members), now)

    def events_of(self, stream: str, *, after: int = 0, limit: int | None = None) -> list[LogRow]:
        with self._lock:
            rows = self._streams.get(stream, [])
            first = bisect_right(rows, after, key=attrgetter("version"))
            return rows[first : None if limit is None else first + limit]

    def events_of_many(self, wanted: Sequence[tuple[str, int]]) -> dict[str, list[LogRow]]:
        with self._lock:
            return {stream: self.events_of(stream, after=after) for stream, after in wanted}

    def count_of(self, project: str, *, after: int, through: int) -> int:
        with self._lock:
            return sum(row.project == project for row in self._rows[after:through])

    def head(self) -> int:
        with self._lock:
            return len(self._rows)

    def receipt(self, key: CommandKey) -> Receipt | None:
        with self._lock:
            return self._receipts.get(key)

    def forget_receipts(self, *, before: int, after: str, until: str, rows_max: int) -> str | None:
        with self._lock:
            old = [one for one, kept in self._receipts.items() if after < one.command_id < until and kept.time < before]
            for key in old:
                del self._receipts[key], self._reads[key]
            return None

    def forget_leases(self, *, before: int, rows_max: int) -> int:
        with self._lock:
            old = [name for name, row in self._leases.items() if row.ended and row.renewed_at < before][:rows_max]
            for name in old:
                del self._leases[name]
            return len(old)

    def receipts_present(self, command_ids: Sequence[str]) -> set[str]:
        with self._lock:
            return {key.command_id for key in self._receipts}.intersection(command_ids)

    def keys(self, wanted: Sequence[KeyName]) -> dict[KeyName, str]:
        with self._lock:
            return {name: self._keys[name] for name in wanted if name in self._keys}

    def snapshots(self, streams: Sequence[str]) -> dict[str, StoredSnapshot]:
        with self._lock:
            kept = {stream: self._snapshots[stream] for stream in streams if stream in self._snapshots}
            return {stream: versions[max(versions)] for stream, versions in kept.items()}

    def keep_snapshots(self, snapshots: Sequence[StoredSnapshot]) -> None:
        with self._lock:
            for snapshot in snapshots:
                if snapshot.version >= max(self._snapshots.get(snapshot.stream, {}), default=0):
                    self._snapshots[snapshot.stream] = {snapshot.version: snapshot}

    def keep_state(self, state: PastState, *, spacing_events: int) -> None:
        with self._lock:
            kept = self._past_states.setdefault(state.stream, {})
            alike = (one.version for one in kept.values() if one.kind == state.kind)
            if max(alike, default=0) <= max(0, state.version - spacing_events):
                kept[state.version] = state

    def state_before(self, stream: str, kind: str, *, version: int, position: int) -> PastState | None:
        with self._lock:
            kept = self._past_states.get(stream, {}).values()
            fitting = [one for one in kept if one.kind == kind and one.version <= version and one.position <= position]
            return max(fitting, key=lambda one: one.version, default=None)

    def erasures(self, *, after: int) -> list[LogRow]:
        with self._lock:
            return [row for row in self._rows[after:] if row.type == ERASED_TYPE]  # which are never pruned

    def receipts_reading(self, stream: str) -> list[Receipt]:
        with self._lock:
            return [receipt for key, receipt in self._receipts.items() if stream in self._reads[key]]

    def forget_words(self, streams: Sequence[str], commands: Sequence[tuple[str, str]], *, outcome: bytes) -> None:
        meant = set(commands)
        with self._lock:
            for stream in streams:
                self._snapshots.pop(stream, None)
                self._past_states.pop(stream, None)
            for key, receipt in self._receipts.items():
                if (key.command_id, key.principal) in meant:
                    self._receipts[key] = replace(receipt, body=FORGOTTEN_BODY, outcome=outcome)

    def keys_mark(self) -> str:
        with self._lock:
            return self._keys_mark

    def begin_era(self, at_least: int = 0) -> int:
        with self._lock:
            self.era = max(self.era + 1, at_least)
            return self.era

    def bind_keys(self, mark: str, *, instead_of: str) -> str:
        with self._lock:
            if self._keys_mark in ("", instead_of):
                self._keys_mark = mark
            return self._keys_mark

    def renew(self, sessions: Sequence[LeaseName], *, now: int) -> dict[LeaseName, int]:
        with self._lock:
            stamps: dict[LeaseName, int] = {}
            for name in sorted(set(sessions)):
                row = self._leases.get(name)
                if row is not None and not row.ended:
                    stamps[name] = max(now, row.renewed_at + 1)
                    self._leases[name] = replace(row, renewed_at=stamps[name])
            return stamps

    def leases(self) -> list[Lease]:
        with self._lock:
            return [row for _, row in sorted(self._leases.items()) if not row.ended]

    def lease(self, session: str, incarnation: int) -> Lease | None:
        with self._lock:
            return self._leases.get((session, incarnation))

    def alive_through(self) -> int:
        return self._alive_through

    def beat(self, *, now: int, anew: bool = False) -> int:
        with self._lock:
            former, self._alive_through = self._alive_through, now if anew else max(self._alive_through, now)
            return former

    def hold_duty(self, duty: str, node: str, *, now: int, seconds: int) -> bool:
        with self._lock:
            holder, until = self._duties.get(duty, (node, 0))
            lapses_at = now + seconds * 1_000_000
            if holder != node and now < until <= lapses_at + 1_000_000:
                return False
            self._duties[duty] = (node, lapses_at)
            return True

    def tell_node(self, node: str, incarnation: int, report: bytes, *, now: int) -> int | None:
        with self._lock:
            self._told[node] = ToldReport(node, now, report)
        return self.renew([(node, incarnation)], now=now).get((node, incarnation))

    def node_reports(self) -> list[ToldReport]:
        with self._lock:
            return [self._told[node] for node in sorted(self._told)]

    def forget_node_reports(self, *, before: int) -> None:
        with self._lock:
            self._told = {node: one for node, one in self._told.items() if one.at >= before}

    def now(self) -> int:
        return self._clock.now()

    def check_durability(self) -> tuple[str, ...]:
        return ()

    def wait_beyond(self, position: int, *, timeout_seconds: float) -> int:
        return self._signal.wait_beyond(position, timeout_seconds=timeout_seconds)

    def tell_growth(self, told: Callable[[int], None]) -> None:
        self._signal.listen(told)

    def close(self) -> None:
        self._signal.close()

    def _append(self, members: Sequence[Member], things: Touched, now: int) -> list[MemberResult]:
        held = self._held(things, now)
        walked = walk(members, held)
        self._write(LogRow(*columns) for columns in rows_of(members, walked, held))
        self._remember(members, walked)
        self._signal.announce(walked.position)
        return walked.results

    def _held(self, things: Touched, now: int) -> Held:
        return Held(
            position=len(self._rows),
            recorded_at=max(now, self._rows[-1].recorded_at if self._rows else 0),
            versions={stream: self._streams[stream][-1].version for stream in things.streams & self._streams.keys()},
            receipts=self._receipts,
            keys={name: self._keys[name] for name in things.keys & self._keys.keys()},
            leases={name: self._leases[name] for name in things.leases & self._leases.keys()},
        )

    def _write(self, rows: Iterable[LogRow]) -> None:
        for row in rows:
            self._rows.append(row)
            self._streams.setdefault(row.stream, []).append(row)

    def _remember(self, members: Sequence[Member], walked: Walked) -> None:
        for member, position in receipts_of(members, walked):
            self._reads[member.key] = frozenset(stream for stream, _ in member.reads)
            self._receipts[member.key] = Receipt(
                command_id=member.command_id,
                project=member.project,
                principal=member.principal,
                digest=member.digest,
                body=member.body,
                outcome=member.outcome,
                time=member.time,
                position=position,
            )
        self._keys.update((key_name(row), row.stream) for row in walked.keys)
        self._leases.update(((row.session, row.incarnation), row) for row in walked.leases)
