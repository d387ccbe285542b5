"""CPU time of one request through the doors for machines, from the bytes of a socket to the bytes of the answer.

The services behind them answer at once and the sockets are none, so that protocol, guard, parsing and answering are
measured and nothing else: processor time, which other programs on the machine disturb little.
"""

import argparse
import asyncio
import json
import math
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import uvloop
from uvicorn.server import ServerState

from api.http.asgi import ASGIApp, Receive, Scope, Send
from api.http.protocol import BoundedProtocol
from api.http.server import configuration
from api.ports import Told
from domain.kernel.ids import ProjectId
from domain.kernel.message import Command, Stamp
from infrastructure.runtime.interpreter import tune
from infrastructure.runtime.outcome import Outcome
from infrastructure.settings import HttpSettings
from tests.support.doors import Doors

CONNECTIONS = 32
ROUNDS = 150
TARGET_MICROSECONDS = 80.0
PROJECT = ProjectId("proj_01k0000000000000000000000a")
SESSION = "sess_01k0000000000000000000000b"
TASK = "task_01k0000000000000000000000c"
_DONE = Outcome(b'{"ok":true,"answer":{"task":"task_01k0000000000000000000000c","token":"17"}}', 4_711)


class Instant:
    """Commands and names that cost nothing."""

    async def execute(self, command: Command, stamp: Stamp) -> Outcome:
        return _DONE

    def submit(self, command: Command, stamp: Stamp, told: Callable[[Told], None]) -> bool:
        asyncio.get_running_loop().call_soon(told, _DONE)
        return True

    async def claim(self, command: Command, stamp: Stamp, *, wait_seconds: float) -> Outcome:
        return _DONE

    def known(self, slug_or_id: str) -> ProjectId:
        return PROJECT

    async def project(self, slug_or_id: str) -> ProjectId:
        return PROJECT


class Wire(asyncio.Transport):
    """A connection without a network: tells when an answer was written."""

    def __init__(self, written: Callable[[bytes], None]) -> None:
        super().__init__({"peername": ("127.0.0.1", 1), "sockname": ("127.0.0.1", 2)})
        self._written = written

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self._written(bytes(data))

    def is_closing(self) -> bool:
        return False

    def close(self) -> None:
        return

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...


class Lines:
    """Some connections to one application, each of which asks the same over and over."""

    def __init__(self, app: ASGIApp) -> None:
        config = configuration(app, HttpSettings())
        config.load()
        state = ServerState()
        self._left = 0
        self._all = asyncio.get_running_loop().create_future()
        self._lines = [BoundedProtocol(config, state, {}) for _ in range(CONNECTIONS)]
        for line in self._lines:
            line.connection_made(Wire(self._answered))

    async def ask(self, request: bytes) -> None:
        """The same request once on each connection, answered on all of them."""
        self._left = CONNECTIONS
        self._all = asyncio.get_running_loop().create_future()
        for line in self._lines:
            line.data_received(request)
        await self._all

    async def microseconds(self, request: bytes, times: int) -> float:
        """Processor time of one request."""
        began = time.process_time()
        for _ in range(times):
            await self.ask(request)
        return (time.process_time() - began) * 1e6 / times / CONNECTIONS

    def _answered(self, data: bytes) -> None:
        if not data.startswith(b"HTTP/1.1"):
            return
        if not data.startswith(b"HTTP/1.1 200"):
            raise SystemExit(f"refused: {data.decode()}")
        self._left -= 1
        if self._left == 0:
            self._all.set_result(None)


def requests(key: str) -> dict[str, bytes]:
    """What the doors are asked."""

    def post(path: str, content: Any) -> bytes:
        body = orjson.dumps(content)
        return (
            f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1:8420\r\nauthorization: Bearer {key}\r\n"
            f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        ).encode() + body

    who = {"project": "shop", "session": SESSION, "incarnation": 1}
    report = {"project": "shop", "task": TASK, "token": "17"}
    plan = {"project": "shop", "tasks": [{"key": "c1", "title": "x", "kind": "idle"}]}
    beat = {"session": SESSION, "incarnation": 1, "tokens": [{"project": "shop", "token": "17"}]}

    def command(kind: str, fields: dict[str, Any]) -> dict[str, Any]:
        return {"type": kind, "command": fields}

    return {
        "apply_plan": post("/v1/commands", command("apply_plan", plan)),
        "claim_task": post("/v1/commands", command("claim_task", who)),
        "claim_task, waiting": post("/v1/commands", command("claim_task", who) | {"wait_seconds": 20}),
        "complete_task": post("/v1/commands", command("complete_task", report)),
        "16 complete_task": post("/v1/commands", {"commands": [command("complete_task", report)] * 16}),
        "heartbeat": post("/v1/heartbeat", beat),
        "wait, at once": f"GET /v1/wait?after=0&timeout_seconds=1 HTTP/1.1\r\nhost: 127.0.0.1:8420\r\n"
        f"authorization: Bearer {key}\r\n\r\n".encode(),
    }


async def bare(scope: Scope, receive: Receive, send: Send) -> None:
    """What the protocol alone costs: the body is read and answered, nothing looked at."""
    await receive()
    length = b"%d" % len(_DONE.text)
    headers = [(b"content-type", b"application/json"), (b"content-length", length)]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": _DONE.text})


async def measure(times: int) -> dict[str, float]:
    doors = Doors()
    tune()
    await doors.command("create_project", {"name": "other"})
    instant = Instant()
    doors.edge._services = replace(doors.services, commands=instant, names=instant)
    asked = requests(doors.owner)
    lines = Lines(doors.app)
    cases = {"bare ASGI behind uvicorn": (Lines(bare), asked["complete_task"])}
    cases |= {name: (lines, request) for name, request in asked.items()}
    found = dict.fromkeys(cases, math.inf)
    for _ in range(ROUNDS):
        # The least of many short rounds in turn: whatever else the machine does only ever makes one longer.
        for name, (those, request) in cases.items():
            found[name] = min(found[name], await those.microseconds(request, times))
    await doors.app.close()
    return found


def main(argv: list[str]) -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--json", type=Path)
    options.add_argument("--times", type=int, default=1)
    chosen = options.parse_args(argv)
    found = uvloop.run(measure(chosen.times))
    for name, microseconds in found.items():
        print(f"  {name:28} {microseconds:8.1f} µs of CPU a request")
    print(f"  one command, to reach {TARGET_MICROSECONDS:.0f} µs")
    if chosen.json:
        chosen.json.write_text(json.dumps(found, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
