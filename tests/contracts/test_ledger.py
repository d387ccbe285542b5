"""The ledger on every store: each event once, in the order of the log, and every checkpoint signed over that tree."""

import json
import sqlite3
import stat
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from infrastructure.ledger.copies import CheckpointCopies, read_copies
from infrastructure.ledger.follower import LedgerFollower, LedgerOptions
from infrastructure.ledger.key_ring import KeyRing, TooManyKeys
from infrastructure.ledger.memory import MemoryLedger
from infrastructure.ledger.port import LedgerStore, SignedCheckpoint
from infrastructure.ledger.postgres import PostgresLedger
from infrastructure.ledger.scribe import LedgerAheadOfLog, Scribe
from infrastructure.ledger.signing import verified
from infrastructure.ledger.sqlite import SqliteLedger
from infrastructure.local import UnsafeDataFolderError
from infrastructure.log.memory import MemoryLog
from infrastructure.log.port import Log
from infrastructure.sql import load
from projections.audit_ledger.leaf import leaf_hash
from projections.audit_ledger.note import read_checkpoint, read_key, read_note
from projections.audit_ledger.tiles import Growth
from tests.contracts.groups import NOW, member
from tests.contracts.stores import Place
from tests.support import rfc6962

ORIGIN = "signalbox/test"


@pytest.fixture
def store(store_name: str, store_place: Place, log_store: Log) -> Iterator[LedgerStore]:
    """The ledger that belongs to the log of the same test."""
    opened: dict[str, Callable[[], LedgerStore]] = {
        "memory": MemoryLedger,
        "sqlite": lambda: SqliteLedger(store_place.folder / "log" / "ledger.db"),
        "postgres": lambda: PostgresLedger(store_place.postgres_url or ""),
    }
    store = opened[store_name]()
    yield store
    store.close()


def scribe(log: Log, store: LedgerStore, folder: Path) -> Scribe:
    origin = store.origin(ORIGIN)
    return Scribe(log, store, KeyRing(folder / "keys", origin, now=log.now()), origin)


def fill(log: Log, first: int, count: int) -> None:
    log.append([member(f"command_{number}", (f"task_{number}", 1)) for number in range(first, first + count)], now=NOW)


def expected_root(log: Log, size: int) -> bytes:
    return rfc6962.tree_hash([leaf_hash(row) for row in log.page(after=0, limit=size)])


def checked(checkpoint: SignedCheckpoint | None, log: Log, keys: list[str]) -> int:
    """Insist on root and signature of a checkpoint; its size."""
    assert checkpoint is not None
    note = read_note(checkpoint.note)
    facts = read_checkpoint(note.text)
    assert (facts.origin, facts.size, facts.at) == (ORIGIN, checkpoint.size, checkpoint.at)
    assert facts.root == expected_root(log, facts.size)
    assert verified(note, [read_key(key) for key in keys])
    return facts.size


def test_each_event_is_a_leaf_once_and_in_order(log_store: Log, store: LedgerStore, tmp_path: Path) -> None:
    writer = scribe(log_store, store, tmp_path)
    assert writer.current() is None
    for first, count in ((0, 300), (300, 1), (301, 255)):
        fill(log_store, first, count)
        signed = writer.current()
        assert checked(signed, log_store, [one.key for one in store.public_keys()]) == first + count == store.size()
    leaves = b"".join(store.tiles(0, 0, 10))
    assert leaves == b"".join(leaf_hash(row) for row in log_store.page(after=0, limit=1_000))
    assert store.tiles(0, 1, 1)[0] == leaves[256 * 32 : 512 * 32]
    assert [one.size for one in store.checkpoints(0, 10)] == [300, 301, 556]
    assert [one.size for one in store.checkpoints(301, 1)] == [301]
    assert store.latest() == writer.signed


def test_two_writers_do_not_take_an_event_twice(log_store: Log, store: LedgerStore, tmp_path: Path) -> None:
    """As two nodes of which each believes that it leads, page by page in turn, and one that begins in the middle."""
    one, other = scribe(log_store, store, tmp_path / "one"), scribe(log_store, store, tmp_path / "other")
    for step in range(4):
        fill(log_store, step * 100, 100)
        one.grow()
        other.grow()
        fill(log_store, 10_000 + step, 1)
        other.grow()
        other.grow()
        one.grow()
    third = scribe(log_store, store, tmp_path / "third")
    assert {
        checked(each.current(), log_store, [key.key for key in store.public_keys()]) for each in (one, other, third)
    } == {404}


def test_a_growth_from_another_size_changes_nothing(store: LedgerStore) -> None:
    store.origin(ORIGIN)
    assert store.origin("signalbox/another") == ORIGIN
    assert store.grow(0, Growth(1, {(0, 0): b"a" * 32}))
    assert not store.grow(0, Growth(1, {(0, 0): b"b" * 32}))
    assert store.size() == 1
    assert store.tiles(0, 0, 2) == [b"a" * 32]


def test_old_checkpoints_thin_out_to_one_a_minute(store: LedgerStore) -> None:
    minute = 60_000_000
    for second in range(120):
        store.keep_checkpoint(SignedCheckpoint(second + 1, 10 * minute + second * 1_000_000, "note"))
    store.thin_checkpoints(11 * minute + 30_000_000)
    assert [one.size for one in store.checkpoints(0, 1_000)] == [60, *range(91, 121)]


