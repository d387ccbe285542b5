"""The ASGI application at /mcp: the SDK is imported with the first request, for it takes long and few need it."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

from api.edge import Edge
from api.mcp.service import ToolService
from api.ports import Services
from domain.principal.allow import Principal

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Door = Callable[[Scope, Receive, Send], Awaitable[None]]


class McpApp:
    """Takes requests that are authenticated and bounded already; speaks every revision that the SDK knows.

    It keeps nothing between requests: no protocol session. Who calls is said by the key and the arguments.
    """

    def __init__(
        self, services: Services, edge: Edge, *, hosts: Iterable[str], body_bytes_max: int, version: str
    ) -> None:
        self._hosts = frozenset(hosts)
        self._body_bytes_max = body_bytes_max
        self._version = version
        self._principal = services.principals.authenticate
        self._stopping = asyncio.Event()
        self._closing = asyncio.Event()
        self._tools = ToolService(services, edge, self._stopping)
        self._serving: asyncio.Task[None] | None = None
        self._door: asyncio.Future[Door] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        door = await asyncio.shield(self._opened())
        await door(scope, receive, send)

    def begin_stop(self) -> None:
        """End what waits."""
        self._stopping.set()

    async def close(self) -> None:
        """Give up what is still under way."""
        self._stopping.set()
        self._closing.set()
        if self._serving is not None:
            await asyncio.gather(self._serving, return_exceptions=True)

    def principal_of(self, authorization: str) -> Principal | None:
        """Who calls, by the header."""
        kind, _, secret = authorization.partition(" ")
        return self._principal(secret.strip()) if kind.lower() == "bearer" else None

    def _opened(self) -> "asyncio.Future[Door]":
        if self._door is None:
            loop = asyncio.get_running_loop()
            self._door = loop.create_future()
            self._serving = loop.create_task(self._serve(self._door), name="mcp")
        return self._door

    async def _serve(self, door: "asyncio.Future[Door]") -> None:
        """The SDK wants its requests inside a block that begins and ends in one task."""
        try:
            build = await asyncio.to_thread(_builder)
            manager = build(self._tools, self.principal_of, self._hosts, self._body_bytes_max, self._version)
            async with manager.run():
                door.set_result(manager.handle_request)
                await self._closing.wait()
        except BaseException as error:
            if not door.done():
                door.set_exception(error)
            raise


def _builder() -> Any:
    from api.mcp.sdk import build

    return build
