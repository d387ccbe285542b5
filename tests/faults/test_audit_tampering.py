"""Seven tamperings, each on a copy of a real database and of a bundle of it: each is found, by its own name."""

import json
import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from infrastructure.bundle import jsonl
from infrastructure.bundle.layout import BundleUnreadable, Manifest, events_file, read_manifest, tiles_file
from infrastructure.bundle.reader import Bundle
from infrastructure.bundle.report import Report
from infrastructure.bundle.store_source import StoreSource
from infrastructure.bundle.verify_bundle import bundle_keys, verify_bundle
from infrastructure.bundle.verify_live import verify_live
from infrastructure.bundle.writer import Wish, export
from infrastructure.ledger.copies import CheckpointCopies, read_copies
from infrastructure.ledger.key_ring import KeyRing
from infrastructure.ledger.port import SignedCheckpoint
from infrastructure.ledger.scribe import Scribe
from infrastructure.ledger.sqlite import SqliteLedger
from infrastructure.log.port import LogRow
from infrastructure.log.sqlite import SqliteLog
from projections.audit_ledger.leaf import leaf_hash
from projections.audit_ledger.note import PublicKey, read_key
from projections.audit_ledger.tiles import grown
from projections.audit_ledger.verdicts import Verdict
from tests.contracts.groups import NOW, member

EVENTS = 700
AT = 300
"""Where it is done."""


@dataclass(frozen=True)
class World:
    """An honest installation, closed."""

    folder: Path

    @property
    def copies(self) -> list[SignedCheckpoint]:
        return read_copies(self.folder / "checkpoints")

    @property
    def trusted(self) -> list[PublicKey]:
        return [read_key(line) for line in (self.folder / "keys" / "public.txt").read_text().splitlines()]

    def copy(self, folder: Path) -> "World":
        shutil.copytree(self.folder, folder)
        return World(folder)

    def live(self) -> Report:
        """Verify the stores as they are."""
        log, ledger = SqliteLog(self.folder / "signalbox.db"), SqliteLedger(self.folder / "ledger.db")
        try:
            return verify_live(source_of(self.folder, log, ledger), self.trusted, self.copies)
        finally:
            log.close()
            ledger.close()


