"""What looking at the past costs beside 10,000 to 1,000,000 events (`--events`), on SQLite and PostgreSQL.

Beside each figure stands what it may be, and the processor time of our process for the same: on a machine that does
other things as well only that can be compared. `--keep FOLDER` keeps the SQLite stores, to be measured again.
"""

import argparse
import json
import random
import shutil
import statistics
import time
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from api.composition.opening import opened
from api.composition.replay import Replay
from domain.catalogue import AGGREGATES, REGISTRY
from domain.kernel.ids import prefix
from infrastructure.bundle.judging import processes_at_most
from infrastructure.bundle.reader import Bundle
from infrastructure.bundle.store_source import StoreSource
from infrastructure.bundle.verify_bundle import verify_bundle
from infrastructure.bundle.writer import Wish, export
from infrastructure.history.folds import Folds
from infrastructure.history.port import Filter
from infrastructure.history.reading import events_until
from infrastructure.ledger.key_ring import KeyRing
from infrastructure.ledger.port import LedgerStore
from infrastructure.ledger.postgres import PostgresLedger
from infrastructure.ledger.scribe import Scribe
from infrastructure.ledger.sqlite import SqliteLedger
from infrastructure.log.mapper import recorded
from infrastructure.log.past_states import PastState, spacing_events
from infrastructure.log.port import Log
from infrastructure.log.postgres import PostgresLog
from infrastructure.log.sqlite import SqliteLog
from infrastructure.rows.port import RowStore
from infrastructure.rows.postgres import PostgresRows
from infrastructure.rows.reader import Reader
from infrastructure.rows.sqlite import SqliteRows
from infrastructure.runtime.projector import Projector
from infrastructure.runtime.state_codec import freeze, shape_of
from projections.catalogue import PROJECTIONS
from projections.task_board.queries import TaskPage
from projections.timeline.queries import TimelinePage
from tests.benchmarks.bench_growth import EVENTS_A_TASK, LOCKS, PROJECT, write_history
from tests.benchmarks.stores import fresh_folder, fresh_stores

SIZES = (10_000, 100_000)
READS = 200
FEW_READS = 7
LIMITS = {
    "one task as of, ms": "< 1",
    "board page as of, ms": "< 20",
    "board page newest first as of, ms": "< 20",
    "board page of one status as of, ms": "< 20",
    "timeline page as of, ms": "< 20",
    "state of a task at, ms": "< 1",
    "log by type, events/s": ">= 100,000",
    "log by actor, events/s": ">= 100,000",
    "log where, events/s": ">= 100,000",
    "log where of a field, events/s": ">= 100,000",
    "bisect rows, s": "< 5",
    "bisect lock space, s": "< 5",
    "run until the middle, s": "of rows, not of events",
    "export, events/s": ">= 50,000",
    "verify, events/s": ">= 200,000",
}
"""Section 5 of what time travel promises; those with a bound in seconds speak of 1,000,000 events."""


class Cost(NamedTuple):
    """By the clock, and of the processor in this process."""

    clock: float
    processor: float


Figures = dict[str, Cost]


def main(argv: list[str]) -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--json", type=Path)
    options.add_argument("--events", default=",".join(map(str, SIZES)), help="Sizes of the log, separated by commas.")
    options.add_argument("--stores", nargs="+", default=["sqlite", "postgres"], choices=["sqlite", "postgres"])
    options.add_argument("--keep", type=Path, help="Folder for SQLite stores, which are used again.")
    chosen = options.parse_args(argv)
    results: dict[str, Figures] = {}
    for events in map(int, chosen.events.split(",")):
        with fresh_stores(chosen.stores) as stores:
            for name, url in stores.items():
                results[f"{name} {events:,}"] = _on(None if name == "sqlite" else url, events, chosen.keep)
    _print(results)
    if chosen.json:
        cases = {case: {name: cost._asdict() for name, cost in found.items()} for case, found in results.items()}
        chosen.json.write_text(json.dumps({"cases": cases}, indent=2))
    return 0


def _on(url: str | None, events: int, keep: Path | None) -> Figures:
    kept = None if keep is None or url is not None else keep / str(events)
    folder = kept or fresh_folder()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        made = {} if (folder / "made").exists() else _made(url, folder, events)
        (folder / "made").touch()
        return made | measured(url, folder) | _ledger(url, folder)
    finally:
        if kept is None:
            shutil.rmtree(folder)


