"""A server from its settings: the stores are opened and checked, the node is started, the surfaces are bound to it."""

import asyncio
import signal
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass

import structlog

from api.app import allowed_hosts, create_app, own_version
from api.composition.archive import ArchiveDesk, archiver_beside, shelf_of
from api.composition.commands import CommandGate, HeartbeatDesk
from api.composition.doctor import Doctor
from api.composition.erasure import Erasure
from api.composition.explains import Explainer
from api.composition.figures import RunStand
from api.composition.ledger import LedgerDesk, ledger_beside
from api.composition.pasts import PastReader
from api.composition.projections import ProjectionDesk
from api.composition.reads import EventReader, ProjectReader, RowReader
from api.composition.restored import begin_era, end_sessions, refuse_cut_off
from api.composition.stores import open_log, open_rows
from api.edge import Edge
from api.graphql.app import create_graphql_app
from api.http import server as http
from api.mcp.app import McpApp
from api.ports import Services
from domain.kernel.ids import FLEET, CommandId, Instant, PrincipalId
from domain.kernel.message import Stamp
from domain.principal.allow import Principal
from domain.principal.commands import IssueKey
from infrastructure.archive.archiver import refresh_bases
from infrastructure.archive.reading import archived_log
from infrastructure.keys import Keys, Minted, key_of
from infrastructure.local import local_key, prepare_data_folder, publish_endpoint, server_secret, withdraw_endpoint
from infrastructure.log.port import Log
from infrastructure.rows.reader import Reader
from infrastructure.runtime.interpreter import tune
from infrastructure.runtime.node import Node, NodeOptions
from infrastructure.runtime.presence import NodeFacts
from infrastructure.settings import Settings
from infrastructure.telemetry import Metrics, set_up_logging

_logger = structlog.get_logger("signalbox.server")


class UnsafeStoreError(Exception):
    """Fault: the store is set up so that it may lose acknowledged work."""


@dataclass(frozen=True, slots=True)
class Clock:
    """The store's clock."""

    log: Log

    def now(self) -> Instant:
        return Instant(self.log.now())


class KeyDesk:
    """Who is calling, by the server's clock."""

    def __init__(self, keys: Keys, log: Log) -> None:
        self._keys = keys
        self._log = log

    def authenticate(self, secret: str) -> Principal | None:
        """The principal of a key that is known and neither revoked nor expired."""
        return self._keys.authenticate(secret, Instant(self._log.now()))

    def mint(self) -> Minted:
        """A new key; its secret is shown once."""
        return self._keys.mint()


async def serve(settings: Settings, *, started: Callable[[str], None] | None = None) -> None:
    """Run a server until it is told to end; ``started`` gets its URL once it takes requests.

    Raises UnsafeStoreError, LogCutOffError, CannotDeclareError, ForeignKeysError, KeysReplacedError,
    UnsafeDataFolderError, StoreInUse, StoreUnavailable, OSError (address in use).
    """
    set_up_logging(settings.log_level, settings.log_format)
    tune()

    async with running(settings) as services:

        def announce(url: str) -> None:
            services.health.announce(url)
            publish_endpoint(settings.data, url)
            if started is not None:
                started(url)

        edge = Edge(services)
        graphql, mcp = create_graphql_app(services, edge), create_mcp_app(services, edge, settings)
        app = create_app(services, graphql=graphql, settings=settings, edge=edge, mcp=mcp)
        try:
            await http.serve(app, settings, started=announce)
        finally:
            withdraw_endpoint(settings.data)


def create_mcp_app(services: Services, edge: Edge, settings: Settings) -> McpApp:
    """The door at /mcp, for the hosts that the others are open to."""
    limit = settings.http.body_bytes_max
    return McpApp(services, edge, hosts=allowed_hosts(settings), body_bytes_max=limit, version=own_version())


def run(settings: Settings, *, started: Callable[[str], None] | None = None) -> None:
    """``serve`` on an event loop of its own."""
    http.run(lambda: serve(settings, started=started))


