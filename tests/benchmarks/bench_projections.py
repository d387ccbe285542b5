"""How fast the projector folds: following and rebuilding, with versions and without, on SQLite and PostgreSQL.

Rows are written as in production: SQLite with synchronous=NORMAL, PostgreSQL with synchronous_commit=off for the rows,
the interpreter set up as in a server. The limit beside them is the fold alone, without any store. Every figure is the
median of the rounds. CPU is that of our process, the database's own excepted: what the committer may miss.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from domain.kernel.decider import Recorded
from infrastructure.log.memory import MemoryLog
from infrastructure.log.port import Log
from infrastructure.log.postgres import PostgresLog
from infrastructure.log.sqlite import SqliteLog
from infrastructure.rows.memory import MemoryRows
from infrastructure.rows.port import RowStore
from infrastructure.rows.postgres import PostgresRows
from infrastructure.rows.reader import Reader
from infrastructure.rows.sqlite import SqliteRows
from infrastructure.runtime.builds.building import Tools, fill, take_over
from infrastructure.runtime.builds.helped import begin_helper
from infrastructure.runtime.interpreter import tune
from infrastructure.runtime.projector import Projector
from projections.catalogue import PROJECTIONS, AnyProjection
from projections.kernel.replay import replay
from projections.task_board.projection import TASK_BOARD
from projections.task_board.queries import TaskPage
from tests.projections.histories import History, append, decode
from tests.support.postgres import open_postgres

Row = dict[str, str | float]


def fleet(events: int) -> list[Recorded]:
    """A working fleet: 30 sessions, some hundred open tasks, each planned, claimed, worked on and completed."""
    history = History()
    for number in range(30):
        history.connect(number * 6)
    number = 0
    while len(history.log) < events:
        number += 1
        history.plan(number * 3)  # no needs: the ready queue stays filled
        if number > 200:
            history.claim(number)
            history.work(number)
            history.finish(number % 7)
    return history.log


def following(log: Log, store: RowStore, projections: Sequence[AnyProjection], events: int) -> tuple[float, float]:
    """Events a second from an empty table to the head, and microseconds of our CPU for each."""
    projector = Projector(log, store, tuple(projections), decode)
    projector.open()
    began, spent = time.perf_counter(), time.process_time()
    if projector.catch_up() != events:
        raise RuntimeError("the projector is not level with the log")
    taken = time.perf_counter() - began, time.process_time() - spent
    return events / taken[0], taken[1] / events * 1_000_000


def rebuilding(log: Log, store: RowStore, projection: AnyProjection, events: int) -> float:
    began = time.perf_counter()
    tools = Tools(log, store, decode, breathe=lambda: None, go_on=lambda: True)
    take_over(tools, fill(tools, [store.begin(projection, "")])[0])
    return events / (time.perf_counter() - began)


def rebuilding_all(log: Log, store: RowStore, events: int) -> float:
    """All at once, as a server does it: with a process that folds, once it has begun."""
    began = time.perf_counter()
    tools = Tools(log, store, decode, breathe=lambda: None, go_on=lambda: True, helper=begin_helper)
    for generation in fill(tools, [store.begin(projection, "") for projection in PROJECTIONS]):
        store.complete(generation)
    return events / (time.perf_counter() - began)


def pages(store: RowStore, as_of: int | None) -> float:
    """Milliseconds of the second page of the board."""
    reader = Reader(store)
    cursor = reader.query(TaskPage(as_of=as_of)).next_cursor
    taken: list[float] = []
    for _ in range(20):
        began = time.perf_counter()
        reader.query(TaskPage(as_of=as_of, cursor=cursor))
        taken.append((time.perf_counter() - began) * 1_000)
    return statistics.median(taken)


def measure(name: str, log: Log, new_store: Callable[[], RowStore], events: int, rounds: int) -> list[Row]:
    found: dict[str, list[float]] = {}
    for number in range(rounds):
        store = new_store()
        latest = replace(TASK_BOARD, name=f"latest_board_{number}", keeps="latest")
        versions = replace(TASK_BOARD, name=f"versions_board_{number}")
        all_core = tuple(replace(p, name=f"{p.name}_{number}") if number else p for p in PROJECTIONS)
        for case, chosen in (
            ("one without versions", [latest]),
            ("one with versions", [versions]),
            ("all core", all_core),
        ):
            speed, spent = following(log, store, chosen, events)
            found.setdefault(f"{case}, following, events/s", []).append(speed)
            found.setdefault(f"{case}, following, CPU us/event", []).append(spent)
        found.setdefault("one without versions, rebuilding, events/s", []).append(
            rebuilding(log, store, latest, events)
        )
        found.setdefault("all core at once, rebuilding, events/s", []).append(rebuilding_all(log, store, events))
        for projection in all_core:
            spent = 1_000_000 / rebuilding(log, store, projection, events)
            found.setdefault(f"rebuilding {projection.name.removesuffix(f'_{number}')}, us/event", []).append(spent)
        if number == 0:
            found["page of 50 tasks, now, ms"] = [pages(store, None)]
            found["page of 50 tasks, half way, ms"] = [pages(store, events // 2)]
        store.close()
    return [{"store": name, "case": case, "median": round(statistics.median(all_), 2)} for case, all_ in found.items()]


def limits(history: list[Recorded]) -> list[Row]:
    """What folding alone takes, of decoded events."""
    rows: list[Row] = []
    for case, projections in (("one", (TASK_BOARD,)), ("all core", PROJECTIONS)):
        began = time.perf_counter()
        for projection in projections:
            replay(projection, history)
        speed = len(history) / (time.perf_counter() - began)
        rows.append({"store": "none", "case": f"fold only, {case}, events/s", "median": round(speed)})
    return rows


def main(argv: list[str]) -> int:
    """Print the table; with ``--json FILE`` write it too."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--json", type=Path)
    arguments.add_argument("--events", type=int, default=100_000)
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--stores", nargs="+", default=["memory", "sqlite", "postgres"])
    chosen = arguments.parse_args(argv)
    tune()
    history = fleet(chosen.events)
    events = len(history)
    results = limits(history)
    for name in chosen.stores:
        results += on(name, history, events, chosen.rounds)
    print(f"projections over {events:,} events, median of {chosen.rounds}; rows need no fsync, the log has its own")
    for row in results:
        print(f"{row['store']:10} {row['case']:50} {row['median']:>12,}")
    if chosen.json is not None:
        report = {"benchmark": "projections", "events": events, "rounds": chosen.rounds, "rows": results}
        chosen.json.write_text(json.dumps(report, indent=2))
    return 0


def on(name: str, history: list[Recorded], events: int, rounds: int) -> list[Row]:
    if name == "memory":
        log: Log = MemoryLog()
        append(log, history)
        return measure(name, log, MemoryRows, events, rounds)
    if name == "sqlite":
        with tempfile.TemporaryDirectory() as folder:
            log = SqliteLog(Path(folder) / "log.db")
            append(log, history)
            return measure(name, log, lambda: SqliteRows(Path(folder) / "rows.db"), events, rounds)
    server = open_postgres()
    try:
        url = server.create_database()
        log = PostgresLog(url)
        append(log, history)
        found = measure(name, log, lambda: PostgresRows(url), events, rounds)
        log.close()
        return found
    finally:
        server.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
