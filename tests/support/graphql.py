"""GraphQL over ASGI in tests: a client for the three doors, and services that are fakes where a test says so."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import orjson
from graphql import GraphQLSchema

from api.composition.server import running
from api.edge import Edge
from api.graphql.app import create_graphql_app
from api.graphql.asgi import ASGIApp, Message
from api.graphql.schema import create_schema
from api.ports import Services
from infrastructure.settings import Settings
from tests.support.waiting import SECONDS_MAX, soon


@cache
def schema() -> GraphQLSchema:
    """The schema, which knows no server: one for all of them, as making it takes longer than most tests."""
    return create_schema()


class Client:
    """Speaks for one key."""

    def __init__(self, app: ASGIApp, key: str) -> None:
        self.app = app
        self.key = key

    async def post(
        self, body: bytes, *, method: str = "POST", path: str = "/graphql", **headers: str
    ) -> tuple[int, Any]:
        """Status and JSON of one request."""
        sent: list[Message] = []
        given = {"authorization": f"Bearer {self.key}", "content-type": "application/json"} | headers
        told = False

        async def receive() -> Message:
            nonlocal told
            if told:
                await asyncio.Event().wait()
            told = True
            return {"type": "http.request", "body": body}

        async def send(message: Message) -> None:
            sent.append(message)

        names = [(name.replace("_", "-").encode(), value.encode()) for name, value in given.items()]
        await self.app({"type": "http", "method": method, "path": path, "headers": names}, receive, send)
        text = b"".join(message.get("body", b"") for message in sent[1:])
        return sent[0]["status"], orjson.loads(text) if path == "/graphql" or sent[0]["status"] != 200 else text

    async def ask(self, query: str, **variables: Any) -> Any:
        """The data of a query that has to succeed."""
        _, content = await self.post(orjson.dumps({"query": query, "variables": variables}))
        assert "errors" not in content, content
        return content["data"]

    async def refused(self, query: str, **variables: Any) -> Any:
        """The extensions of the first error of a query that has to fail."""
        _, content = await self.post(orjson.dumps({"query": query, "variables": variables}))
        return content["errors"][0]["extensions"]


class Socket:
    """A websocket client inside the process."""

    def __init__(self, app: ASGIApp, **headers: str) -> None:
        self.inbox: asyncio.Queue[Message] = asyncio.Queue()
        self.outbox: asyncio.Queue[Message] = asyncio.Queue()
        self.taking = asyncio.Event()
        self.taking.set()
        names = [(name.encode(), value.encode()) for name, value in headers.items()]
        scope = {"type": "websocket", "path": "/graphql", "headers": names, "subprotocols": ["graphql-transport-ws"]}
        self.inbox.put_nowait({"type": "websocket.connect"})
        self.task = asyncio.ensure_future(app(scope, self.inbox.get, self._send))

    async def _send(self, message: Message) -> None:
        if message["type"] == "websocket.send":
            await self.taking.wait()
        self.outbox.put_nowait(message)

    def tell(self, **message: Any) -> None:
        self.inbox.put_nowait({"type": "websocket.receive", "text": orjson.dumps(message).decode()})

    async def hear(self, seconds: float = SECONDS_MAX) -> Message:
        """The next message of the server, as ASGI has it."""
        return await soon(self.outbox.get(), seconds=seconds)

    async def next(self) -> Any:
        """The next message of the protocol."""
        message = await self.hear()
        assert message["type"] == "websocket.send", message
        return orjson.loads(message["text"])

    async def open(self, key: str) -> None:
        """Shake hands."""
        assert (await self.hear())["type"] == "websocket.accept"
        self.tell(type="connection_init", payload={"authorization": f"Bearer {key}"})
        assert (await self.next())["type"] == "connection_ack"

    async def close(self) -> None:
        """Hang up."""
        self.inbox.put_nowait({"type": "websocket.disconnect", "code": 1000})
        await soon(self.task)


class Installation:
    """A node on SQLite with GraphQL in front and the owner's client."""

    def __init__(self, services: Services, key: str) -> None:
        self.services = services
        self.edge = Edge(services)
        self.app = create_graphql_app(services, self.edge, schema=schema())
        self.owner = Client(self.app, key)

    async def client(self, role: str, *projects: str) -> Client:
        """A client with a fresh key."""
        made = await self.owner.ask(
            'mutation($role: Role!, $projects: [String!]!) { issueKey(input: {name: "k", role: $role,'
            " projects: $projects}) { ... on KeyMade { secret } ... on Rejected { code message } } }",
            role=role.upper(),
            projects=list(projects),
        )
        return Client(self.app, made["issueKey"]["secret"])

    async def project(self, name: str) -> str:
        """The id of a new project."""
        made = await self.owner.ask(
            "mutation($name: String!) { createProject(input: {name: $name}) { ... on ProjectNamed { project } } }",
            name=name,
        )
        return str(made["createProject"]["project"])

    def with_services(self, **changes: Any) -> Client:
        """The owner's client on services of which some are fakes."""
        services = replace(self.services, **changes)
        return Client(create_graphql_app(services, Edge(services), schema=schema()), self.owner.key)


@asynccontextmanager
async def installed(folder: Path) -> AsyncIterator[Installation]:
    """An installation that ends with the block."""
    settings = Settings(data=folder / "data", store="sqlite")
    async with running(settings) as services:
        installation = Installation(services, (settings.data / "local.key").read_text().strip())
        try:
            yield installation
        finally:
            await installation.edge.settle()