def test_thinning_looks_at_each_checkpoint_once(tmp_path: Path) -> None:
    """A year of checkpoints is half a million; a look at all others for each would take hours, every ten minutes."""
    SqliteLedger(tmp_path / "ledger.db").close()
    with sqlite3.connect(tmp_path / "ledger.db") as file:
        plan = file.execute("EXPLAIN QUERY PLAN " + load("sqlite_ledger/ledger.sql")["thin_checkpoints"], (NOW,))
        assert not [step for *_, step in plan if "CORRELATED" in step]
    file.close()


def test_a_log_that_was_cut_off_is_told(tmp_path: Path) -> None:
    log, store = MemoryLog(), MemoryLedger()
    fill(log, 0, 10)
    writer = scribe(log, store, tmp_path)
    writer.current()
    shorter = MemoryLog()
    fill(shorter, 0, 4)
    with pytest.raises(LedgerAheadOfLog):
        scribe(shorter, store, tmp_path).grow()
    follower = LedgerFollower(shorter, scribe(shorter, store, tmp_path))
    follower.start()
    wait_until(lambda: "LedgerAheadOfLog" in follower.error)
    follower.stop()


def test_a_log_that_was_cut_off_and_went_on_is_told_and_no_tree_grows_with_it(
    log_store: Log, store: LedgerStore, tmp_path: Path
) -> None:
    """Else what was recorded and what took its place would be one tree, which no one could be shown to be wrong."""
    fill(log_store, 0, 300)
    first = MemoryLog()
    fill(first, 0, 257)
    fill(first, 1_000, 3)
    scribe(first, store, tmp_path).current()
    assert store.size() == 260
    for _ in range(2):
        with pytest.raises(LedgerAheadOfLog, match="@260"):
            scribe(log_store, store, tmp_path).grow()
    assert store.size() == 260
    beginning = MemoryLedger()
    scribe(first, beginning, tmp_path).current()
    fill(first, 2_000, 1)
    assert scribe(first, beginning, tmp_path).grow() == 1


def test_the_follower_comes_level_signs_and_copies(log_store: Log, store: LedgerStore, tmp_path: Path) -> None:
    writer = scribe(log_store, store, tmp_path)
    copies = CheckpointCopies(tmp_path / "copies")
    follower = LedgerFollower(log_store, writer, LedgerOptions("node", copies=copies))
    follower.start()
    fill(log_store, 0, 700)
    wait_until(lambda: store.size() == 700)
    fill(log_store, 700, 7)
    follower.stop()
    follower = LedgerFollower(log_store, writer, LedgerOptions("node", copies=copies))
    follower.start()
    wait_until(lambda: bool(read_copies(tmp_path / "copies")) and read_copies(tmp_path / "copies")[-1].size == 707)
    follower.stop()
    keys = [one.key for one in store.public_keys()]
    assert all(checked(one, log_store, keys) for one in store.checkpoints(1, 100))
    assert checked(read_copies(tmp_path / "copies")[-1], log_store, keys) == 707


def test_a_committer_at_work_comes_first(tmp_path: Path) -> None:
    """While commands are written the ledger takes larger pages, rarely; it is level again when they are not."""
    log, store, busy = MemoryLog(), MemoryLedger(), threading.Event()
    busy.set()
    follower = LedgerFollower(log, scribe(log, store, tmp_path), LedgerOptions("node", busy.is_set))
    follower.start()
    fill(log, 0, 50)
    wait_until(lambda: store.size() == 50)
    busy.clear()
    fill(log, 50, 50)
    wait_until(lambda: store.size() == 100)
    follower.stop()


def test_keys_are_private_and_follow_each_other(log_store: Log, store: LedgerStore, tmp_path: Path) -> None:
    writer = scribe(log_store, store, tmp_path)
    fill(log_store, 0, 3)
    first = checked(writer.current(), log_store, [one.key for one in store.public_keys()])
    assert first == 3
    writer.rotate(overlap_seconds=3_600)
    old, new = store.public_keys()
    assert (old.until is not None, new.until) == (True, None)
    both = writer.current()
    assert checked(both, log_store, [old.key]) == checked(both, log_store, [new.key]) == 3
    writer.rotate(overlap_seconds=0)
    fill(log_store, 3, 1)
    last = writer.current()
    assert last is not None
    newest = store.public_keys()[-1].key
    assert checked(last, log_store, [newest]) == 4
    assert verified(read_note(last.note), [read_key(new.key)]) == ()
    for file in (tmp_path / "keys").glob("*.json"):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    again = KeyRing(tmp_path / "keys", ORIGIN, now=log_store.now())
    assert [one.key for one in again.periods()] == [one.key for one in store.public_keys()]


def test_a_ring_has_room_for_eight(tmp_path: Path) -> None:
    ring = KeyRing(tmp_path, ORIGIN, now=NOW)
    for _ in range(7):
        ring.rotate(now=NOW, overlap_seconds=60)
    with pytest.raises(TooManyKeys):
        ring.rotate(now=NOW, overlap_seconds=60)
    ring.rotate(now=NOW + 61_000_000, overlap_seconds=60)


def test_a_damaged_key_is_told(tmp_path: Path) -> None:
    KeyRing(tmp_path, ORIGIN, now=NOW)
    (file,) = tmp_path.glob("*.key.json")
    file.write_text(json.dumps(json.loads(file.read_text()) | {"seed": "AAAA"}))
    with pytest.raises(UnsafeDataFolderError):
        KeyRing(tmp_path, ORIGIN, now=NOW)


def wait_until(done: Callable[[], bool], seconds_max: float = 60.0) -> None:
    ends_at = time.monotonic() + seconds_max
    while not done():
        assert time.monotonic() < ends_at
        time.sleep(0.01)
