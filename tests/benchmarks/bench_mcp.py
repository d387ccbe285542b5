"""What MCP costs: tokens of schemas, instructions and `prime`, by the rule of three bytes a token, and time of calls.

The calls go one after another through the official SDK's client, before a real node on SQLite.
"""

import argparse
import asyncio
import json
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from api.mcp.answers import size_tokens
from api.mcp.catalogue import INSTRUCTIONS, TOOLS
from tests.support.mcp_client import agent
from tests.support.whole_server import whole_server

SCHEMA_TOKENS_MAX = 4_000
PRIME_TOKENS_MAX = 1_500
CALLS = 200


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="bench_mcp", description=__doc__)
    parser.add_argument("--json", type=Path, help="write the figures into this file")
    parser.add_argument("--calls", type=int, default=CALLS, help="calls of each kind")
    options = parser.parse_args(argv)
    figures = asyncio.run(measured(options.calls))
    for name, value in figures.items():
        print(f"{name:<28} {value:>10.1f}")
    if options.json is not None:
        options.json.write_text(json.dumps(figures, indent=2) + "\n")
    fits = figures["schemas_tokens"] <= SCHEMA_TOKENS_MAX and figures["prime_tokens"] <= PRIME_TOKENS_MAX
    return 0 if fits else 1


async def measured(calls: int) -> dict[str, float]:
    """Tokens, and milliseconds of a call."""
    listed = [
        {"name": one.name, "description": one.description, "inputSchema": one.schema(), "annotations": one.reads_only}
        for one in TOOLS
    ]
    figures: dict[str, float] = {
        "schemas_tokens": size_tokens(listed),
        "instructions_tokens": size_tokens(INSTRUCTIONS),
    }
    with tempfile.TemporaryDirectory() as folder:
        async with whole_server(Path(folder), "sqlite") as server:
            await server.owner.done("create_project", name="shop")
            for number in range(8):
                await a_mate(server, number)
            tasks = [{"key": f"t{number}", "title": "work", "body": "b" * 2_000} for number in range(calls + 1)]
            await server.owner.done("apply_plan", project="shop", tasks=tasks)
            async with agent(await server.caller("worker", "shop")) as one:
                primed = await one.done("prime")
                life = {name: primed["you"][name] for name in ("session", "incarnation")}
                await one.done("next_task", **life)
                figures["prime_tokens"] = size_tokens(await one.done("prime", **life))
                figures["prime_ms"] = await milliseconds(calls, lambda: one.done("prime", **life))
                claims = ["path:repo//mine"]
                figures["lock_who_ms"] = await milliseconds(
                    calls, lambda: one.done("lock", **life, action="who", claims=claims)
                )

                async def work() -> None:
                    await one.done("report", **life, outcome="complete")
                    await one.done("next_task", **life)

                figures["report_and_next_task_ms"] = await milliseconds(calls, work)
    return figures


async def a_mate(server: Any, number: int) -> None:
    """Somebody else at work, with locks of his own."""
    worker = await server.caller("worker", "shop")
    life = await worker.done("open_session", projects=["shop"], name=f"mate {number}", tool="claude-code")
    who = {name: life[name] for name in ("session", "incarnation")}
    claims = [{"claim": f"path:repo//src/part{number}/file{one}.py"} for one in range(10)]
    await worker.done("acquire_locks", project="shop", claims=claims, purpose="rewriting this part", **who)


async def milliseconds(calls: int, call: Callable[[], Awaitable[object]]) -> float:
    """Mean of one call."""
    began = time.perf_counter()
    for _ in range(calls):
        await call()
    return (time.perf_counter() - began) / calls * 1_000
