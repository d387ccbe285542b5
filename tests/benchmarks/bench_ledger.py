"""What the ledger costs: an event in the tree, an event exported, an event verified, on a log of a working fleet.

The limits measured beside them: reading the same pages of the log and nothing else, and hashing the same bytes. CPU is
that of our process: what a committer beside the follower may miss. Every figure is the median of the rounds.
"""

import argparse
import json
import shutil
import statistics
import sys
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

from infrastructure.bundle.layout import Format
from infrastructure.bundle.reader import Bundle
from infrastructure.bundle.store_source import StoreSource
from infrastructure.bundle.verify_bundle import verify_bundle
from infrastructure.bundle.verify_live import verify_live
from infrastructure.bundle.writer import Wish, export
from infrastructure.ledger.key_ring import KeyRing
from infrastructure.ledger.port import LedgerStore
from infrastructure.ledger.postgres import PostgresLedger
from infrastructure.ledger.scribe import Scribe
from infrastructure.ledger.sqlite import SqliteLedger
from infrastructure.log.port import Log
from infrastructure.log.postgres import PostgresLog
from infrastructure.log.sqlite import SqliteLog
from projections.audit_ledger.leaf import LEAF_MARK, entry
from projections.audit_ledger.verdicts import Verdict
from tests.benchmarks.bench_projections import fleet
from tests.benchmarks.stores import fresh_folder, fresh_stores
from tests.projections.histories import append

Row = dict[str, str | float]
PAGE_EVENTS = 5_000
FORMATS: tuple[Format, ...] = ("jsonl", "csv", "cloudevents")


def timed(store: str, case: str, events: int, work: Callable[[], object]) -> Row:
    """Events a second and microseconds of our CPU for each."""
    began, used = time.perf_counter(), time.process_time()
    work()
    seconds, cpu = time.perf_counter() - began, time.process_time() - used
    return {"store": store, "case": case, "per_second": events / seconds, "cpu_us": cpu / events * 1e6}


def measured(name: str, log: Log, ledger: LedgerStore, folder: Path) -> list[Row]:
    """One round over a log that is filled already."""
    head = log.head()
    origin = ledger.origin("signalbox/bench")
    scribe = Scribe(log, ledger, KeyRing(folder / "keys", origin, now=log.now()), origin)
    source = StoreSource(log, scribe, "key_bench")
    found = [timed(name, "limit: read the log", head, lambda: read(log))]
    found.append(timed(name, "follower", head, lambda: take_in(scribe)))
    entries = [LEAF_MARK + entry(row) for row in log.page(after=0, limit=20_000)]
    hashing = timed(name, "limit: SHA-256 of leaves", len(entries), lambda: [sha256(one).digest() for one in entries])
    found.append(hashing)
    trusted = scribe.ring.public_keys()
    for kind in FORMATS:
        bundle = folder / kind

        def exporting(bundle: Path = bundle, kind: Format = kind) -> None:
            export(source, bundle, Wish(format=kind))

        def verifying(bundle: Path = bundle) -> None:
            assert verify_bundle(Bundle(bundle), trusted).verdict is Verdict.INTACT

        found.append(timed(name, f"export {kind}", head, exporting))
        found.append(timed(name, f"verify {kind}", head, verifying))
        shutil.rmtree(bundle)
    found.append(timed(name, "verify live", head, lambda: verify_live(source, trusted)))
    return found


def read(log: Log) -> None:
    position = 0
    while rows := log.page(after=position, limit=PAGE_EVENTS):
        position = rows[-1].position


def take_in(scribe: Scribe) -> None:
    while scribe.grow():
        pass
    scribe.sign()


def opened(store: str, folder: Path) -> tuple[Log, Callable[[], LedgerStore]]:
    if store == "sqlite":
        return SqliteLog(folder / "signalbox.db"), lambda: SqliteLedger(folder / "ledger.db")
    return PostgresLog(store), lambda: PostgresLedger(store)


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="bench_ledger", description=__doc__)
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--stores", nargs="+", default=["sqlite", "postgres"], choices=["sqlite", "postgres"])
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(argv)
    history = fleet(options.events)
    rounds: list[list[Row]] = []
    for _ in range(options.rounds):
        with fresh_stores(options.stores) as stores:
            for name, url in stores.items():
                folder = fresh_folder()
                log, open_ledger = opened(url, folder)
                append(log, history)
                ledger = open_ledger()
                rounds.append(measured(name, log, ledger, folder))
                ledger.close()
                log.close()
                shutil.rmtree(folder)
    table = medians([row for one in rounds for row in one])
    print(f"{len(history):,} events")
    print(f"{'store':10}{'case':28}{'events/s':>12}{'CPU us each':>14}")
    for row in table:
        print(f"{row['store']:10}{row['case']:28}{row['per_second']:>12,.0f}{row['cpu_us']:>14.1f}")
    if options.json:
        options.json.write_text(json.dumps({"events": len(history), "rows": table}, indent=2) + "\n")
    return 0


def medians(rows: list[Row]) -> list[Row]:
    names = list(dict.fromkeys((str(row["store"]), str(row["case"])) for row in rows))
    return [
        {
            "store": store,
            "case": case,
            **{
                column: statistics.median(
                    float(row[column]) for row in rows if (row["store"], row["case"]) == (store, case)
                )
                for column in ("per_second", "cpu_us")
            },
        }
        for store, case in names
    ]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
