"""The walk of a group: which members an append takes, given what the store holds. Pure; every store obeys it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, assert_never

from domain.kernel.change import replace
from domain.kernel.decider import LeaseChange
from domain.kernel.message import CommandKey, KeyRow
from infrastructure.log.port import Appended, Lease, Member, MemberResult, Moved, Receipt, Repeated

KeyName = tuple[str, str, str]
"""(scope, kind, name) of a unique name."""
LeaseName = tuple[str, int]
"""(session, incarnation) of a lease row."""

LOCKED_MEMBERS_MAX: Final = 64
"""Members that one append may decide while it holds the log's lock."""


class MalformedGroupError(Exception):
    """Fault: a group contradicts itself; nothing was written. The caller's code is wrong, not the log."""


@dataclass(frozen=True, slots=True)
class Touched:
    """Everything that the walk of a group has to know: look it up under the log's lock."""

    streams: frozenset[str]
    commands: tuple[CommandKey, ...]
    keys: frozenset[KeyName]
    leases: frozenset[LeaseName]


@dataclass(frozen=True, slots=True)
class Held:
    """What the store holds of the touched things when the walk begins.

    ``recorded_at`` is the instant this append records: the larger of the clock and the last one in the log.
    ``versions`` are those of the streams that exist; a stream that is not in there is empty, version 0.
    """

    position: int
    recorded_at: int
    versions: Mapping[str, int]
    receipts: Mapping[CommandKey, Receipt]
    keys: Mapping[KeyName, str]
    leases: Mapping[LeaseName, Lease]


@dataclass(frozen=True, slots=True)
class Walked:
    """What the append does: one result per member; the members with ``Appended`` are written.

    ``keys`` are the unique names to insert, ``leases`` the changed lease rows as they are afterwards, ``position`` the
    new head.
    """

    results: list[MemberResult]
    keys: tuple[KeyRow, ...]
    leases: tuple[Lease, ...]
    position: int


def touched(members: Sequence[Member]) -> Touched:
    """Check the form of a group and name what it touches.

    Raises MalformedGroupError: events that do not follow the version read, a written stream or the same stream twice
    in the reads, a cause that is not an earlier member, two receipts under one key, a name twice in one member.
    """
    streams: set[str] = set()
    keys: set[KeyName] = set()
    leases: set[LeaseName] = set()
    receipted: set[CommandKey] = set()
    commands: list[CommandKey] = []
    for index, member in enumerate(members):
        streams.update(_checked_streams(index, member))
        key = member.key
        commands.append(key)
        if member.receipt:
            if key in receipted:
                raise MalformedGroupError(f"member {index}: command {member.command_id} is in the group twice")
            receipted.add(key)
        if member.cause is not None and not 0 <= member.cause < index:
            raise MalformedGroupError(f"member {index}: its cause {member.cause} is not an earlier member")
        if member.keys or member.absent_keys:
            keys.update(_checked_keys(index, member))
        if member.leases:
            leases.update(_checked_leases(index, member))
    return Touched(frozenset(streams), tuple(commands), frozenset(keys), frozenset(leases))


def checked_under_lock(members: Sequence[Member]) -> Sequence[Member]:
    """The members that were decided while the lock is held. Raises MalformedGroupError beyond LOCKED_MEMBERS_MAX."""
    if len(members) > LOCKED_MEMBERS_MAX:
        raise MalformedGroupError(f"{len(members)} members decided under the lock, at most {LOCKED_MEMBERS_MAX}")
    return members


def walk(members: Sequence[Member], held: Held) -> Walked:
    """Walk a checked group in order, each member seeing the accepted ones before it.

    A member whose key has a receipt is ``Repeated``. Otherwise it is ``Moved`` where a stream that it read has another
    version, a key that it inserts exists already, a key that it saw absent exists, or a lease row forbids its
    change; where it touches a stream, key or lease row that a fallen or repeated member would have written; or where
    its cause did not make it. Everything else is ``Appended``.
    """
    under_way = _Walk(held)
    for member in members:
        under_way.step(member)
    return under_way.finished()


EventColumns = tuple[
    int, str, int, str, int, bytes, int, str | None, str | None, str | None, str | None, str | None, str | None
]
"""The columns of a log row in the order of ``LogRow``'s fields."""


def rows_of(members: Sequence[Member], walked: Walked, held: Held) -> list[EventColumns]:
    """The rows of the accepted members, numbered without holes from the held position on."""
    position = held.position
    rows: list[EventColumns] = []
    for member, result in zip(members, walked.results, strict=True):
        if not member.events or not isinstance(result, Appended):
            continue
        origin = (member.principal, member.command_id, member.correlation_id, member.causation_id, member.traceparent)
        for event in member.events:
            position += 1
            rows.append((position, event.stream, event.version, event.type, event.schema_version, event.state,
                         held.recorded_at, event.project, *origin))  # fmt: skip
    return rows


def receipts_of(members: Sequence[Member], walked: Walked) -> list[tuple[Member, int]]:
    """The accepted members that leave a receipt, each with the position that it carries."""
    return [
        (member, result.position)
        for member, result in zip(members, walked.results, strict=True)
        if member.receipt and isinstance(result, Appended)
    ]


