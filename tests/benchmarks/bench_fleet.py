"""A fleet on one node: 300 sessions that serve 20 projects wait for work over HTTP, tasks arrive at a steady rate."""

import argparse
import asyncio
import json
import os
import random
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import uvloop

from tests.benchmarks.http_load import Connection, Server, served
from tests.benchmarks.stores import fresh_stores

SESSIONS = 300
PROJECTS = 20
SERVED_EACH = 5
"""Projects that one session serves."""
TASKS_PER_SECOND = 100
SECONDS = 15.0
WORK_SECONDS = 0.2
"""How long a session is busy with a task, so that most of them wait most of the time."""


def main(argv: list[str]) -> int:
    options = argparse.ArgumentParser()
    options.add_argument("--json", type=Path)
    options.add_argument("--stores", default="sqlite,postgres")
    options.add_argument("--sessions", type=int, default=SESSIONS)
    options.add_argument("--rate", type=float, default=TASKS_PER_SECOND)
    options.add_argument("--seconds", type=float, default=SECONDS)
    chosen = options.parse_args(argv)
    results: dict[str, dict[str, Any]] = {}
    with fresh_stores(chosen.stores.split(",")) as stores:
        for name, setting in stores.items():
            found = results[name] = uvloop.run(measure(setting, chosen.sessions, chosen.rate, chosen.seconds))
            print(f"{name}: {chosen.sessions} sessions, {PROJECTS} projects, load {os.getloadavg()[0]:.1f}")
            print(f"  {found['tasks']:,} tasks at {found['rate']:,.0f} /s, all assigned: {found['all_assigned']}")
            print(f"  plan sent -> assigned, p50 / p95 / p99: {found['p50']:.1f} / {found['p95']:.1f} / ", end="")
            print(f"{found['p99']:.1f} ms (to reach p99 100)")
            print(f"  server CPU per task {found['cpu_ms_per_task']:.2f} ms, {found['mebibytes']:.0f} MiB")
    if chosen.json:
        chosen.json.write_text(json.dumps(results, indent=2))
    return 0


class Fleet:
    """What was planned when, and when it was assigned."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.planned: dict[str, float] = {}
        self.taken: dict[str, float] = {}
        self.ended = asyncio.Event()

    async def serve(self, projects: list[str]) -> None:
        """One session: wait for work, do it, report it."""
        connection = await self.server.connect()
        session = (await connection.ask("open_session", {"projects": projects, "ttl_seconds": 600}))["session"]
        while not self.ended.is_set():
            who = {"session": session, "incarnation": 1}
            told = await connection.try_("claim_work", who, wait_seconds=10)
            if not told["ok"]:
                continue
            for task in told["answer"]["tasks"]:
                self.taken[f"{task['project']}/{task['key']}"] = time.perf_counter()
                await asyncio.sleep(WORK_SECONDS)
                report = {"project": task["project"], "task": task["task"], "token": task["token"]}
                await connection.ask("complete_task", report)

    async def plan(self, connection: Connection, projects: dict[str, str], rate: float, seconds: float) -> None:
        """Tasks one by one at a steady rate, each in a project of chance."""
        chance, began, number = random.Random(7), time.perf_counter(), 0
        while (now := time.perf_counter()) < began + seconds:
            due = int((now - began) * rate)
            while number < due:
                project = chance.choice(list(projects))
                self.planned[f"{projects[project]}/t{number}"] = time.perf_counter()
                tasks = [{"key": f"t{number}", "title": "x", "scope": [{"claim": f"path:r//f{number}"}]}]
                await connection.ask("apply_plan", {"project": project, "tasks": tasks})
                number += 1
            await asyncio.sleep(0.002)


async def measure(store: str, sessions: int, rate: float, seconds: float) -> dict[str, Any]:
    async with served(store) as server:
        first = await server.connect()
        names = [f"p{number}" for number in range(PROJECTS)]
        projects = {name: (await first.ask("create_project", {"name": name}))["project"] for name in names}
        fleet = Fleet(server)
        serving = [
            asyncio.create_task(fleet.serve([names[(one + step) % PROJECTS] for step in range(SERVED_EACH)]))
            for one in range(sessions)
        ]
        await asyncio.sleep(2.0)
        spent = cpu_seconds(server)
        await fleet.plan(first, projects, rate, seconds)
        for _ in range(100):
            if len(fleet.taken) == len(fleet.planned):
                break
            await asyncio.sleep(0.1)
        spent = cpu_seconds(server) - spent
        fleet.ended.set()
        for one in serving:
            one.cancel()
        await asyncio.gather(*serving, return_exceptions=True)
        waits = sorted((fleet.taken[key] - at) * 1_000 for key, at in fleet.planned.items() if key in fleet.taken)
        return {
            "tasks": len(fleet.planned),
            "rate": len(fleet.planned) / seconds,
            "all_assigned": len(waits) == len(fleet.planned),
            "p50": statistics.median(waits),
            "p95": waits[int(len(waits) * 0.95)],
            "p99": waits[int(len(waits) * 0.99)],
            "cpu_ms_per_task": spent * 1_000 / len(fleet.planned),
            "mebibytes": server.memory_mebibytes(),
        }


def cpu_seconds(server: Server) -> float:
    """What the server process has used so far."""
    fields = Path(f"/proc/{server.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
