"""The whole server but for its socket: a real node behind the real doors, and callers with keys of their own."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from api.app import Application, create_app
from api.composition.server import create_mcp_app, running
from api.edge import Edge
from api.graphql.app import create_graphql_app
from api.http.asgi import Message
from api.ports import Services
from domain.session.decider import POLICY_PREFIX
from infrastructure.settings import Settings
from tests.support.graphql import schema
from tests.support.patience import PATIENT
from tests.support.waiting import happens


@dataclass(frozen=True)
class Told:
    """What came back."""

    status: int
    body: bytes

    @property
    def content(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> dict[str, Any]:
        found: dict[str, Any] = self.content["error"]
        return found

    @property
    def code(self) -> str:
        """The code of the refusal; empty where it was accepted."""
        content = self.content
        return "" if content.get("ok", "error" not in content) else str(content["error"]["code"])

    @property
    def answer(self) -> dict[str, Any]:
        """What an accepted command replied."""
        assert self.status < 300, self.body
        found: dict[str, Any] = self.content["answer"]
        return found


@dataclass(frozen=True)
class Caller:
    """Whoever has one key."""

    app: Application
    key: str

    async def send(self, body: bytes, path: str = "/v1/commands", method: str = "POST", query: str = "") -> Told:
        """One request with a body as it stands."""
        messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]
        sent: list[Message] = []

        async def receive() -> Message:
            if not messages:
                await asyncio.Event().wait()
            return messages.pop()

        async def send(message: Message) -> None:
            sent.append(message)

        headers = {
            "host": "localhost",
            "authorization": f"Bearer {self.key}",
            "content-type": "application/json",
            "content-length": str(len(body)),
        }
        scope: dict[str, Any] = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "root_path": "",
            "query_string": query.encode(),
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 8420),
            "state": {},
        }
        await self.app(scope, receive, send)
        return Told(sent[0]["status"], b"".join(one.get("body", b"") for one in sent[1:]))

    async def command(self, kind: str, fields: object, **rest: Any) -> Told:
        """One command."""
        return await self.send(json.dumps({"type": kind, "command": fields, **rest}).encode())

    async def done(self, kind: str, **fields: object) -> dict[str, Any]:
        """The answer to a command that has to be accepted."""
        return (await self.command(kind, fields)).answer

    async def ask(self, query: str, **variables: object) -> Any:
        """One GraphQL request, whatever comes of it."""
        return (await self.send(json.dumps({"query": query, "variables": variables}).encode(), "/graphql")).content


@dataclass(frozen=True)
class WholeServer:
    """The application over its services, with the owner's key."""

    app: Application
    services: Services
    edge: Edge
    owner: Caller

    @property
    def head(self) -> int:
        """Position of the last event."""
        return self.services.events.head()

    async def caller(self, role: str, *projects: str) -> Caller:
        """Somebody with a fresh key."""
        wish: Mapping[str, object] = {"name": role, "role": role, "projects": projects}
        made = await self.owner.send(json.dumps(wish).encode(), "/v1/keys")
        return Caller(self.app, made.answer["secret"])

    async def types_after(self, position: int) -> list[str]:
        """Stored names of what callers brought about behind a position, once every refusal is recorded.

        What time brings about is left out: it is the policies' doing.
        """
        await self.edge.settle()
        page = await self.services.events.page(after=position, limit=1_000)
        return [type(one.event).TYPE for one in page if not one.actor.startswith(POLICY_PREFIX)]

    async def in_order(self) -> None:
        """Wait until every read model has followed the log to its end without trouble."""

        def follows() -> bool:
            health = self.services.health.health()
            return health.projected >= health.head and not health.warnings

        await happens(follows)


@asynccontextmanager
async def whole_server(folder: Path, store: str = "memory", **said: Any) -> AsyncIterator[WholeServer]:
    """A server that ends with the block; ``said`` are further settings."""
    settings = Settings(data=folder, store=store, **{"http": PATIENT, **said})
    async with running(settings) as services:
        edge = Edge(services)
        graphql, mcp = create_graphql_app(services, edge, schema=schema()), create_mcp_app(services, edge, settings)
        app = create_app(services, graphql=graphql, settings=settings, edge=edge, mcp=mcp)
        try:
            yield WholeServer(app, services, edge, Caller(app, (folder / "local.key").read_text().strip()))
        finally:
            await app.close()
