"""Create, drain, pick-up and locks through the HTTP server: real process, real sockets, durable store."""

import argparse
import asyncio
import json
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import uvloop

from tests.benchmarks.http_load import Connection, Server, served
from tests.benchmarks.stores import fresh_stores

DRAINED = 5_000
WORKERS = 30
BATCH = 16
PICKUPS = 200


def main(argv: list[str]) -> int:
    options = argparse.ArgumentParser()
    options.add_argument("--json", type=Path)
    options.add_argument("--stores", default="sqlite,postgres")
    chosen = options.parse_args(argv)
    results: dict[str, dict[str, Any]] = {}
    with fresh_stores(chosen.stores.split(",")) as stores:
        for name, setting in stores.items():
            results[name] = uvloop.run(all_cases(setting))
            show(name, results[name])
    if chosen.json:
        chosen.json.write_text(json.dumps(results, indent=2))
    return 0


def show(name: str, found: dict[str, Any]) -> None:
    print(f"{name}: durable (fsync on), one server process")
    print(f"  idle server {found['idle_mebibytes']:.0f} MiB (limit 150)")
    print(f"  create, 1 / 32 clients: {found['create_1']:,.0f} / {found['create_32']:,.0f} /s (to reach 1,500 / 5,000)")
    print(f"  drain of {DRAINED:,}, {WORKERS} workers: {found['drain']:,.0f} tasks/s (to reach 1,500)")
    print(f"    {BATCH} a call: {found['drain_batched']:,.0f} tasks/s (to reach 3,000)")
    print(f"    read models level {found['level_seconds']:.1f} s after the last completion")
    print(f"  idle pick-up p50 / p99: {found['pickup_p50']:.1f} / {found['pickup_p99']:.1f} ms (to reach 3 / 6)")
    behind = f"{found['behind_p50']:.1f} / {found['behind_p99']:.1f}"
    print(f"    while the read models catch up with {DRAINED:,} tasks: {behind} ms")
    print(f"  lock acquire+release, 1 / 32: {found['locks_1']:,.0f} / {found['locks_32']:,.0f} pairs/s (1,000 / 2,000)")


async def all_cases(store: str) -> dict[str, Any]:
    async with served(store) as server:
        first = await server.connect()
        await first.ask("create_project", {"name": "bench"})
        await asyncio.sleep(1.0)
        found: dict[str, Any] = {"idle_mebibytes": server.memory_mebibytes()}
        found["create_1"] = await rate(server, 1, create)
        found["create_32"] = await rate(server, 32, create)
        found["locks_1"] = await rate(server, 1, locks)
        found["locks_32"] = await rate(server, 32, locks)
        found.update(await drain(server, first))
        found["drain_batched"] = await drain_batched(server, first)
        found.update(await pick_ups(server, first, "behind"))
        await until_level(server)
        found.update(await pick_ups(server, first, "pickup"))
        found["loaded_mebibytes"] = server.memory_mebibytes()
        return found


Step = Callable[[Connection, int, int, dict[str, Any]], Awaitable[None]]


async def rate(server: Server, clients: int, step: Step, seconds: float = 3.0) -> float:
    """Steps a second of some clients side by side, each with a connection and a session of its own."""
    connections = [await server.connect() for _ in range(clients)]
    sessions = [await connection.ask("open_session", {"projects": ["bench"]}) for connection in connections]
    done = 0
    began = time.perf_counter()

    async def run(client: int, connection: Connection, session: dict[str, Any]) -> None:
        nonlocal done
        number = 0
        while time.perf_counter() - began < seconds:
            await step(connection, client, number, session)
            number += 1
            done += 1

    await asyncio.gather(*(run(client, *pair) for client, pair in enumerate(zip(connections, sessions, strict=True))))
    return done / (time.perf_counter() - began)


async def create(connection: Connection, client: int, number: int, session: dict[str, Any]) -> None:
    key = f"c{session['session'][-12:]}-{number}"
    await connection.ask("apply_plan", {"project": "bench", "tasks": [{"key": key, "title": "x", "kind": "idle"}]})


