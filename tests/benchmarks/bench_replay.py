"""What looking at the past costs beside 10,000 to 1,000,000 events (`--events`), on SQLite, beside what it may cost."""

import argparse
import json
import random
import shutil
import statistics
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from api.composition.opening import opened
from api.composition.replay import Replay
from domain.catalogue import AGGREGATES, REGISTRY
from domain.kernel.ids import prefix
from infrastructure.bundle.reader import Bundle
from infrastructure.bundle.store_source import StoreSource
from infrastructure.bundle.verify_bundle import verify_bundle
from infrastructure.bundle.writer import Wish, export
from infrastructure.history.folds import Folds
from infrastructure.history.port import Filter
from infrastructure.history.reading import events_until
from infrastructure.ledger.key_ring import KeyRing
from infrastructure.ledger.scribe import Scribe
from infrastructure.ledger.sqlite import SqliteLedger
from infrastructure.log.mapper import recorded
from infrastructure.log.past_states import PastState, spacing_events
from infrastructure.log.sqlite import SqliteLog
from infrastructure.rows.reader import Reader
from infrastructure.rows.sqlite import SqliteRows
from infrastructure.runtime.projector import Projector
from infrastructure.runtime.state_codec import freeze, shape_of
from projections.catalogue import PROJECTIONS
from projections.task_board.queries import TaskPage
from tests.benchmarks.bench_growth import EVENTS_A_TASK, LOCKS, PROJECT, write_history
from tests.benchmarks.stores import fresh_folder

SIZES = (10_000, 100_000)
READS = 200
LIMITS = {
    "one_task_as_of_ms": "< 1",
    "board_page_as_of_ms": "< 20",
    "state_of_a_task_at_ms": "< 1",
    "log_by_type_events_a_second": ">= 100,000",
    "log_by_actor_events_a_second": ">= 100,000",
    "log_where_events_a_second": ">= 100,000",
    "bisect_rows_seconds": "< 5",
    "bisect_lock_space_seconds": "< 5",
    "run_until_the_middle_seconds": "of rows, not of events",
    "export_events_a_second": ">= 50,000",
    "verify_events_a_second": ">= 200,000",
}
"""Section 5 of what time travel promises; those with a bound in seconds speak of 1,000,000 events."""
Figures = dict[str, float]


