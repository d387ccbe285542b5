"""The official SDK's client before our doors, with a key of its own."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.types import TextContent, TextResourceContents

from tests.support.waiting import SECONDS_MAX
from tests.support.whole_server import Caller

MODES = ("auto", "legacy")
"""The revision without sessions, and the handshake of the older ones."""


@dataclass(frozen=True)
class Agent:
    """Somebody who speaks MCP."""

    client: Client

    async def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """What a tool answers, done or refused."""
        result = await self.client.call_tool(tool, arguments)
        (content,) = result.content
        assert isinstance(content, TextContent)
        answer: dict[str, Any] = json.loads(content.text)
        assert ("refused" in answer) == bool(result.is_error), answer
        return answer

    async def done(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """The answer of a tool that has to do it."""
        answer = await self.call(tool, **arguments)
        assert "refused" not in answer, answer
        return answer

    async def read(self, uri: str) -> dict[str, Any]:
        """What a resource holds."""
        (content,) = (await self.client.read_resource(uri)).contents
        assert isinstance(content, TextResourceContents)
        found: dict[str, Any] = json.loads(content.text)
        return found


@asynccontextmanager
async def agent(caller: Caller, mode: str = "auto") -> AsyncIterator[Agent]:
    """An agent with the caller's key, before the application itself."""
    async with _speaking("http://localhost", caller.key, mode, httpx2.ASGITransport(app=caller.app)) as found:
        yield found


@asynccontextmanager
async def agent_at(url: str, key: str, mode: str = "auto") -> AsyncIterator[Agent]:
    """An agent before a running server."""
    async with _speaking(url, key, mode, None) as found:
        yield found


@asynccontextmanager
async def _speaking(url: str, key: str, mode: str, transport: httpx2.AsyncBaseTransport | None) -> AsyncIterator[Agent]:
    headers = {"authorization": f"Bearer {key}"}
    async with (
        httpx2.AsyncClient(transport=transport, headers=headers, timeout=SECONDS_MAX) as http,
        Client(streamable_http_client(f"{url}/mcp", http_client=http), mode=mode) as client,
    ):
        yield Agent(client)
