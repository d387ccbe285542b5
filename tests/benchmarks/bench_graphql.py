"""The smallest mutation and the smallest query over GraphQL, at 32 connections, the server's work on one core.

The services behind it answer at once, so that GraphQL itself is measured; the third line is a real node on SQLite.
"""

import argparse
import asyncio
import json
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson

from api.composition.server import running
from api.edge import Edge
from api.graphql.app import create_graphql_app
from api.graphql.asgi import ASGIApp, Message
from api.ports import Told
from infrastructure.settings import Settings

CONNECTIONS = 32
TARGET_PER_SECOND = 2_500
MUTATION = (
    'mutation { unfreezeProject(input: {project: "bench"}) { ... on Done { position } ... on Rejected { code } } }'
)
QUERY = "{ status { head } }"


class Instant:
    """Answers at once what an accepted command answers."""

    text = b'{"ok":true,"answer":{}}'
    ok, position, repeated = True, 1, False

    async def execute(self, command: object, stamp: object) -> Any:
        return self

    def submit(self, command: object, stamp: object, told: Callable[[Told], None]) -> bool:
        return False

    async def claim(self, command: object, stamp: object, *, wait_seconds: float) -> Any:
        return self


async def per_second(app: ASGIApp, key: str, query: str, seconds: float) -> float:
    """Requests a second of all connections together."""
    body = orjson.dumps({"query": query})
    headers = [(b"authorization", f"Bearer {key}".encode()), (b"content-type", b"application/json")]
    scope = {"type": "http", "method": "POST", "path": "/graphql", "headers": headers}
    began = time.perf_counter()
    ends, done = began + seconds, 0

    async def connection() -> None:
        nonlocal done
        while time.perf_counter() < ends:
            sent: list[Message] = []

            async def receive() -> Message:
                return {"type": "http.request", "body": body}

            async def send(message: Message, into: list[Message] = sent) -> None:
                into.append(message)

            await app(dict(scope), receive, send)
            if sent[0]["status"] != 200 or b'"errors"' in sent[1]["body"]:
                raise SystemExit(f"refused: {sent[1]['body'].decode()}")
            done += 1

    await asyncio.gather(*(connection() for _ in range(CONNECTIONS)))
    return done / (time.perf_counter() - began)


async def measure(seconds: float) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(data=Path(folder) / "data", store="sqlite")
        async with running(settings) as services:
            key = (settings.data / "local.key").read_text().strip()
            real = create_graphql_app(services, Edge(services))
            make = 'mutation { createProject(input: {name: "bench"}) { __typename } }'
            await per_second(real, key, make, 0.01)
            instant = replace(services, commands=Instant())
            bare = create_graphql_app(instant, Edge(instant))
            return {
                "mutations_per_second": await per_second(bare, key, MUTATION, seconds),
                "queries_per_second": await per_second(bare, key, QUERY, seconds),
                "mutations_on_sqlite_per_second": await per_second(real, key, MUTATION, seconds),
            }


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--seconds", type=float, default=3.0)
    given = parser.parse_args(argv)
    found = asyncio.run(measure(given.seconds))
    for name, figure in found.items():
        print(f"{name:40} {figure:10,.0f}")
    print(f"target for mutations: {TARGET_PER_SECOND:,}")
    if given.json is not None:
        given.json.write_text(json.dumps(found, indent=2) + "\n")
    return 0
