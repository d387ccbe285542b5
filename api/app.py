"""The HTTP application: guard, hot doors, FastAPI for the rest, GraphQL and MCP where they are given."""

import asyncio
from importlib.metadata import PackageNotFoundError, version
from typing import Final, Protocol

from api.console.assets import PATHS, POLICY, Asset, read_assets
from api.edge import Edge
from api.http.answers import Answer, Reply
from api.http.archive import ArchiveDoors
from api.http.asgi import ASGIApp, Receive, Scope, Send
from api.http.audit import AuditDoors
from api.http.changes import Changes
from api.http.commands import CommandDoor, Limits
from api.http.guard import Door, Guard
from api.http.heartbeat import HeartbeatDoor
from api.http.inner import InnerApps
from api.http.reading import ReadingDoors
from api.http.request import Request
from api.http.rest import create_rest
from api.ports import Services

_PAGE_HEADERS: Final = ((b"content-security-policy", POLICY), (b"referrer-policy", b"no-referrer"))
LOCAL_HOSTS = ("localhost", "127.0.0.1", "[::1]")


class HttpLimits(Protocol):
    """Limits that the operator may change."""

    @property
    def body_bytes_max(self) -> int: ...
    @property
    def plan_body_bytes_max(self) -> int: ...
    @property
    def command_seconds_max(self) -> float: ...
    @property
    def requests_max(self) -> int: ...
    @property
    def openapi(self) -> bool: ...


class AppSettings(Protocol):
    """What the application has to know of the installation."""

    @property
    def host(self) -> str: ...
    @property
    def allowed_hosts(self) -> tuple[str, ...]: ...
    @property
    def http(self) -> HttpLimits: ...


class EndingApp(Protocol):
    """An ASGI application with work of its own behind the requests."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None: ...

    def begin_stop(self) -> None: ...

    async def close(self) -> None: ...


class Application:
    """An ASGI application that can be told to come to an end."""

    def __init__(
        self, guarded: Guard, changes: Changes, edge: Edge, stopping: asyncio.Event, mcp: EndingApp | None
    ) -> None:
        self._guarded = guarded
        self._changes = changes
        self._edge = edge
        self._mcp = mcp
        self._stopping = stopping

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._guarded(scope, receive, send)

    def quick(self, scope: Scope, body: bytes, answer: Answer) -> bool:
        """Whether a whole request is answered without a task of its own; if not, it goes the usual way."""
        return self._guarded.quick(scope, body, answer)

    def begin_stop(self) -> None:
        """End every wait at once; call it on the event loop before connections are closed."""
        self._stopping.set()
        if self._mcp is not None:
            self._mcp.begin_stop()

    async def close(self) -> None:
        """Finish what runs behind the requests; call it before the services end."""
        self.begin_stop()
        if self._mcp is not None:
            await self._mcp.close()
        await self._changes.close()
        await self._edge.settle()


def create_app(
    services: Services,
    *,
    graphql: ASGIApp | None,
    settings: AppSettings,
    edge: Edge | None = None,
    mcp: EndingApp | None = None,
) -> Application:
    """Bind the doors to the services. GraphQL and MCP share ``edge`` with them where they are given."""
    limits = settings.http
    edge = edge or Edge(services)
    stopping = asyncio.Event()
    changes = Changes(services.events)
    commands = CommandDoor(
        services,
        edge,
        Limits(limits.body_bytes_max, limits.plan_body_bytes_max, limits.command_seconds_max),
        stopping,
    )
    audit = AuditDoors(services.ledger, edge)
    archive = ArchiveDoors(services.archive)
    reading = ReadingDoors(services, edge, changes, stopping, version=own_version())
    hot: dict[str, tuple[str, Door]] = {
        "/v1/commands": ("POST", commands),
        "/v1/heartbeat": ("POST", HeartbeatDoor(services.heartbeats, stopping)),
        "/v1/wait": ("GET", reading.wait),
        "/v1/events": ("GET", reading.events),
        "/v1/status": ("GET", reading.status),
        "/v1/audit/checkpoints": ("GET", audit.checkpoints),
        "/v1/audit/checkpoint": ("POST", audit.checkpoint),
        "/v1/audit/keys": ("GET", audit.keys),
        "/v1/audit/rotate": ("POST", audit.rotate),
        "/v1/audit/hashes": ("GET", audit.hashes),
        "/v1/audit/events": ("GET", audit.events),
        "/v1/audit/kept": ("GET", audit.kept),
        "/v1/audit/lost": ("GET", audit.lost),
        "/v1/audit/redacted": ("POST", audit.redacted),
        "/v1/audit/proof": ("GET", audit.proof),
        "/v1/audit/consistency": ("GET", audit.consistency),
        "/v1/audit/statement": ("POST", audit.statement),
        "/v1/audit/archives": ("GET", archive.archives),
        "/v1/audit/bases": ("GET", archive.bases),
        "/v1/audit/archive": ("POST", archive.archive),
        "/healthz": ("GET", reading.healthz),
        "/readyz": ("GET", reading.readyz),
        "/metrics": ("GET", reading.metrics),
    }
    if graphql is not None:
        hot |= {path: ("GET", _page(asset)) for path, asset in read_assets().items()}
    rest = create_rest(services, edge, openapi=limits.openapi, command_seconds_max=limits.command_seconds_max)
    guarded = Guard(
        InnerApps(rest, graphql, mcp, body_bytes_max=limits.body_bytes_max),
        hot,
        authenticate=services.principals.authenticate,
        hosts=allowed_hosts(settings),
        open_paths=PATHS,
        requests_max=limits.requests_max,
        quick={("POST", "/v1/commands"): commands.quick},
    )
    return Application(guarded, changes, edge, stopping, mcp)


def _page(asset: Asset) -> Door:
    """A file of the console; it holds nothing of anybody, so it asks for no key."""
    reply = Reply(200, asset.body, asset.content_type, _PAGE_HEADERS)

    async def door(_: Request) -> Reply:
        return reply

    return door


def allowed_hosts(settings: AppSettings) -> frozenset[str]:
    """Names by which the server may be called, in lower case, without port."""
    bound = f"[{settings.host}]" if ":" in settings.host else settings.host
    return frozenset(name.lower() for name in (*LOCAL_HOSTS, bound, *settings.allowed_hosts))


def own_version() -> str:
    try:
        return version("signalbox")
    except PackageNotFoundError:
        return "0"