@asynccontextmanager
async def running(settings: Settings) -> AsyncGenerator[Services]:
    """A node that serves until the block ends.

    Raises UnsafeStoreError, LogCutOffError, CannotDeclareError, ForeignKeysError, EventsArchived, StoreInUse,
    StoreUnavailable, and at the end KeysReplacedError.
    """
    await asyncio.to_thread(prepare_data_folder, settings.data)
    secret = settings.secret.get_secret_value().encode() if settings.secret else server_secret(settings.data)
    shelf = shelf_of(settings)
    log = archived_log(await asyncio.to_thread(open_log, settings), shelf)
    try:
        warnings = _checked_durability(log, settings)
        warnings += await asyncio.to_thread(begin_era, log, settings)
        rows = await asyncio.to_thread(open_rows, settings)
        await asyncio.to_thread(refuse_cut_off, log, rows, settings)
        erasure = await asyncio.to_thread(Erasure, log, rows, settings, _end_itself)
        warnings += erasure.warnings
        await asyncio.to_thread(refresh_bases, log, shelf, erasure.envelopes)
        keys = Keys(secret)
        metrics = Metrics()
        options = NodeOptions(
            secret=secret,
            observers=(erasure.eraser, metrics.runs),
            appended=metrics.appended,
            counted=metrics.refusal_counted,
            moved=metrics.moved,
            woken=metrics.woken,
            hot_bytes_max=settings.hot_bytes_max,
            facts=NodeFacts(version=own_version(), store=settings.store_kind),
            warnings=warnings,
        )
        node = Node(erasure.log, rows, keys, options)
        metrics.runs.watch(lambda stream: (node.hot.get(stream) or (0, None))[1])
        await node.start()
        try:
            await _know_the_owner(node, keys, settings)
            await end_sessions(node, settings)
            async with (
                ledger_beside(node, log, settings) as (follower, ledger),
                archiver_beside(node, log, rows, ledger.scribe, erasure.envelopes, shelf, settings) as archive,
            ):
                reads = RowReader(node, Reader(rows))
                runs = RunStand(reads, metrics.runs)
                doctor = Doctor(node, follower, erasure, archive, settings, warnings, metrics, runs)
                with closing(PastReader(node)) as past:
                    erasure.start(node, past)
                    yield _services(node, reads, keys, metrics, doctor, ledger, archive, past)
                    erasure.standing.check()
        finally:
            await node.stop()
            await asyncio.to_thread(erasure.close)
            rows.close()
    finally:
        log.close()


def _end_itself() -> None:
    """As if somebody had told it to: what is under way is finished."""
    signal.raise_signal(signal.SIGTERM)


def _services(
    node: Node,
    reads: RowReader,
    keys: Keys,
    metrics: Metrics,
    doctor: Doctor,
    ledger: LedgerDesk,
    archive: ArchiveDesk,
    past: PastReader,
) -> Services:
    metrics.watch(head=lambda: node.head.position, projections=reads.positions, waiters=lambda: len(node.waiting))
    return Services(
        commands=CommandGate(node, metrics),
        heartbeats=HeartbeatDesk(node, metrics),
        principals=KeyDesk(keys, node.log),
        clock=Clock(node.log),
        names=ProjectReader(node.names),
        events=EventReader(node),
        reads=reads,
        health=doctor,
        explains=Explainer(node),
        ledger=ledger,
        archive=archive,
        past=past,
        projections=ProjectionDesk(node.builds),
    )


def _checked_durability(log: Log, settings: Settings) -> tuple[str, ...]:
    troubles = log.check_durability()
    if troubles and not settings.allow_unsafe_durability and settings.store_kind != "memory":
        raise UnsafeStoreError("; ".join(troubles))
    for trouble in troubles:
        _logger.warning("acknowledged work may be lost", trouble=trouble)
    return troubles


async def _know_the_owner(node: Node, keys: Keys, settings: Settings) -> None:
    """The owner of the data folder holds every human role here; its key is recorded at the first start."""
    secret = await asyncio.to_thread(local_key, settings.data, keys.mint)
    now = Instant(node.log.now())
    identifier = key_of(secret)
    if identifier is None or keys.authenticate(secret, now) is not None:
        return
    command = IssueKey(key=identifier, name="local owner", role="owner", digest=keys.digest(secret))
    command_id = CommandId(f"cmd_owner_{identifier}")
    stamp = Stamp(
        command_id=command_id,
        project=FLEET,
        principal=PrincipalId("policy:local_owner"),
        time=now,
        correlation_id=command_id,
    )
    outcome = await node.committer.execute(command, stamp)
    if not outcome.ok:
        _logger.error("the owner's key was refused", outcome=outcome.text.decode())