def source_of(folder: Path, log: SqliteLog, ledger: SqliteLedger) -> StoreSource:
    origin = ledger.origin("signalbox/test")
    return StoreSource(log, Scribe(log, ledger, KeyRing(folder / "keys", origin, now=NOW), origin), "key_test")


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> World:
    """A log in three streams with a ledger, copies of checkpoints and a bundle."""
    folder = tmp_path_factory.mktemp("honest")
    log, ledger = SqliteLog(folder / "signalbox.db"), SqliteLedger(folder / "ledger.db")
    source, copies = source_of(folder, log, ledger), CheckpointCopies(folder / "checkpoints")
    for begin in range(0, EVENTS, 100):
        members = [
            member(f"command_{number}", (f"task_{number % 3}", number // 3 + 1)) for number in range(begin, begin + 100)
        ]
        log.append(members, now=NOW + begin)
        checkpoint = source.checkpoint()
        assert checkpoint is not None
        copies.keep(checkpoint, at_once=True)
    export(source, folder / "bundle", Wish())
    log.close()
    ledger.close()
    return World(folder)


Rows = list[LogRow]


def flip(rows: Rows) -> Rows:
    state = bytearray(rows[AT].state)
    state[3] ^= 1
    rows[AT] = rows[AT]._replace(state=bytes(state))
    return rows


def delete(rows: Rows) -> Rows:
    return renumbered(rows[:AT] + rows[AT + 1 :])


def delete_leaving_a_gap(rows: Rows) -> Rows:
    return rows[:AT] + rows[AT + 1 :]


def insert(rows: Rows) -> Rows:
    made_up = rows[AT]._replace(stream="task_forged", version=1, state=b'{"at":0}')
    return renumbered([*rows[:AT], made_up, *rows[AT:]])


def swap(rows: Rows) -> Rows:
    rows[AT], rows[AT + 7] = rows[AT + 7], rows[AT]
    return renumbered(rows)


def truncate(rows: Rows) -> Rows:
    return rows[:AT]


def truncate_and_append(rows: Rows) -> Rows:
    others = [row._replace(state=b'{"at":0}', command_id="forged") for row in rows[AT:]]
    return rows[:AT] + others


def renumbered(rows: Rows) -> Rows:
    return [row._replace(position=number) for number, row in enumerate(rows, 1)]


Tamper = Callable[[Rows], Rows]
SIX: dict[str, tuple[Tamper, Verdict]] = {
    "a flipped byte": (flip, Verdict.ALTERED),
    "a deleted event": (delete, Verdict.DELETED),
    "a deleted event that leaves a gap": (delete_leaving_a_gap, Verdict.DELETED),
    "an inserted event": (insert, Verdict.INSERTED),
    "two swapped events": (swap, Verdict.SWAPPED),
    "a tail cut off": (truncate, Verdict.TRUNCATED),
    "another tail": (truncate_and_append, Verdict.TAIL_REPLACED),
}


def tamper_database(world: World, tamper: Tamper) -> None:
    """As somebody who owns the database file."""
    connection = sqlite3.connect(world.folder / "signalbox.db", isolation_level=None)
    rows = tamper([LogRow(*row) for row in connection.execute("SELECT * FROM events ORDER BY position")])
    connection.execute("BEGIN")
    connection.execute("DROP INDEX events_by_stream")
    connection.execute("DELETE FROM events")
    connection.executemany(f"INSERT INTO events VALUES ({', '.join('?' * 13)})", rows)
    connection.execute("UPDATE head SET position = ?", (rows[-1].position,))
    connection.execute("COMMIT")
    connection.close()


def rehash_database(world: World, size: int) -> None:
    """Compute every tile anew from the events, as the ledger would; only signatures cannot be made."""
    connection = sqlite3.connect(world.folder / "signalbox.db")
    rows = [LogRow(*row) for row in connection.execute("SELECT * FROM events ORDER BY position")][:size]
    connection.close()
    connection = sqlite3.connect(world.folder / "ledger.db", isolation_level=None)
    connection.execute("DELETE FROM tiles")
    tiles = grown(0, {}, [leaf_hash(row) for row in rows]).tiles
    connection.executemany(
        "INSERT INTO tiles VALUES (?, ?, ?)", [(level, number, hashes) for (level, number), hashes in tiles.items()]
    )
    connection.execute("UPDATE ledger SET size = ?", (len(rows),))
    connection.close()


def tamper_bundle(bundle: Path, tamper: Tamper) -> Rows:
    rows = tamper(list(Bundle(bundle).rows()))
    events_file(bundle, 1, "jsonl").write_bytes(b"".join(map(jsonl.write_line, rows)))
    return rows


def test_an_honest_log_and_its_bundle_are_intact(honest: World, tmp_path: Path) -> None:
    live = honest.copy(tmp_path / "copy").live()
    assert (live.verdict, live.events, live.last, live.checkpoints) == (Verdict.INTACT, EVENTS, EVENTS, 7)
    for trusted in ((), honest.trusted):
        found = verify_bundle(Bundle(honest.folder / "bundle"), trusted)
        assert (found.verdict, found.events, found.checkpoints) == (Verdict.INTACT, EVENTS, 8)


@pytest.mark.parametrize("name", sorted(SIX))
def test_a_tampered_database_is_found_out(name: str, honest: World, tmp_path: Path) -> None:
    tamper, verdict = SIX[name]
    world = honest.copy(tmp_path / "copy")
    tamper_database(world, tamper)
    found = world.live()
    assert found.verdict is verdict, found.findings
    assert found.findings[0].position == AT + 1


@pytest.mark.parametrize("name", sorted(SIX))
def test_a_tampered_bundle_is_found_out(name: str, honest: World, tmp_path: Path) -> None:
    tamper, verdict = SIX[name]
    world = honest.copy(tmp_path / "copy")
    tamper_bundle(world.folder / "bundle", tamper)
    found = verify_bundle(Bundle(world.folder / "bundle"), world.trusted)
    assert found.verdict is verdict, found.findings
    assert found.findings[0].position == AT + 1


PART = 100
"""Positions of a part of a bundle that is cut up; the tampering is done at the very beginning of one."""


def cut_up(bundle: Path) -> Path:
    """The same bundle in parts of their own, events where their positions belong."""
    manifest = read_manifest(bundle)
    (bundle / "manifest.json").write_text(manifest.model_copy(update={"part_positions": PART}).model_dump_json())
    lines = events_file(bundle, 1, "jsonl").read_bytes().splitlines(keepends=True)
    hashes = tiles_file(bundle, 1).read_bytes()
    for part in range(1, EVENTS + 1, PART):
        own = [line for line in lines if part <= jsonl.read_line(line).row.position < part + PART]
        last = part + PART > EVENTS
        beyond = [line for line in lines if last and jsonl.read_line(line).row.position > EVENTS]
        events_file(bundle, part, "jsonl").write_bytes(b"".join([*own, *beyond]))
        tiles_file(bundle, part).write_bytes(hashes[(part - 1) * 32 : (part - 1 + PART) * 32])
    return bundle


@pytest.mark.parametrize("name", sorted(SIX))
def test_a_tampered_bundle_of_several_parts_is_found_out(name: str, honest: World, tmp_path: Path) -> None:
    world = honest.copy(tmp_path / "copy")
    tamper_bundle(world.folder / "bundle", SIX[name][0])
    whole = verify_bundle(Bundle(world.folder / "bundle"), world.trusted)
    found = verify_bundle(Bundle(cut_up(world.folder / "bundle")), world.trusted)
    assert (found.findings, found.events) == (whole.findings, whole.events)


def test_several_processes_find_what_one_finds(honest: World, tmp_path: Path) -> None:
    world = honest.copy(tmp_path / "copy")
    bundle = cut_up(world.folder / "bundle")
    told: list[int] = []
    found = verify_bundle(Bundle(bundle), world.trusted, lambda done, _: told.append(done), processes=2)
    assert (found.verdict, found.events, found.checkpoints) == (Verdict.INTACT, EVENTS, 8)
    assert told == [*range(PART, EVENTS + 1, PART)]
    part = events_file(bundle, 301, "jsonl")
    part.write_bytes(part.read_bytes().replace(b'"type":"', b'"type":"x', 1))
    found = verify_bundle(Bundle(bundle), world.trusted, processes=2)
    assert [(one.verdict, one.position) for one in found.findings] == [(Verdict.ALTERED, 301)]
    assert found.events == EVENTS - 1


@pytest.mark.parametrize("name", sorted(set(SIX) - {"a tail cut off", "a deleted event that leaves a gap"}))
def test_hashes_that_were_computed_anew_do_not_help(name: str, honest: World, tmp_path: Path) -> None:
    world = honest.copy(tmp_path / "copy")
    tamper_database(world, SIX[name][0])
    rehash_database(world, EVENTS)
    expected = Verdict.TRUNCATED if name == "a deleted event" else Verdict.REHASHED
    assert world.live().verdict is expected
    rows = tamper_bundle(world.folder / "bundle", SIX[name][0])
    hashes = b"".join(map(leaf_hash, rows[:EVENTS]))
    if len(rows) == EVENTS:
        tiles_file(world.folder / "bundle", 1).write_bytes(hashes)
        assert verify_bundle(Bundle(world.folder / "bundle"), world.trusted).verdict is Verdict.REHASHED


def test_a_tail_cut_off_together_with_its_ledger_is_found_by_checkpoints_kept_elsewhere(
    honest: World, tmp_path: Path
) -> None:
    world = honest.copy(tmp_path / "copy")
    tamper_database(world, truncate)
    rehash_database(world, AT)
    connection = sqlite3.connect(world.folder / "ledger.db", isolation_level=None)
    connection.execute("DELETE FROM checkpoints WHERE size > ?", (AT,))
    connection.close()
    found = world.live()
    assert (found.verdict, found.findings[0].position) == (Verdict.TRUNCATED, AT + 1)
    shutil.rmtree(world.folder / "checkpoints")
    (world.folder / "checkpoints").mkdir()
    assert world.live().verdict is Verdict.INTACT  # nothing tells any more: that is what the copies are for


def test_a_shortened_bundle_is_found_by_its_statement(honest: World, tmp_path: Path) -> None:
    """Everything fits the shorter bundle, also its proofs, which anybody can compute; but the statement is signed."""
    world = honest.copy(tmp_path / "copy")
    bundle = world.folder / "bundle"
    log, ledger = SqliteLog(world.folder / "signalbox.db"), SqliteLedger(world.folder / "ledger.db")
    export(source_of(world.folder, log, ledger), world.folder / "shorter", Wish(last=AT))
    log.close()
    ledger.close()
    shorter = world.folder / "shorter"
    assert verify_bundle(Bundle(shorter), world.trusted).verdict is Verdict.INTACT
    shutil.copy(bundle / "statement", shorter / "statement")
    found = verify_bundle(Bundle(shorter), world.trusted)
    assert (found.verdict, found.findings[0].position) == (Verdict.TRUNCATED, AT + 1)


def test_a_signature_by_another_key_is_none(honest: World, tmp_path: Path) -> None:
    world = honest.copy(tmp_path / "copy")
    origin = read_manifest(world.folder / "bundle").origin
    stranger = KeyRing(tmp_path / "stranger", origin, now=NOW)
    found = verify_bundle(Bundle(world.folder / "bundle"), stranger.public_keys())
    assert found.verdict is Verdict.FORGED
    for name in ("checkpoint", "statement"):
        text = (world.folder / "bundle" / name).read_text().rpartition("\n\n")[0] + "\n"
        (world.folder / "bundle" / name).write_text(str(stranger.sign(text, now=NOW)))
        assert verify_bundle(Bundle(world.folder / "bundle"), world.trusted).verdict is Verdict.FORGED
    assert bundle_keys(Bundle(world.folder / "bundle")) == tuple(world.trusted)
    connection = sqlite3.connect(world.folder / "ledger.db", isolation_level=None)
    connection.execute("UPDATE checkpoints SET note = replace(note, ?, ?)", (f"{origin}\n700", f"{origin}\n699"))
    connection.close()
    assert world.live().verdict is Verdict.FORGED


def test_a_key_that_was_retired_signs_nothing_more(honest: World, tmp_path: Path) -> None:
    """What the bundle has was signed in these days: after a key that was retired long ago."""
    world = honest.copy(tmp_path / "copy")
    bundle = world.folder / "bundle"
    without_periods = [read_key(str(key)) for key in world.trusted]
    ring = KeyRing(world.folder / "keys", read_manifest(bundle).origin, now=NOW)
    ring.rotate(now=NOW + 1, overlap_seconds=3_600)
    assert [key.until for key in world.trusted] == [NOW + 1 + 3_600_000_000, None]
    assert verify_bundle(Bundle(bundle), world.trusted).verdict is Verdict.FORGED
    assert world.live().verdict is Verdict.FORGED
    # Whoever has no more than the key believes the periods that the bundle brings along.
    assert verify_bundle(Bundle(bundle), without_periods).verdict is Verdict.INTACT
    keys = [{"key": str(key), "since": key.since, "until": key.until} for key in world.trusted]
    (bundle / "keys.json").write_text(json.dumps(keys))
    assert verify_bundle(Bundle(bundle), without_periods).verdict is Verdict.FORGED
    assert verify_bundle(Bundle(bundle)).verdict is Verdict.FORGED


@pytest.mark.parametrize("name", ["checkpoint", "statement", "keys.json", "events/000000000001.jsonl",
                                  "tiles/000000000001.hashes", "checkpoints.jsonl"])  # fmt: skip
def test_a_missing_file_is_told(name: str, honest: World, tmp_path: Path) -> None:
    world = honest.copy(tmp_path / "copy")
    (world.folder / "bundle" / name).unlink()
    assert verify_bundle(Bundle(world.folder / "bundle")).verdict is Verdict.INCOMPLETE


def test_two_altered_events_are_both_told(honest: World, tmp_path: Path) -> None:
    world = honest.copy(tmp_path / "copy")

    def twice(rows: Rows) -> Rows:
        rows[500] = rows[500]._replace(actor="somebody else")
        return flip(rows)

    tamper_database(world, twice)
    assert [(one.verdict, one.position) for one in world.live().findings] == [
        (Verdict.ALTERED, AT + 1),
        (Verdict.ALTERED, 501),
    ]


def test_every_byte_of_the_events_counts(honest: World, tmp_path: Path) -> None:
    world = honest.copy(tmp_path / "copy")
    file = events_file(world.folder / "bundle", 1, "jsonl")
    whole = file.read_bytes()
    for place in range(0, len(whole), len(whole) // 40):
        changed = bytearray(whole)
        changed[place] ^= 0x04
        file.write_bytes(changed)
        assert verify_bundle(Bundle(world.folder / "bundle"), world.trusted).verdict is not Verdict.INTACT, place


def test_a_manifest_of_other_events_is_forged(honest: World, tmp_path: Path) -> None:
    world = honest.copy(tmp_path / "copy")
    manifest = read_manifest(world.folder / "bundle")
    for change in ({"first": 2}, {"project": "project_1"}):
        changed = Manifest.model_validate(manifest.model_dump() | change)
        (world.folder / "bundle" / "manifest.json").write_text(changed.model_dump_json())
        found = verify_bundle(Bundle(world.folder / "bundle"), world.trusted)
        assert found.verdict in (Verdict.FORGED, Verdict.INCOMPLETE)


def test_a_manifest_that_claims_more_than_there_is_is_told_without_looking_for_all_of_it(
    honest: World, tmp_path: Path
) -> None:
    world = honest.copy(tmp_path / "copy")
    file = world.folder / "bundle" / "manifest.json"
    manifest = json.loads(file.read_text())
    for change in ({"last": 2**53}, {"last": 10**9, "part_positions": 1}):
        file.write_text(json.dumps(manifest | change))
        assert verify_bundle(Bundle(world.folder / "bundle"), world.trusted).verdict is Verdict.INCOMPLETE
    file.write_text(json.dumps(manifest | {"last": 10**30}))
    with pytest.raises(BundleUnreadable):
        Bundle(world.folder / "bundle")


@pytest.mark.parametrize("name", ["000000065537.jsonl", "000000000001.csv", "more.cloudevents.jsonl"])
def test_events_beside_the_parts_of_a_bundle_are_told(name: str, honest: World, tmp_path: Path) -> None:
    """Whoever reads all files of the folder would take them for what was recorded."""
    world = honest.copy(tmp_path / "copy")
    events = world.folder / "bundle" / "events"
    (events / "notes.txt").write_text("of somebody's editor")
    assert verify_bundle(Bundle(world.folder / "bundle"), world.trusted).verdict is Verdict.INTACT
    shutil.copy(events / "000000000001.jsonl", events / name)
    (finding,) = verify_bundle(Bundle(world.folder / "bundle"), world.trusted).findings
    assert finding.verdict is Verdict.INSERTED
    assert name in finding.words