def lease_after(change: LeaseChange, row: Lease | None, at: int) -> Lease | None:
    """The lease row after a change, or None where the row forbids it.

    ``open`` makes the row, or renews it with the new ttl; an ended incarnation is never opened again. ``end`` ends
    the row whatever it says, also one that was never there. ``expire`` ends it only as ``LeaseChange`` allows.
    """
    match change.action:
        case "open":
            opened = Lease(change.session, change.incarnation, change.ttl_seconds, at, ended=False)
            return None if row is not None and row.ended else opened
        case "end":
            return replace(row, ended=True) if row else Lease(change.session, change.incarnation, 0, at, ended=True)
        case "expire":
            return replace(row, ended=True) if row and not row.ended and row.renewed_at == change.stamp else None
        case _:
            assert_never(change.action)


class _Walk:
    def __init__(self, held: Held) -> None:
        self._position = held.position
        self._recorded_at = held.recorded_at
        self._receipts = held.receipts
        self._versions = dict(held.versions)
        self._keys = dict(held.keys)
        self._leases = dict(held.leases)
        self._new_keys: list[KeyRow] = []
        self._new_leases: dict[LeaseName, Lease] = {}
        self._tainted_streams: set[str] = set()
        self._tainted_keys: set[KeyName] = set()
        self._tainted_leases: set[LeaseName] = set()
        self._results: list[MemberResult] = []

    def finished(self) -> Walked:
        return Walked(self._results, tuple(self._new_keys), tuple(self._new_leases.values()), self._position)

    def step(self, member: Member) -> None:
        receipt = self._receipts.get(member.key) if self._receipts else None
        refused = self._moved(member) if receipt is None else Repeated(receipt)
        if refused is None:
            self._take(member)
            self._results.append(Appended(self._position, self._recorded_at))
        else:
            self._taint(member)
            self._results.append(refused)

    def _moved(self, member: Member) -> Moved | None:
        fell = member.cause is not None and not isinstance(self._results[member.cause], Appended)
        moved: tuple[str, ...] = ()
        for stream, version in member.reads:
            if stream in self._tainted_streams:
                fell = True
            elif self._versions.get(stream, 0) != version:
                moved = (*moved, stream)
        keys = lease = False
        if member.keys or member.absent_keys:
            if self._tainted_keys:
                fell = fell or not self._tainted_keys.isdisjoint(_key_names(member))
            keys = not self._keys.keys().isdisjoint(_key_names(member))
        if member.leases:
            fell = fell or not self._tainted_leases.isdisjoint(lease_name(change) for change in member.leases)
            lease = any(self._lease_after(change) is None for change in member.leases)
        return Moved(moved, keys, lease) if fell or moved or keys or lease else None

    def _take(self, member: Member) -> None:
        for event in member.events:
            self._versions[event.stream] = event.version
        self._position += len(member.events)
        for row in member.keys:
            self._keys[key_name(row)] = row.stream
        self._new_keys.extend(member.keys)
        for change in member.leases:
            row_after = self._lease_after(change)
            if row_after is not None:
                self._leases[lease_name(change)] = self._new_leases[lease_name(change)] = row_after

    def _taint(self, member: Member) -> None:
        self._tainted_streams.update(event.stream for event in member.events)
        self._tainted_keys.update(key_name(row) for row in member.keys)
        self._tainted_leases.update(lease_name(change) for change in member.leases)

    def _lease_after(self, change: LeaseChange) -> Lease | None:
        return lease_after(change, self._leases.get(lease_name(change)), self._recorded_at)


def key_name(row: KeyRow) -> KeyName:
    """What a unique name is looked up by."""
    return row[:3]


def lease_name(change: LeaseChange) -> LeaseName:
    """What a lease row is looked up by."""
    return (change.session, change.incarnation)


def _key_names(member: Member) -> list[KeyName]:
    return [*map(key_name, member.keys), *member.absent_keys]


def _checked_streams(index: int, member: Member) -> dict[str, int]:
    versions = dict(member.reads)
    if len(versions) != len(member.reads):
        raise MalformedGroupError(f"member {index}: a stream is read twice")
    for event in member.events:
        before = versions.get(event.stream)
        if before is None:
            raise MalformedGroupError(f"member {index}: {event.stream} is written but was not read")
        if event.version != before + 1:
            raise MalformedGroupError(f"member {index}: {event.stream} goes from {before} to {event.version}")
        versions[event.stream] = event.version
    return versions


def _checked_keys(index: int, member: Member) -> list[KeyName]:
    names = _key_names(member)
    if len(set(names)) != len(names):
        raise MalformedGroupError(f"member {index}: a unique name is there twice")
    return names


def _checked_leases(index: int, member: Member) -> list[LeaseName]:
    names = [lease_name(change) for change in member.leases]
    if len(set(names)) != len(names):
        raise MalformedGroupError(f"member {index}: a lease row is changed twice")
    if any(change.action == "expire" and change.stamp is None for change in member.leases):
        raise MalformedGroupError(f"member {index}: a lease expires without the stamp that was read")
    return names
