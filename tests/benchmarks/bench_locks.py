"""The lock service: decisions among 1,000 holders and 200 waiters, and handing one lock round 16 waiters over HTTP."""

import argparse
import asyncio
import json
import random
import statistics
import time
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

from domain.kernel.ids import Instant
from domain.kernel.values import ScopeClaim
from domain.lock.decider import LOCKS, grant, release
from domain.lock.entries import Owner
from domain.lock.events import LocksGranted, LocksRequested
from domain.lock.evolve import evolve
from domain.lock.requesting import enqueue, hand_on
from domain.lock.state import LockSpace
from tests.benchmarks.http_load import Connection, served

HOLDERS = 1_000
WAITERS = 200
ROUNDS = 400
LIMIT_MS = 10.0
CLIENTS = 16
HAND_OVERS = 480

T = TypeVar("T")


class Crowd:
    """A lock space with many holders and waiters, and a chance that is the same each time."""

    def __init__(self) -> None:
        self.chance = random.Random(1)
        self.space: LockSpace = LOCKS.initial
        self.now = 10**15
        self.names = 0
        while len(self.space.grants) < HOLDERS:
            self.hold()
        while len(self.space.waiters) < WAITERS:
            self.wait()
            self.settle()

    def owner(self) -> Owner:
        """Somebody new, or one in three somebody who holds already."""
        if self.chance.random() < 0.3:
            return self.chance.choice(list(self.space.grants.values())).owner
        self.names += 1
        return Owner(f"sess_{self.names}", 1, None)

    def claims(self) -> tuple[ScopeClaim, ...]:
        area, other = (f"src/m{self.chance.randrange(250)}" for _ in range(2))
        file = f"f{self.chance.randrange(40)}.py"
        kinds = ([f"{area}/{file}"], [f"{area}/{file}", f"{other}/{file}"], [f"{area}/*.md"], [f"{area}/**"])
        return tuple(ScopeClaim(claim=f"path:repo//{one}") for one in self.chance.choice(kinds))

    def ask(self, claims: tuple[ScopeClaim, ...]) -> object:
        self.names += 1
        return grant(
            self.space,
            era=1,
            session=f"sess_{self.names}",
            incarnation=1,
            task=None,
            claims=claims,
            purpose="",
            at=Instant(self.now),
        )

    def hold(self) -> None:
        granted = self.ask(self.claims())
        if isinstance(granted, LocksGranted):
            self.space = evolve(self.space, granted)

    def wait(self) -> None:
        self.now += 1_000
        owner, claims = self.owner(), self.claims()
        requested = enqueue(self.space, owner, claims, purpose="", at=Instant(self.now))
        if isinstance(requested, LocksRequested):
            self.space = evolve(self.space, requested)

    def settle(self) -> int:
        given = 0
        while (granted := hand_on(self.space, 1, Instant(self.now))) is not None:
            self.space = evolve(self.space, granted)
            given += 1
        return given

    def give_back(self) -> int:
        token = self.chance.choice(list(self.space.grants))
        for event in release(self.space, token, "released", Instant(self.now)):
            self.space = evolve(self.space, event)
        return self.settle()


def decisions() -> dict[str, list[float]]:
    """Milliseconds of each kind of decision."""
    crowd = Crowd()
    taken: dict[str, list[float]] = {"grant or refusal": [], "enqueue": [], "release and hand on": []}
    for _ in range(ROUNDS):
        claims = crowd.claims()
        timed(taken["grant or refusal"], partial(crowd.ask, claims))
        timed(taken["enqueue"], crowd.wait)
        if timed(taken["release and hand on"], crowd.give_back) == 0:
            crowd.hold()
    return taken


def timed(into: list[float], work: Callable[[], T]) -> T:
    began = time.perf_counter()
    found = work()
    into.append((time.perf_counter() - began) * 1_000)
    return found


async def hand_overs(store: str) -> list[float]:
    """Milliseconds from a release being sent to the next holder knowing its token, with everybody else waiting."""
    moments: dict[int, tuple[float, float]] = {}
    async with served(store) as server:
        first = await server.connect()
        await first.ask("create_project", {"name": "bench"})
        left = [HAND_OVERS]

        async def client() -> None:
            connection = await server.connect()
            opened = await connection.ask("open_session", {"projects": ["bench"], "ttl_seconds": 3_600})
            who = {"project": "bench", "session": opened["session"], "incarnation": 1}
            while left[0] > 0:
                left[0] -= 1
                token = await taken(connection, who)
                learnt = time.perf_counter()
                moments[int(token)] = learnt, time.perf_counter()
                await connection.ask("release_locks", {**who, "token": token})

        await asyncio.gather(*(client() for _ in range(CLIENTS)))
    order = [moments[token] for token in sorted(moments)]
    return [(later[0] - former[1]) * 1_000 for former, later in pairwise(order)]


async def taken(connection: Connection, who: dict[str, Any]) -> str:
    """The lock, as soon as it is our turn."""
    asked = {**who, "claims": [{"claim": "path:repo//hot"}], "wait": "queue"}
    told = await connection.try_("acquire_locks", asked)
    while told["answer"]["outcome"] == "waiting":
        request = told["answer"]["request"]
        told = await connection.try_("await_locks", {**who, "request": request}, wait_seconds=20)
    return str(told["answer"]["token"])


def main(argv: list[str]) -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--json", type=Path)
    options.add_argument("--store", default="sqlite")
    chosen = options.parse_args(argv)
    found = {name: quantiles(times) for name, times in decisions().items()}
    found["hand-over over HTTP"] = quantiles(asyncio.run(hand_overs(chosen.store)))
    print(f"{HOLDERS:,} holders, {WAITERS} waiters; {CLIENTS} clients at one lock; milliseconds")
    for name, (middle, high, worst) in found.items():
        print(f"  {name:24} p50 {middle:7.2f}   p99 {high:7.2f}   max {worst:7.2f}")
    print(f"  limit of a decision: {LIMIT_MS:.0f} ms")
    if chosen.json:
        chosen.json.write_text(json.dumps(found, indent=2))
    return 0


def quantiles(times: list[float]) -> tuple[float, float, float]:
    ordered = sorted(times)
    return statistics.median(ordered), ordered[int(len(ordered) * 0.99)], ordered[-1]


if __name__ == "__main__":
    raise SystemExit(main([]))
