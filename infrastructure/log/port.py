"""What every store of the log can do; memory, SQLite and PostgreSQL are peers behind it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol

from domain.kernel.decider import LeaseChange
from domain.kernel.message import CommandKey, KeyRow
from infrastructure.log.archived import Archives
from infrastructure.log.eras import Eras
from infrastructure.log.erasures import Erasures
from infrastructure.log.past_states import PastStates


class NewEvent(NamedTuple):
    """An event as it will be stored. ``version`` follows the stream's last one."""

    stream: str
    version: int
    type: str
    schema_version: int
    state: bytes
    project: str


class LogRow(NamedTuple):
    """A stored event. Columns may be None only on rows that the plain library wrote."""

    position: int
    stream: str
    version: int
    type: str
    schema_version: int
    state: bytes
    recorded_at: int
    project: str | None
    actor: str | None
    command_id: str | None
    correlation_id: str | None
    causation_id: str | None
    traceparent: str | None


class Member(NamedTuple):
    """One command of a group, decided: what it read, what it writes, and the receipt it leaves.

    ``reads`` are (stream, version) pairs as the decision saw them; the streams of ``events`` are in there too, with
    the version before the first new event. Versions count what earlier members of the same group write.
    ``cause`` is the index of the member whose event a derived command answers; it falls with it.
    ``absent_keys`` are unique names the decision saw absent and relied on without inserting them.
    A member with neither events nor keys nor leases and ``receipt=False`` is read-only: it is only checked.
    """

    command_id: str
    project: str
    principal: str
    time: int
    correlation_id: str
    causation_id: str | None
    traceparent: str | None
    digest: bytes
    """Keyed digest of the command's body, to tell a repeat from a reuse of the id."""
    body: bytes
    outcome: bytes
    """The answer as JSON text, without position and token fields that only the append knows."""
    reads: tuple[tuple[str, int], ...] = ()
    events: tuple[NewEvent, ...] = ()
    keys: tuple[KeyRow, ...] = ()
    absent_keys: tuple[tuple[str, str, str], ...] = ()
    leases: tuple[LeaseChange, ...] = ()
    cause: int | None = None
    receipt: bool = True

    @property
    def key(self) -> CommandKey:
        return CommandKey(self.command_id, self.project, self.principal)


@dataclass(frozen=True, slots=True)
class Receipt:
    """What is remembered of a command that was carried out."""

    command_id: str
    project: str
    principal: str
    digest: bytes
    body: bytes
    outcome: bytes
    time: int
    position: int
    """Position of its last event; where it wrote none, the head at the time."""

    @property
    def key(self) -> CommandKey:
        return CommandKey(self.command_id, self.project, self.principal)


@dataclass(frozen=True, slots=True)
class Appended:
    """The member is in the log; ``position`` is that of its last event (the head where it wrote none)."""

    position: int
    recorded_at: int


@dataclass(frozen=True, slots=True)
class Moved:
    """Something the member relied on has changed, or a member that it stood on fell: bring forward, decide again.

    ``streams`` names what moved in the database itself (empty for a member that fell only by taint).
    """

    streams: tuple[str, ...] = ()
    keys: bool = False
    lease: bool = False


@dataclass(frozen=True, slots=True)
class Repeated:
    """A receipt of this command exists already; the member wrote nothing and taints what it would have written."""

    receipt: Receipt


MemberResult = Appended | Moved | Repeated
DecideUnderLock = Callable[[], Sequence[Member]]
"""Decides while the log's lock is held; reads see everything that is committed."""


class StoredSnapshot(NamedTuple):
    """A folded state at a version of its stream, as JSON text."""

    stream: str
    version: int
    kind: str
    """Name and version of the state's shape; another shape is ignored."""
    state: bytes


@dataclass(frozen=True, slots=True)
class Lease:
    """The liveness row of one (session, incarnation)."""

    session: str
    incarnation: int
    ttl_seconds: int
    renewed_at: int
    ended: bool


@dataclass(frozen=True, slots=True)
class ToldReport:
    """What a node said of itself last, and when; also of one that is gone."""

    node: str
    at: int
    report: bytes


class OutcomeUnknown(Exception):
    """Fault: the connection broke while an append was under way; it may still commit.

    The remedy is to append again under the same command ids: the unique receipt decides.
    """


class StoreUnavailable(Exception):
    """Fault: the store cannot be reached; nothing was written by this call."""


