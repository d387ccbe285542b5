"""Commands a second through the committer, beside raw commits of the same database and the plain library's save."""

import argparse
import asyncio
import json
import os
import sqlite3
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import psycopg
import uvloop
from eventsourcing.persistence import StoredEvent
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore
from eventsourcing.sqlite import SQLiteApplicationRecorder, SQLiteDatastore
from psycopg.conninfo import conninfo_to_dict

from domain.task.commands import ClaimTask, ReportProgress
from infrastructure.runtime.interpreter import tune
from tests.benchmarks.stores import fresh_folder, fresh_stores
from tests.support.running_node import Fleet, answer, running_fleet

CALLERS = (1, 8, 64, 256)
SECONDS = 3.0


def main(argv: list[str]) -> int:
    options = argparse.ArgumentParser()
    options.add_argument("--json", type=Path)
    options.add_argument("--stores", default="sqlite,postgres")
    options.add_argument("--seconds", type=float, default=SECONDS)
    chosen = options.parse_args(argv)
    results: dict[str, object] = {}
    tune()
    with fresh_stores(chosen.stores.split(",")) as stores:
        for name, setting in stores.items():
            limits = raw_limits(name, setting)
            commands = uvloop.run(command_rates(setting, chosen.seconds))
            claims = uvloop.run(claim_rates(fresh_database(name, setting)))
            results[name] = {"limits": limits, "commands": commands, "claims": claims}
            show(name, limits, commands, claims)
    if chosen.json:
        chosen.json.write_text(json.dumps(results, indent=2))
    return 0


def show(name: str, limits: dict[str, float], commands: dict[int, "Rate"], claims: dict[str, Any]) -> None:
    print(f"{name}: durable (fsync on)")
    raw, library = limits["raw_per_second"], limits["library_per_second"]
    print(f"  raw single-row commits {raw:,.0f}/s, library's save {library:,.0f}/s")
    for callers, rate in commands.items():
        ratio = rate.per_second / limits["library_per_second"]
        print(f"  {callers:>4} callers {rate.told('commands')}   {ratio:5.1f}x the library's save")
    latency = limits["raw_per_second"] / commands[1].per_second
    print(f"  one caller: {latency:.1f}x one raw commit (to reach: 4x)")
    print(f"  claims at 64 callers on 10,000 ready tasks: {claims['claims'].told('claims')} (to reach: 5,000/s)")
    print(f"  one task, winners among 2/8/64/256 callers: {claims['winners']}")


class Rate(NamedTuple):
    """What was done in a time, and what it took of our processor: a busy machine changes the first much more."""

    per_second: float
    cpu_microseconds: float

    def told(self, what: str) -> str:
        return f"{self.per_second:>9,.0f} {what}/s, {self.cpu_microseconds:6.0f} us of CPU each"


class Watch:
    """Wall clock and processor time of this process, the database's own excepted, from here on."""

    def __init__(self) -> None:
        self.began, self._spent = time.perf_counter(), time.process_time()

    def rate(self, done: int) -> Rate:
        taken, spent = time.perf_counter() - self.began, time.process_time() - self._spent
        return Rate(done / taken, spent / done * 1_000_000)


async def command_rates(setting: str, seconds: float) -> dict[int, Rate]:
    """Progress reports: a real command with one event on one stream, each caller on a task of its own."""
    rates: dict[int, Rate] = {}
    async with running_fleet(fresh_folder(), setting, project="rates") as fleet:
        await fleet.plan(max(CALLERS))
        held = await asyncio.gather(*(hold_one(fleet) for _ in range(max(CALLERS))))
        for callers in CALLERS:
            watch = Watch()
            done = await asyncio.gather(*(report(fleet, *one, watch.began + seconds) for one in held[:callers]))
            rates[callers] = watch.rate(sum(done))
    return rates


async def report(fleet: Fleet, task: str, token: str, until: float) -> int:
    """Reports of one caller, one after another, until an instant."""
    done = 0
    while time.perf_counter() < until:
        outcome = await fleet.ask(ReportProgress(project="rates", task=task, token=token, percent=50.0))
        assert outcome.ok, outcome.text
        done += 1
    return done


