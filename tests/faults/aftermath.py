"""Reads what a run left behind: the whole log, its receipts, and read models against a fresh fold."""

import json
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Any

from domain.catalogue import REGISTRY, SEALINGS
from domain.kernel.ids import FLEET
from domain.kernel.message import CommandKey
from infrastructure.erasure.envelope import Envelopes
from infrastructure.erasure.keys import OwnedKeys
from infrastructure.erasure.port import SeedStore
from infrastructure.erasure.postgres import PostgresSeeds
from infrastructure.erasure.sealed_log import sealed_log
from infrastructure.erasure.sqlite import SqliteSeeds
from infrastructure.log.mapper import recorded
from infrastructure.log.port import Log, LogRow
from infrastructure.log.postgres import PostgresLog
from infrastructure.log.sqlite import SqliteLog
from infrastructure.rows.port import RowStore
from infrastructure.rows.postgres import PostgresRows
from infrastructure.rows.sqlite import SqliteRows
from infrastructure.runtime.projector import Projector
from infrastructure.settings import KEYS_FILE
from projections.catalogue import PROJECTIONS, AnyProjection
from projections.kernel.replay import replay
from projections.kernel.requests import Order, select
from tests.faults.checker import violations
from tests.faults.load import History

PAGE = 5_000


def rows_of(log: Log) -> list[LogRow]:
    """Every stored event."""
    found: list[LogRow] = []
    while page := log.page(after=len(found), limit=PAGE):
        found += page
    return found


def check_aftermath(data: Path, store: str, history: History) -> list[LogRow]:
    """Everything that must hold once the servers are gone; answers the log."""
    shared = store.startswith("postgres")
    kept: Log = PostgresLog(store) if shared else SqliteLog(data / "signalbox.db")
    rows: RowStore = PostgresRows(store) if shared else SqliteRows(data / "rows.db")
    seeds: SeedStore = PostgresSeeds(store) if shared else SqliteSeeds(data / KEYS_FILE)
    keys = OwnedKeys(seeds)
    log = sealed_log(kept, Envelopes(SEALINGS, keys), keys)
    try:
        stored = rows_of(log)
        wrong = violations(stored, history.ops)
        assert not wrong, wrong[:20]
        assert stored[-1].position == log.head() == len(stored)
        check_receipts(log, history, stored)
        check_read_models(log, rows, stored)
        return stored
    finally:
        seeds.close()
        rows.close()
        kept.close()


def check_receipts(log: Log, history: History, stored: list[LogRow]) -> None:
    """What is remembered is what was answered, byte for byte as JSON."""
    owners = {(row.project or "", row.actor or "") for row in stored if not (row.actor or "").startswith("policy:")}
    owners |= {(FLEET, actor) for _, actor in owners}
    wrote: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for row in stored:
        wrote[row.command_id or ""] |= {(row.project or "", row.actor or ""), (FLEET, row.actor or "")}
    for op in history.ops:
        if op.outcome == "ok":
            # What wrote nothing may be anybody's.
            places = wrote[op.command_id] or owners
            keys = (CommandKey(op.command_id, project, actor) for project, actor in sorted(places))
            receipt = next(filter(None, map(log.receipt, keys)), None)
            assert receipt is not None, op
            assert receipt.position == op.position, op
            assert json.dumps(json.loads(receipt.outcome)["answer"], sort_keys=True) == op.answer, op


def check_read_models(log: Log, rows: RowStore, stored: list[LogRow]) -> None:
    """The rows that grew beside the faults are those of a fold from the first event."""
    projector = Projector(log, rows, PROJECTIONS, lambda row: recorded(row, REGISTRY))
    projector.open()
    projector.catch_up()
    events = [recorded(row, REGISTRY) for row in stored]
    for status in projector.status():
        assert (status.checkpoint, status.parked_streams, status.error) == (len(stored), 0, ""), status
    for projection in PROJECTIONS:
        assert everything(rows, projection) == replay(projection, events), projection.name


def everything(store: RowStore, projection: AnyProjection) -> dict[str, Any]:
    """All live rows by key."""
    found: dict[str, Any] = {}
    start: tuple[str, ...] | None = None
    while True:
        selection = select(projection, (), order=Order(), limit=200, cursor=None, as_of=None)
        page = store.select(replace(selection, start=start)).rows
        found.update((row.key, row) for row in page[:200])
        if len(page) <= 200:
            return found
        start = (page[199].key,)