class Log(PastStates, Erasures, Archives, Eras, Protocol):
    """A store of events, receipts, unique names, snapshots and leases. Calls block; each is safe from any thread."""

    shared: bool
    """Whether other processes write to it: then refusals and empty decisions are checked by the append, too."""

    @property
    def clock_jumped(self) -> int:
        """How often ``now`` jumped by more than 2 s since this object was made; looked at after ``now``, it knows
        of every jump in it. Always 0 where the clock is the process's own."""
        ...

    def append(self, members: Sequence[Member], *, now: int) -> list[MemberResult]:
        """Check and write a group in one transaction, one result per member, in order.

        Under the log's lock: receipts are looked up first; then the members are walked in order. One whose read
        streams have moved, whose keys are taken, whose lease row changed, or that touches a tainted stream is
        ``Moved``; it and every ``Repeated`` member taint the streams they would have written; a derived member falls
        with its cause. The events of the others get gapless positions and ``recorded_at`` = max(now, last recorded).
        Raises OutcomeUnknown, StoreUnavailable.
        """
        ...

    def append_locked(self, decide: DecideUnderLock, *, now: int) -> list[MemberResult]:
        """Take the log's lock first, then let ``decide`` read through the transaction and return at most 64 members.

        For a node that lost the race twice, so that none starves.
        """
        ...

    def events_of(self, stream: str, *, after: int = 0, limit: int | None = None) -> list[LogRow]:
        """Events of one stream with version > after, in order."""
        ...

    def events_of_many(self, wanted: Sequence[tuple[str, int]]) -> dict[str, list[LogRow]]: ...

    def page(self, *, after: int, limit: int) -> list[LogRow]:
        """Events with position > after, in order, at most ``limit``."""
        ...

    def count_of(self, project: str, *, after: int, through: int) -> int:
        """Events of a project with after < position <= through; reads all between them."""
        ...

    def head(self) -> int:
        """Position of the last event; 0 for an empty log."""
        ...

    def receipt(self, key: CommandKey) -> Receipt | None: ...

    def forget_receipts(self, *, before: int, after: str, until: str, rows_max: int) -> str | None:
        """Look at the next receipts with an id between ``after`` and ``until`` and delete those of commands stamped
        before an instant; returns the last id looked at, None where none is left.
        The databases look at ``rows_max`` rows, memory at all of them.
        """
        ...

    def forget_leases(self, *, before: int, rows_max: int) -> int: ...

    def receipts_present(self, command_ids: Sequence[str]) -> set[str]: ...

    def keys(self, wanted: Sequence[tuple[str, str, str]]) -> dict[tuple[str, str, str], str]:
        """Streams of the unique names (scope, kind, name) that exist."""
        ...

    def snapshots(self, streams: Sequence[str]) -> dict[str, StoredSnapshot]:
        """The latest snapshot of each stream that has one."""
        ...

    def keep_snapshots(self, snapshots: Sequence[StoredSnapshot]) -> None:
        """Keep each as the latest of its stream, unless a later one is kept already."""
        ...

    def renew(self, sessions: Sequence[tuple[str, int]], *, now: int) -> dict[tuple[str, int], int]:
        """Renew lease rows that are not ended, in id order, in one durable transaction; answers (session,
        incarnation) -> the stamp written. A pair that is missing or ended is absent from the answer."""
        ...

    def leases(self) -> list[Lease]:
        """Every lease row that is not ended."""
        ...

    def lease(self, session: str, incarnation: int) -> Lease | None: ...
    def alive_through(self) -> int:
        """The mark that ``beat`` writes; 0 before the first."""
        ...

    def beat(self, *, now: int, anew: bool = False) -> int:
        """Write the one-row ``alive_through`` mark; returns its former value, 0 at first.

        Never backwards, but ``anew``: after the clock was set back, a mark that lies ahead would hide outages.
        """
        ...

    def hold_duty(self, duty: str, node: str, *, now: int, seconds: int) -> bool:
        """Take or renew the lease on a node duty (ticker, reactor); False while another node holds it. One that ends
        more than 1 s later than one taken now was stamped before the clock was set back, and counts as lapsed."""
        ...

    def tell_node(self, node: str, incarnation: int, report: bytes, *, now: int) -> int | None:
        """Keep what a node says of itself in place of what it said before, and renew its lease row; answers the stamp,
        None where the lease is over. Like beats and duties it waits for no disk: the power takes the node, too."""
        ...

    def node_reports(self) -> list[ToldReport]: ...

    def forget_node_reports(self, *, before: int) -> None: ...

    def now(self) -> int:
        """The store's clock in microseconds: PostgreSQL's own, else the process's monotonic clock anchored at start."""
        ...

    def check_durability(self) -> tuple[str, ...]:
        """Settings that would lose acknowledged work, in words; empty when all is well."""
        ...

    def wait_beyond(self, position: int, *, timeout_seconds: float) -> int:
        """Block until the head is beyond ``position`` or time is up; returns the head as known. In-process appends wake
        it at once; another node's by NOTIFY, with a jittered poll (1 s to 30 s) beneath."""
        ...

    def tell_growth(self, told: Callable[[int], None]) -> None:
        """Call it with each head that ``wait_beyond`` would wake for, on any thread: it neither blocks nor raises."""
        ...

    def close(self) -> None: ...


StoreKind = Literal["memory", "sqlite", "postgres"]