def main(argv: list[str]) -> int:
    options = argparse.ArgumentParser()
    options.add_argument("--json", type=Path)
    options.add_argument("--events", default=",".join(map(str, SIZES)), help="Sizes of the log, separated by commas.")
    chosen = options.parse_args(argv)
    results: dict[str, Figures] = {}
    for events in map(int, chosen.events.split(",")):
        folder = fresh_folder()
        try:
            written = write_history(SqliteLog(folder / "signalbox.db"), events // EVENTS_A_TASK)
            made = {"history_written_seconds": written, "projected_seconds": _project(folder)}
            made["states_kept_seconds"] = _seconds(partial(_keep_states, folder))
            results[str(events)] = made | measured(folder) | _ledger(folder)
        finally:
            shutil.rmtree(folder)
    _print(results)
    if chosen.json:
        chosen.json.write_text(json.dumps({"cases": results}, indent=2))
    return 0


def measured(folder: Path) -> Figures:
    """Every figure of one history."""
    store = SqliteRows(folder / "rows.db")
    reader = Reader(store)
    chance = random.Random(1)
    try:
        with opened(None, folder) as replay:
            head = replay.head()
            streams = [
                row.stream
                for row in replay.log(Filter(types=("task.planned.v1",)), None, after=0, until=2_000, progress=_quiet)
            ]

            def at() -> int:
                return chance.randint(1, head)

            found = {
                "point_of_an_instant_ms": _median(lambda: replay.position("2030-01-01", 0)),
                "one_task_as_of_ms": _median(
                    lambda: reader.query(TaskPage(keys=(chance.choice(streams),), as_of=at()))
                ),
                "board_page_as_of_ms": _median(lambda: reader.query(TaskPage(project=PROJECT, limit=50, as_of=at()))),
                "board_page_newest_as_of_ms": _median(
                    lambda: reader.query(TaskPage(project=PROJECT, order="newest_first", limit=50, as_of=at()))
                ),
                "state_of_a_task_at_ms": _median(lambda: replay.state(chance.choice(streams), at())),
                "state_of_the_lock_space_at_ms": _median(lambda: Folds(replay.history).at_position(LOCKS, at()), 5),
                "next_state_of_the_lock_space_ms": _median(lambda: replay.state(LOCKS, at())),
            }
            return found | _long_work(replay, head, folder)
    finally:
        store.close()


def _long_work(replay: Replay, head: int, folder: Path) -> Figures:
    def looked_through(wanted: Filter, where: str | None = None) -> float:
        seconds = _seconds(lambda: sum(1 for _ in replay.log(wanted, where, after=0, until=head, progress=_quiet)))
        return head / seconds

    never: dict[str, Any] = {"after": 0, "until": head, "progress": _quiet}
    return {
        "log_by_type_events_a_second": looked_through(Filter(types=("task.completed.v1",))),
        "log_by_actor_events_a_second": looked_through(Filter(actor="nobody")),
        "log_all_events_a_second": looked_through(Filter()),
        "log_where_events_a_second": looked_through(Filter(), "type == 'task.planned.v1' && event.priority > 5"),
        "bisect_rows_seconds": _seconds(
            lambda: replay.bisect_rows("task_board", "row.status == 'never'", key=None, **never)
        ),
        "bisect_lock_space_seconds": _seconds(lambda: replay.bisect_stream(LOCKS, "state.last_token < 0", **never)),
        "run_until_the_middle_seconds": _seconds(lambda: replay.stand_up(head // 2, folder / "run.db", _quiet)),
    }


def _keep_states(folder: Path) -> None:
    """What a server has kept of the one long stream by the time that it is so long."""
    log = SqliteLog(folder / "signalbox.db")
    aggregate = AGGREGATES[prefix(LOCKS)]
    state: Any = aggregate.initial
    for event in events_until(log, LOCKS, log.head()):
        state = aggregate.evolve(state, event.event)
        if event.version % aggregate.snapshot_every == 0:
            kept = PastState(LOCKS, event.version, event.position, shape_of(aggregate), freeze(state))
            log.keep_state(kept, spacing_events=spacing_events(event.version, len(kept.state)))
    log.close()


def _ledger(folder: Path) -> Figures:
    log, ledger = SqliteLog(folder / "signalbox.db"), SqliteLedger(folder / "ledger.db")
    origin = ledger.origin("signalbox/bench")
    scribe = Scribe(log, ledger, KeyRing(folder / "keys", origin, now=log.now()), origin)
    source, bundle = StoreSource(log, scribe, "key_bench"), folder / "bundle"
    try:
        scribe.current()
        exported = _seconds(lambda: export(source, bundle, Wish()))
        verified = _seconds(lambda: verify_bundle(Bundle(bundle), scribe.ring.public_keys()))
        return {"export_events_a_second": log.head() / exported, "verify_events_a_second": log.head() / verified}
    finally:
        ledger.close()
        log.close()


def _project(folder: Path) -> float:
    log, rows = SqliteLog(folder / "signalbox.db"), SqliteRows(folder / "rows.db")
    projector = Projector(log, rows, PROJECTIONS, lambda row: recorded(row, REGISTRY))
    try:
        projector.open()
        return _seconds(projector.catch_up)
    finally:
        rows.close()
        log.close()


def _median(work: Callable[[], object], times: int = READS) -> float:
    """Milliseconds of one of many, the middle one."""
    return statistics.median(_seconds(work) for _ in range(times)) * 1_000


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _quiet(*_: Any) -> None:
    """Nobody looks."""


def _print(results: dict[str, Figures]) -> None:
    print(f"{'events':38}" + "".join(f"{int(events):>14,}" for events in results) + "    limit")
    for name in next(iter(results.values())):
        figures = "".join(f"{one[name]:>14,.3f}" for one in results.values())
        print(f"{name:38}{figures}    {LIMITS.get(name, '')}".rstrip())
