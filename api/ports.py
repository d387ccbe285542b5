"""What the surfaces need of the rest; only the composition binds these to adapters."""

from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from api.archive_port import ArchivePort
from api.ledger_port import LedgerPort
from api.past_port import PastPort
from api.projection_port import ProjectionPort
from domain.dispatch.explanation import Explanation
from domain.dispatch.spent import Account
from domain.dispatch.standstill import Standstill, Work
from domain.kernel.decider import Recorded
from domain.kernel.errors import Rejection
from domain.kernel.ids import Instant, ProjectId
from domain.kernel.message import Command, Stamp
from domain.node.health import NodeReport
from domain.principal.allow import Principal
from domain.session.commands import SignalSession


class Answered(Protocol):
    """An answer to a command: JSON text ``{"ok": …}`` and the position it is true from."""

    @property
    def ok(self) -> bool: ...
    @property
    def text(self) -> bytes: ...
    @property
    def position(self) -> int: ...
    @property
    def repeated(self) -> bool: ...


Told = Answered | Exception
"""How a command ended: its answer, a ServiceFault, or whatever else is a fault of ours."""


class CommandPort(Protocol):
    """The one way of a command into the system."""

    def execute(self, command: Command, stamp: Stamp) -> Coroutine[Any, Any, Answered]:
        """Decide, append, answer after it is durable. Raises a ServiceFault where that is not possible now.

        What is executed first is decided first: the command is on its way before its answer is awaited. Close what you
        do not await.
        """
        ...

    def submit(self, command: Command, stamp: Stamp, told: Callable[[Told], None]) -> bool:
        """As ``execute``, without a coroutine: ``told`` is called once, on the event loop and behind this call.

        False where the command may have to wait for more than its append; nothing was begun then.
        """
        ...

    async def claim(self, command: Command, stamp: Stamp, *, wait_seconds: float) -> Answered:
        """Execute a claim; where nothing is ready, wait for the commit that makes something eligible."""
        ...