def _made(url: str | None, folder: Path, events: int) -> Figures:
    writing = partial(write_history, tasks=events // EVENTS_A_TASK)
    return {
        "history written, s": _cost(partial(_with_log, url, folder, writing)),
        "projected, s": _cost(partial(_project, url, folder)),
        "states kept, s": _cost(partial(_with_log, url, folder, _keep_states)),
    }


def measured(url: str | None, folder: Path) -> Figures:
    """Every figure of one history."""
    store = _rows(url, folder)
    reader = Reader(store)
    chance = random.Random(1)
    try:
        with opened(url, folder) as replay:
            head = replay.head()
            planned = Filter(types=("task.planned.v1",))
            streams = [row.stream for row in replay.log(planned, None, after=0, until=2_000, progress=_quiet)]

            def at() -> int:
                return chance.randint(1, head)

            def page(**asked: Any) -> Callable[[], object]:
                return lambda: reader.query(TaskPage(project=PROJECT, limit=50, as_of=at(), **asked))

            found = {
                "point of an instant, ms": _median(lambda: replay.position("2030-01-01", 0)),
                "one task as of, ms": _median(
                    lambda: reader.query(TaskPage(keys=(chance.choice(streams),), as_of=at()))
                ),
                "board page as of, ms": _median(page()),
                "board page newest first as of, ms": _median(page(order="newest_first")),
                "board page of one status as of, ms": _median(page(statuses=("running",)), FEW_READS),
                "timeline page as of, ms": _median(
                    lambda: reader.query(TimelinePage(project=PROJECT, limit=50, as_of=at()))
                ),
                "state of a task at, ms": _median(lambda: replay.state(chance.choice(streams), at())),
                "state of the lock space at, ms": _median(
                    lambda: Folds(replay.history).at_position(LOCKS, at()), FEW_READS
                ),
            }
            return found | _long_work(replay, head, folder)
    finally:
        store.close()


def _long_work(replay: Replay, head: int, folder: Path) -> Figures:
    def looked_through(wanted: Filter, where: str | None = None) -> Cost:
        cost = _cost(lambda: sum(1 for _ in replay.log(wanted, where, after=0, until=head, progress=_quiet)))
        return _speed(head, cost)

    never: dict[str, Any] = {"after": 0, "until": head, "progress": _quiet}
    return {
        "log by type, events/s": looked_through(Filter(types=("task.completed.v1",))),
        "log by actor, events/s": looked_through(Filter(actor="nobody")),
        "log of all, events/s": looked_through(Filter()),
        "log where, events/s": looked_through(Filter(), "type == 'task.planned.v1' && event.priority > 5"),
        "log where of a field, events/s": looked_through(Filter(), "event.token > 5 && event.token < 9"),
        "bisect rows, s": _cost(lambda: replay.bisect_rows("task_board", "row.status == 'never'", key=None, **never)),
        "bisect lock space, s": _cost(lambda: replay.bisect_stream(LOCKS, "state.last_token < 0", **never)),
        "blame of the lock space's last token, s": _cost(lambda: replay.blame(LOCKS, head, ("last_token",), _quiet)),
        "run until the middle, s": _cost(lambda: replay.stand_up(head // 2, folder / "run.db", _quiet)),
    }


def _keep_states(log: Log) -> None:
    """What a server has kept of the one long stream by the time that it is so long."""
    aggregate = AGGREGATES[prefix(LOCKS)]
    state: Any = aggregate.initial
    for event in events_until(log, LOCKS, log.head()):
        state = aggregate.evolve(state, event.event)
        if event.version % aggregate.snapshot_every == 0:
            kept = PastState(LOCKS, event.version, event.position, shape_of(aggregate), freeze(state))
            log.keep_state(kept, spacing_events=spacing_events(event.version, len(kept.state)))


def _ledger(url: str | None, folder: Path) -> Figures:
    log, ledger = _log(url, folder), _ledger_store(url, folder)
    origin = ledger.origin("signalbox/bench")
    scribe = Scribe(log, ledger, KeyRing(folder / "keys", origin, now=log.now()), origin)
    source, bundle = StoreSource(log, scribe, "key_bench"), folder / "bundle"
    shutil.rmtree(bundle, ignore_errors=True)
    try:
        scribe.current()
        exported = _cost(lambda: export(source, bundle, Wish()))
        trusted, processes = scribe.ring.public_keys(), processes_at_most()
        verified = _cost(lambda: verify_bundle(Bundle(bundle), trusted, processes=processes))
        return {
            "export, events/s": _speed(log.head(), exported),
            "verify, events/s": _speed(log.head(), verified),
        }
    finally:
        ledger.close()
        log.close()


def _project(url: str | None, folder: Path) -> None:
    log, rows = _log(url, folder), _rows(url, folder)
    projector = Projector(log, rows, PROJECTIONS, lambda row: recorded(row, REGISTRY))
    try:
        projector.open()
        projector.catch_up()
    finally:
        rows.close()
        log.close()


def _with_log(url: str | None, folder: Path, work: Callable[[Log], object]) -> None:
    with closing(_log(url, folder)) as log:
        work(log)


def _log(url: str | None, folder: Path) -> Log:
    return SqliteLog(folder / "signalbox.db") if url is None else PostgresLog(url)


def _rows(url: str | None, folder: Path) -> RowStore:
    return SqliteRows(folder / "rows.db") if url is None else PostgresRows(url)


def _ledger_store(url: str | None, folder: Path) -> LedgerStore:
    return SqliteLedger(folder / "ledger.db") if url is None else PostgresLedger(url)


def _median(work: Callable[[], object], times: int = READS) -> Cost:
    """Milliseconds of one of many, the middle one."""
    costs = [_cost(work) for _ in range(times)]
    return Cost(
        statistics.median(cost.clock for cost in costs) * 1_000,
        statistics.median(cost.processor for cost in costs) * 1_000,
    )


def _cost(work: Callable[[], object]) -> Cost:
    """Seconds."""
    began, used = time.perf_counter(), time.process_time()
    work()
    return Cost(time.perf_counter() - began, time.process_time() - used)


def _speed(events: int, cost: Cost) -> Cost:
    """Events for each of its seconds."""
    return Cost(events / cost.clock, events / max(cost.processor, 1e-9))


def _quiet(*_: Any) -> None:
    """Nobody looks."""


def _print(results: dict[str, Figures]) -> None:
    names = list(dict.fromkeys(name for found in results.values() for name in found))
    print(f"{'by the clock / by our processor time':42}" + "".join(f"{case:>28}" for case in results) + "    limit")
    for name in names:
        told = (found.get(name) for found in results.values())
        figures = "".join(f"{'' if one is None else f'{one.clock:,.2f} / {one.processor:,.2f}':>28}" for one in told)
        print(f"{name:42}{figures}    {LIMITS.get(name, '')}".rstrip())