async def locks(connection: Connection, client: int, number: int, session: dict[str, Any]) -> None:
    who = {"project": "bench", "session": session["session"], "incarnation": 1}
    claims = [{"claim": f"path:repo//area{client}/file{number}.py"}]
    granted = await connection.ask("acquire_locks", {**who, "claims": claims})
    await connection.ask("release_locks", {**who, "token": granted["token"]})


async def drain(server: Server, first: Connection) -> dict[str, float]:
    """Claim and complete one task a call, until the last acknowledged completion."""

    async def work(connection: Connection, who: dict[str, Any]) -> int:
        done = 0
        while True:
            claimed = await connection.try_("claim_task", who)
            if not claimed["ok"]:
                return done
            task = claimed["answer"]
            report = {"project": who["project"], "task": task["task"], "token": task["token"]}
            await connection.ask("complete_task", report)
            done += 1

    rate = await drained(server, first, "drain", 1, work)
    return {"drain": rate, "level_seconds": await until_level(server)}


async def drain_batched(server: Server, first: Connection) -> float:
    """Claim many tasks a call and complete them in another one, until the last acknowledged completion."""

    async def work(connection: Connection, who: dict[str, Any]) -> int:
        done = 0
        while True:
            claimed = await connection.try_("claim_tasks", {**who, "most": BATCH})
            if not claimed["ok"]:
                return done
            tasks = claimed["answer"]["tasks"]
            reports = [{"project": who["project"], "task": task["task"], "token": task["token"]} for task in tasks]
            done += await connection.ask_many("complete_task", reports)

    return await drained(server, first, "batched", BATCH, work)


async def drained(
    server: Server,
    first: Connection,
    project: str,
    capacity: int,
    work: Callable[[Connection, dict[str, Any]], Awaitable[int]],
) -> float:
    """Tasks a second of all workers together on a project of its own."""
    await first.ask("create_project", {"name": project})
    for start in range(0, DRAINED, 1_000):
        tasks = [{"key": f"d{start + number}", "title": "x"} for number in range(1_000)]
        await first.ask("apply_plan", {"project": project, "tasks": tasks})
    connections = [await server.connect() for _ in range(WORKERS)]
    wish = {"projects": [project], "capacity": capacity}
    sessions = [(await one.ask("open_session", wish))["session"] for one in connections]
    whos = [{"project": project, "session": session, "incarnation": 1} for session in sessions]
    began = time.perf_counter()
    done = sum(await asyncio.gather(*(work(*pair) for pair in zip(connections, whos, strict=True))))
    seconds = time.perf_counter() - began
    if done != DRAINED:
        raise RuntimeError(f"{done} of {DRAINED} tasks were completed")
    return done / seconds


async def until_level(server: Server) -> float:
    """Seconds until the read models have caught up with the log."""
    import urllib.request

    began = time.perf_counter()
    request = urllib.request.Request(f"{server.url}/v1/status", headers={"authorization": f"Bearer {server.key}"})
    while True:
        status = json.loads(await asyncio.to_thread(lambda: urllib.request.urlopen(request).read()))
        if status["projected"] >= status["head"]:
            return time.perf_counter() - began
        await asyncio.sleep(0.05)


async def pick_ups(server: Server, first: Connection, project: str) -> dict[str, float]:
    """From the moment a plan is sent that makes a task ready until a waiting worker has it."""
    await first.ask("create_project", {"name": project})
    waiting = await server.connect()
    session = (await waiting.ask("open_session", {"projects": [project]}))["session"]
    who = {"project": project, "session": session, "incarnation": 1}
    taken: list[float] = []
    for number in range(PICKUPS):
        claim = asyncio.ensure_future(waiting.ask("claim_task", who, wait_seconds=20))
        await asyncio.sleep(0.01)
        began = time.perf_counter()
        plan = first.ask("apply_plan", {"project": project, "tasks": [{"key": f"p{number}", "title": "x"}]})
        planned = asyncio.ensure_future(plan)
        task = await claim
        taken.append((time.perf_counter() - began) * 1_000)
        await planned
        await waiting.ask("complete_task", {"project": project, "task": task["task"], "token": task["token"]})
    taken.sort()
    return {f"{project}_p50": statistics.median(taken), f"{project}_p99": taken[int(len(taken) * 0.99) - 1]}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
