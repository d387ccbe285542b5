"""The official SDK's client before our doors: it speaks to the application itself, with a key of its own."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.types import TextContent, TextResourceContents

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
    """An agent with the caller's key."""
    headers = {"authorization": f"Bearer {caller.key}"}
    transport = httpx2.ASGITransport(app=caller.app)
    async with (
        httpx2.AsyncClient(transport=transport, headers=headers, timeout=90.0) as http,
        Client(streamable_http_client("http://localhost/mcp", http_client=http), mode=mode) as client,
    ):
        yield Agent(client)
