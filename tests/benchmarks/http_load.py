"""A server process and lean HTTP clients for benchmarks: what is measured is the server, not the client."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

from tests.benchmarks.stores import fresh_folder

START_SECONDS_MAX = 30.0
_SERVE = """
import sys
from pathlib import Path
from api.composition.server import run
from infrastructure.settings import Settings
run(Settings(data=Path(sys.argv[1]), bind="127.0.0.1:0", store=sys.argv[2], log_level="warning"))
"""


class Connection(asyncio.Protocol):
    """One keep-alive connection with one request at a time."""

    def __init__(self, host: str, key: str) -> None:
        self._head = f"host: {host}\r\nauthorization: Bearer {key}\r\ncontent-type: application/json\r\n".encode()
        self._buffer = bytearray()
        self._length = -1
        self._body_at = 0
        self._answer: asyncio.Future[bytes] | None = None
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if self._length < 0:
            end = self._buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            head = bytes(self._buffer[:end]).lower()
            start = head.index(b"content-length:") + 15
            self._length = int(head[start : head.find(b"\r\n", start) if head.find(b"\r\n", start) > 0 else None])
            self._body_at = end + 4
        if len(self._buffer) >= self._body_at + self._length:
            body = bytes(self._buffer[self._body_at : self._body_at + self._length])
            self._buffer.clear()
            self._length = -1
            if self._answer is not None and not self._answer.done():
                self._answer.set_result(body)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(exc or ConnectionError("the server closed the connection"))

    async def post(self, path: str, body: bytes) -> bytes:
        """The body of the answer."""
        assert self._transport is not None
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(
            b"POST " + path.encode() + b" HTTP/1.1\r\n" + self._head + b"content-length: %d\r\n\r\n" % len(body) + body
        )
        return await self._answer

    async def ask(self, kind: str, command: dict[str, Any], **envelope: Any) -> dict[str, Any]:
        """Send one command; the answer must be an acceptance."""
        told = await self.try_(kind, command, **envelope)
        if not told["ok"]:
            raise RuntimeError(told)
        return dict(told["answer"])

    async def try_(self, kind: str, command: dict[str, Any], **envelope: Any) -> dict[str, Any]:
        """Send one command."""
        body = json.dumps({"type": kind, "command": command, **envelope}).encode()
        told: dict[str, Any] = json.loads(await self.post("/v1/commands", body))
        return told

    async def ask_many(self, kind: str, commands: list[dict[str, Any]]) -> int:
        """Send commands of one kind in one request, every one of which must be accepted; how many there were."""
        body = json.dumps({"commands": [{"type": kind, "command": command} for command in commands]}).encode()
        results: list[dict[str, Any]] = json.loads(await self.post("/v1/commands", body))["results"]
        if not all(one["ok"] for one in results):
            raise RuntimeError(next(one for one in results if not one["ok"]))
        return len(results)


class Server:
    """Where the server is and how to reach it."""

    def __init__(self, process: subprocess.Popen[bytes], url: str, key: str) -> None:
        self.process = process
        self.url = url
        self.key = key

    async def connect(self) -> Connection:
        """A connection of its own."""
        parts = urlsplit(self.url)
        host, port = str(parts.hostname), int(parts.port or 0)
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(lambda: Connection(f"{host}:{port}", self.key), host, port)
        return connection

    def memory_mebibytes(self) -> float:
        """Resident memory of the server process."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


@asynccontextmanager
async def served(store: str) -> AsyncIterator[Server]:
    """A real server process on a fresh data folder."""
    folder = fresh_folder() / "data"
    process = await asyncio.to_thread(subprocess.Popen, [sys.executable, "-c", _SERVE, str(folder), store])
    try:
        endpoint = folder / "server.json"
        for _ in range(int(START_SECONDS_MAX / 0.05)):
            if endpoint.exists():
                break
            await asyncio.sleep(0.05)
        url = json.loads(endpoint.read_text())["url"]
        yield Server(process, url, (folder / "local.key").read_text().strip())
    finally:
        process.terminate()
        process.wait(20)