class ServiceFault(Exception):
    """Ours, not the caller's: ``code`` is ``unknown_outcome`` (retry with the same id), ``overloaded`` or
    ``store_unavailable`` (nothing was written)."""

    def __init__(self, code: str, message: str, advice: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.advice = advice


@dataclass(frozen=True, slots=True)
class ProjectToken:
    """A fencing token with its project: two projects may hand out the same number."""

    project: str
    """Id; where a client names one, its slug will do."""
    token: str
    """Decimal string without leading zeros."""


@dataclass(frozen=True, slots=True)
class PushedTask:
    """An attempt that the session holds and did not name: a claim of the task by name tells what it is."""

    project: str
    task: str
    token: str


@dataclass(frozen=True, slots=True)
class HeldNow:
    """What a session holds: an attempt with the locks of its claim, or locks that it took by itself."""

    project: str
    """Id."""
    token: str
    task: str | None
    """Of an attempt; None for locks outside any."""
    locks_seconds: float | None
    """Until its locks end, however often the session is renewed; None where it has none."""
    revoked_seconds: float | None = None
    """Until the attempt loses its token, because its task was cancelled: report before."""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Heard:
    """The answer to a heartbeat."""

    status: str
    """``live``, ``suspect``, ``lost``, ``ended`` or ``fenced`` (a later incarnation exists)."""
    draining: bool
    """Whether it takes nothing new and ends with what it has, or has ended so."""
    ttl_seconds: int
    renewed_at: Instant
    lease_seconds: float
    """What is left of the lease: who has no later answer by then must stop writing. 0 where the life is over."""
    held: tuple[HeldNow, ...]
    """Everything that the session holds now, in the order of project and token."""
    revoked: tuple[ProjectToken, ...]
    """What was named but is not held, as it was named: stop that work."""
    pushed: tuple[PushedTask, ...] = ()
    """What it works on for all that the server knows, and did not name."""
    unread: int | None = None
    """Messages to the session that it has not acknowledged, in all its projects; None where it did not ask."""


class HeartbeatPort(Protocol):
    """Liveness outside the log; answered after the renewal is durable."""

    async def beat(
        self,
        principal: Principal,
        session: str,
        incarnation: int,
        tokens: Sequence[ProjectToken],
        signal: SignalSession | None = None,
        *,
        wait_seconds: float = 0.0,
        counts_mail: bool = False,
        cached_verdicts: int = 0,
    ) -> Heard | Rejection:
        """``signal`` is of the same session and incarnation; it is passed on where it changes something.

        With ``wait_seconds`` the answer waits until the session is given an attempt that was not named, or loses one.
        With ``counts_mail`` it tells how many messages wait. ``cached_verdicts`` are counted.
        """
        ...


class PrincipalPort(Protocol):
    """Who is calling."""

    def authenticate(self, secret: str) -> Principal | None:
        """The principal of an API key, None where it is unknown, revoked or expired. Constant-time compare."""
        ...

    def mint(self) -> tuple[str, str, str]:
        """A new (key id, digest, secret); the secret is shown once and never kept."""
        ...


class ClockPort(Protocol):
    """The server's clock."""

    def now(self) -> Instant: ...


class NamesPort(Protocol):
    """Projects by slug or id."""

    def known(self, slug_or_id: str) -> ProjectId | None:
        """The project's id where it is remembered, without looking it up."""
        ...

    async def project(self, slug_or_id: str) -> ProjectId | None: ...


class EventPort(Protocol):
    """The log, read only."""

    def head(self) -> int: ...

    async def page(self, *, after: int, limit: int) -> Sequence[Recorded]: ...

    async def stream(self, stream: str, *, after_version: int, limit: int) -> Sequence[Recorded]: ...

    def follow(self, *, after: int) -> AsyncIterator[Sequence[Recorded]]:
        """Pages as they arise, for ever; each page starts right after the former one."""
        ...

    async def wait_beyond(self, position: int, timeout_seconds: float) -> int:
        """The head once it lies behind ``position``, or as it is when time is up."""
        ...


class ReadPort(Protocol):
    """Read models. ``request`` is one of the query classes of ``projections``; the answer is its page."""

    async def ask(self, request: Any, *, after: int | None = None) -> Any:
        """The page of a query; waits (2 s at most) until the projection is at ``after``, else marks it stale."""
        ...

    async def count(self, request: Any, *, after: int | None = None) -> Any:
        """The numbers of a counting question; waits as ``ask`` does."""
        ...

    def positions(self) -> Mapping[str, int]:
        """Checkpoint of each projection."""
        ...


class ExplainPort(Protocol):
    """Why something does not move, from the functions that decisions are made with. Raises a ServiceFault."""

    async def task(self, project: ProjectId, name: str) -> Explanation | Rejection: ...

    async def session(self, name: str, sees: Callable[[str], bool]) -> Explanation | Rejection:
        """``sees`` says of which projects may be told; a session that serves none of them is answered as absent."""
        ...

    async def lock(self, project: ProjectId, token: str) -> Explanation | Rejection: ...

    async def run(self, project: ProjectId, name: str, place: str) -> Explanation | Rejection:
        """``place`` is empty for the whole run."""
        ...

    async def account(self, project: ProjectId) -> Account:
        """What the project has spent and set aside. Raises ServiceFault."""
        ...

    async def standstills(self, project: ProjectId, works: Sequence[Work]) -> tuple[Standstill, ...]:
        """The circles of waits among these tasks of the project and its lock space."""
        ...


@dataclass(frozen=True, slots=True)
class Health:
    """What /healthz, /readyz and ``signalbox status`` tell."""

    ready: bool
    node: str
    store: str
    head: int
    projected: int
    warnings: tuple[str, ...]


class HealthPort(Protocol):
    def health(self) -> Health: ...

    async def told(self) -> Mapping[str, NodeReport]:
        """What every node of the store said of itself last, by its id. Raises a ServiceFault."""
        ...

    def announce(self, url: str) -> None:
        """Requests are taken at that URL: the node joins the others."""
        ...

    async def metrics(self) -> bytes:
        """The Prometheus text."""
        ...


@dataclass(frozen=True, slots=True)
class Services:
    """Everything a surface may use."""

    commands: CommandPort
    heartbeats: HeartbeatPort
    principals: PrincipalPort
    clock: ClockPort
    names: NamesPort
    events: EventPort
    reads: ReadPort
    health: HealthPort
    explains: ExplainPort
    ledger: LedgerPort
    archive: ArchivePort
    past: PastPort
    projections: ProjectionPort