async def claim_rates(setting: str) -> dict[str, Any]:
    """Claims by 64 sessions on 10,000 ready tasks, and how many win one task."""
    async with running_fleet(fresh_folder(), setting, project="claims") as fleet:
        await fleet.plan(10_000)
        sessions = [await fleet.session(capacity=100) for _ in range(64)]
        claimed = 0

        async def claim(session: str) -> None:
            nonlocal claimed
            for _ in range(50):
                outcome = await fleet.ask(ClaimTask(project="claims", session=session, incarnation=1))
                assert outcome.ok, outcome.text
                claimed += 1

        watch = Watch()
        await asyncio.gather(*(claim(session) for session in sessions))
        rate = watch.rate(claimed)
        winners = [await contend(fleet, callers) for callers in (2, 8, 64, 256)]
    return {"claims": rate, "winners": winners}


async def contend(fleet: Fleet, callers: int) -> int:
    key = f"one{callers}"
    await fleet.plan(1, prefix=key, requires=())
    sessions = await asyncio.gather(*(fleet.session() for _ in range(callers)))
    asked = (ClaimTask(project="claims", session=one, incarnation=1, task=f"{key}0") for one in sessions)
    outcomes = await asyncio.gather(*(fleet.ask(command) for command in asked))
    return sum(outcome.ok for outcome in outcomes)


async def hold_one(fleet: Fleet) -> tuple[str, str]:
    session = await fleet.session()
    told = answer(await fleet.ask(ClaimTask(project="rates", session=session, incarnation=1)))
    return told["task"], told["token"]


def raw_limits(name: str, setting: str) -> dict[str, float]:
    """What the same database does with one row a commit, and the plain library with one event a save."""
    if name == "postgres":
        return {"raw_per_second": raw_postgres(setting), "library_per_second": library_postgres(setting)}
    if name == "sqlite":
        return {"raw_per_second": raw_sqlite(), "library_per_second": library_sqlite()}
    return {"raw_per_second": float("nan"), "library_per_second": float("nan")}


def rate_of(work: Callable[[int], object], seconds: float = 1.5, rounds: int = 3) -> float:
    """Median rate of several rounds."""
    rates: list[float] = []
    number = 0
    for _ in range(rounds):
        began, done = time.perf_counter(), 0
        while time.perf_counter() - began < seconds / rounds:
            number += 1
            work(number)
            done += 1
        rates.append(done / (time.perf_counter() - began))
    return statistics.median(rates)


def raw_sqlite() -> float:
    connection = sqlite3.connect(fresh_folder() / "raw.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE t (k INTEGER PRIMARY KEY, v BLOB)")
    return rate_of(lambda number: connection.execute("INSERT INTO t VALUES (?, ?)", (number, b"x" * 300)))


def raw_postgres(url: str) -> float:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE t (k bigint PRIMARY KEY, v bytea)")
        return rate_of(lambda number: connection.execute("INSERT INTO t VALUES (%s, %s)", (number, b"x" * 300)))


def library_sqlite() -> float:
    store = SQLiteDatastore(str(fresh_folder() / "library.db"))
    recorder = SQLiteApplicationRecorder(store)
    recorder.create_table()
    return rate_of(lambda _: recorder.insert_events([StoredEvent(uuid4(), 1, "topic", b"x" * 300)]))


def library_postgres(url: str) -> float:
    parts = conninfo_to_dict(url)
    store = PostgresDatastore(
        dbname=str(parts["dbname"]),
        host=str(parts["host"]),
        port=str(parts.get("port", "5432")),
        user=str(parts["user"]),
        password=str(parts.get("password", "") or os.environ.get("PGPASSWORD", "")),
    )
    recorder = PostgresApplicationRecorder(store, events_table_name="library_events")
    recorder.create_table()
    try:
        return rate_of(lambda _: recorder.insert_events([StoredEvent(uuid4(), 1, "topic", b"x" * 300)]))
    finally:
        store.close()


def fresh_database(name: str, setting: str) -> str:
    """The same database again: the two runs use projects of different names."""
    return setting if name == "postgres" else name


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
