"""Runs on a real node: chains of fifteen steps, alone and side by side, and a thousand runs at once.

Each chain is walked twice: by workers that report and then ask for the next step, and by workers that send both
together, as one request may (docs/http.md).
"""

import argparse
import asyncio
import json
import os
import resource
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

import uvloop

from domain.kernel.pipeline.definition import Definition, WorkPhase
from domain.kernel.pipeline.flow import Edge
from domain.kernel.pipeline.work import TaskSpec, Work
from domain.pipeline.commands import PublishDefinition
from domain.run.commands import StartRun
from domain.task.commands import ClaimTask, CompleteTask
from infrastructure.runtime.interpreter import tune
from tests.benchmarks.stores import fresh_folder, fresh_stores
from tests.support.running_node import Fleet, answer, running_fleet
from tests.support.waiting import happens

STEPS: Final = 15
STEP_MILLISECONDS: Final = 2.0
STEPS_PER_SECOND: Final = 2_500
CHAINS: Final = (1, 32)
RUNS: Final = 1_000
WORKERS: Final = 32
LEVEL_SECONDS_MAX: Final = 1_800.0

Serve = Callable[[Fleet, str, list[int]], Awaitable[list[float]]]
"""How a session takes steps until none is left."""


def main(argv: list[str]) -> int:
    options = argparse.ArgumentParser()
    options.add_argument("--json", type=Path)
    options.add_argument("--stores", default="sqlite,postgres")
    options.add_argument("--runs", type=int, default=RUNS)
    chosen = options.parse_args(argv)
    results: dict[str, Any] = {}
    tune()
    with fresh_stores(chosen.stores.split(",")) as stores:
        for name, setting in stores.items():
            found = results[name] = uvloop.run(measure(setting, chosen.runs))
            show(name, found, chosen.runs)
    if chosen.json:
        chosen.json.write_text(json.dumps(results, indent=2))
    return 0


def show(name: str, found: dict[str, Any], runs: int) -> None:
    print(f"{name}: durable (fsync on), load {os.getloadavg()[0]:.1f}")
    for chains in CHAINS:
        rate = found[f"chains_{chains}"]
        limit = f"{STEP_MILLISECONDS:g} ms" if chains == 1 else f"{STEPS_PER_SECOND:,} steps/s"
        print(f"  {chains:>2} chains of {STEPS} steps (to reach: {limit})")
        for words, one in (("one after the other", rate), ("in one request", found[f"chains_{chains}_together"])):
            told = f"{one['milliseconds']:.2f} ms a step" if chains == 1 else f"{one['per_second']:,.0f} steps/s"
            print(f"     report and next claim {words}: {told}, {one['cpu']:.2f} ms of CPU a step")
    many = found["many"]
    print(f"  {runs:,} runs at once: started in {many['started']:.1f} s, all {STEPS} steps of each", end="")
    print(f" in {many['seconds']:.1f} s, {many['per_second']:,.0f} steps/s, {many['mebibytes']:.0f} MiB at most")
    told = f"{many['level_per_second']:,.0f} steps/s, {many['level_cpu']:.2f} ms of CPU a step"
    print(f"     read models are level {many['behind']:.1f} s later: with starts and rows {told}")


async def measure(setting: str, runs: int) -> dict[str, Any]:
    async with running_fleet(fresh_folder(), setting, project="chains") as fleet:
        published = await fleet.ask(PublishDefinition(project="chains", definition=chain()))
        assert published.ok, published.text
        sessions = [await fleet.session(capacity=100) for _ in range(WORKERS)]
        found: dict[str, Any] = {}
        await together(fleet, sessions[:8], 8)  # what is imported and compiled once is no step
        for chains in CHAINS:
            found[f"chains_{chains}"] = await together(fleet, sessions[:chains], chains)
            found[f"chains_{chains}_together"] = await together(fleet, sessions[:chains], chains, serve_joined)
        await level(fleet)  # what was held back of the steps before is none of these
        began, spent = time.perf_counter(), time.process_time()
        many = found["many"] = await together(fleet, sessions, runs)
        many["behind"] = await level(fleet)
        many["level_per_second"] = runs * STEPS / (time.perf_counter() - began)
        many["level_cpu"] = (time.process_time() - spent) * 1_000 / (runs * STEPS)
    return found


async def level(fleet: Fleet) -> float:
    """Seconds until the read models, which yield to the committer, are at the end of the log."""
    began, head = time.perf_counter(), fleet.services.events.head()
    await happens(lambda: fleet.services.health.health().projected >= head, seconds=LEVEL_SECONDS_MAX)
    return time.perf_counter() - began


def chain() -> Definition:
    """Fifteen steps, each behind the one before."""
    task = TaskSpec(title="Step")
    phases = tuple(
        WorkPhase(
            key=f"s{number}",
            needs=(Edge(phase=f"s{number - 1}"),) if number else (),
            work=Work(task=task, effect="pure"),
        )
        for number in range(STEPS)
    )
    return Definition(name="chain", phases=phases)


async def serve(fleet: Fleet, session: str, left: list[int]) -> list[float]:
    """Take steps and report them until none is left; answers how long each took, claim and report together."""
    took: list[float] = []
    while left[0] > 0:
        began = time.perf_counter()
        claimed = await fleet.ask(ClaimTask(project="chains", session=session, incarnation=1))
        if not claimed.ok:
            await asyncio.sleep(0)
            continue
        task = answer(claimed)
        done = await fleet.ask(CompleteTask(project="chains", task=task["task"], token=task["token"]))
        assert done.ok, done.text
        left[0] -= 1
        took.append(time.perf_counter() - began)
    return took


async def serve_joined(fleet: Fleet, session: str, left: list[int]) -> list[float]:
    """The same, with each report and the claim of the next step sent together: how long each such exchange took."""
    took: list[float] = []
    task: dict[str, Any] | None = None
    while left[0] > 0:
        began = time.perf_counter()
        claim = ClaimTask(project="chains", session=session, incarnation=1)
        if task is None:
            claimed = await fleet.ask(claim)
        else:
            report = CompleteTask(project="chains", task=task["task"], token=task["token"])
            done, claimed = await asyncio.gather(fleet.ask(report), fleet.ask(claim))
            assert done.ok, done.text
            left[0] -= 1
            took.append(time.perf_counter() - began)
        task = answer(claimed) if claimed.ok else None
        if task is None:
            await asyncio.sleep(0)
    return took


async def together(fleet: Fleet, sessions: list[str], runs: int, how: Serve = serve) -> dict[str, float]:
    """So many runs, walked through by the sessions, each taking whatever step is next."""
    began = time.perf_counter()
    spent = time.process_time()
    await asyncio.gather(*(begin(fleet) for _ in range(runs)))
    started = time.perf_counter()
    left = [runs * STEPS]
    took = await asyncio.gather(*(how(fleet, session, left) for session in sessions))
    seconds, steps = time.perf_counter() - started, runs * STEPS
    return {
        "started": started - began,
        "seconds": seconds,
        "milliseconds": statistics.median(one for each in took for one in each) * 1_000,
        "per_second": steps / seconds,
        "cpu": (time.process_time() - spent) * 1_000 / steps,
        "mebibytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1_024,
    }


async def begin(fleet: Fleet) -> None:
    outcome = await fleet.ask(StartRun(project="chains", pipeline="chain"))
    assert outcome.ok, outcome.text


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
