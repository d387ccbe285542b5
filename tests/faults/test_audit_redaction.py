"""A bundle of which something was left out: what is left is what the ledger signed, and nothing else passes for it."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import orjson
import pytest

from domain.catalogue import SEALINGS
from infrastructure.bundle.jsonl import write_line
from infrastructure.bundle.layout import Format, Manifest, events_file, read_manifest, redactions_file
from infrastructure.bundle.reader import Bundle
from infrastructure.bundle.redaction import Redaction
from infrastructure.bundle.report import Report
from infrastructure.bundle.rows import ReadRow
from infrastructure.bundle.store_source import StoreSource
from infrastructure.bundle.verify_bundle import verify_bundle
from infrastructure.bundle.writer import Wish, export
from infrastructure.erasure.envelope import Envelopes
from infrastructure.erasure.keys import SubjectKeys
from infrastructure.erasure.memory import MemorySeeds
from infrastructure.ledger.key_ring import KeyRing
from infrastructure.ledger.memory import MemoryLedger
from infrastructure.ledger.scribe import Scribe
from infrastructure.ledger.statement import read_statement
from infrastructure.log.memory import MemoryLog
from infrastructure.log.port import NewEvent
from projections.audit_ledger.note import PublicKey, read_note
from projections.audit_ledger.verdicts import Verdict
from tests.contracts.groups import NOW, member

EVENTS = 60
POLICY: dict[str, tuple[str, ...]] = {"thing.*": ("@actor", "at"), "*.never": ("x",)}


class World:
    """A log with its ledger, of which bundles are made; its pages are small, so that there are several."""

    def __init__(self, folder: Path) -> None:
        self.log, self.folder = MemoryLog(), folder
        ledger = MemoryLedger()
        self.ring = KeyRing(folder / "keys", "signalbox/test", now=NOW)
        self.source = StoreSource(self.log, Scribe(self.log, ledger, self.ring, "signalbox/test"), "key_test")
        for number in range(EVENTS):
            self.log.append([member(f"c{number}", (f"task_{number % 3}", number // 3 + 1))], now=NOW + number)

    @property
    def trusted(self) -> list[PublicKey]:
        return self.ring.public_keys()

    def bundle(self, name: str, wish: Wish) -> Path:
        export(self.source, self.folder / name, wish)
        return self.folder / name

    def verified(self, bundle: Path) -> Report:
        return verify_bundle(Bundle(bundle), self.trusted)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("infrastructure.bundle.writer.PAGE_EVENTS", 25)
        yield World(tmp_path_factory.mktemp("world"))


@pytest.fixture
def redacted(world: World, tmp_path: Path) -> Path:
    made = world.folder / "redacted"
    if not made.exists():
        world.bundle("redacted", Wish(redaction=POLICY))
    return Path(shutil.copytree(made, tmp_path / "bundle"))


@pytest.mark.parametrize("kind", ["jsonl", "csv", "cloudevents"])
@pytest.mark.parametrize("project", [None, "project_1"])
def test_what_is_left_was_signed_and_nothing_more_is_shown(world: World, kind: Format, project: str | None) -> None:
    bundle = world.bundle(f"{kind}-{project}", Wish(redaction=POLICY, format=kind, project=project, first=3))
    found = world.verified(bundle)
    assert (found.verdict, found.events, found.redacted, found.attested) == (Verdict.INTACT, 0, EVENTS - 2, EVENTS - 2)
    assert all(row.actor == "[redacted]" for row in Bundle(bundle).rows())
    assert b"key_1" not in events_file(bundle, 1, kind).read_bytes()


def test_who_has_the_keys_reads_nothing_that_was_left_out(world: World) -> None:
    seeds = MemorySeeds()
    seeds.begin(b"s" * 32)
    envelopes = Envelopes(SEALINGS, SubjectKeys(seeds))
    event = NewEvent("task_1", 1, "task.failed.v1", 1, b'{"at":1,"reason":"Susquehanna"}', "p")
    sealed = envelopes.sealed(event)
    row = world.log.page(after=0, limit=1)[0]._replace(stream="task_1", type=sealed.type, state=sealed.state)
    assert b"Susquehanna" not in row.state
    assert b"Susquehanna" in envelopes.opened(row).state
    kept, left_out = Redaction({"*": ("@actor", "never")}).applied(row)
    assert (left_out, kept.state) == (True, row.state), "nothing of the state was left out"
    for fields in (("reason",), ("at",), ("sealed",), ("reason", "sealed")):
        shown, left_out = Redaction({"task.*": fields}).applied(row)
        assert left_out
        assert not envelopes.is_sealed(shown)
        content = orjson.loads(shown.state)
        assert "sealed" not in content
        assert [content[name] for name in fields if name != "sealed"] == ["[redacted]"] * len(set(fields) - {"sealed"})
    other = row._replace(type="thing.happened.v1", state=b'{"sealed":{"of":"us"},"at":1}')
    shown, _ = Redaction({"*": ("at",)}).applied(other)
    assert shown.state == b'{"sealed":{"of":"us"},"at":"[redacted]"}', "an event that has no words of anybody"


Change = Callable[[list[ReadRow]], None]


def another_actor(rows: list[ReadRow]) -> None:
    rows[30] = rows[30]._replace(row=rows[30].row._replace(actor="key_framed"))


def another_state(rows: list[ReadRow]) -> None:
    rows[59] = rows[59]._replace(row=rows[59].row._replace(state=b'{"at":7}'))


def marked_whole(rows: list[ReadRow]) -> None:
    rows[10] = rows[10]._replace(redacted=False)


def two_swapped(rows: list[ReadRow]) -> None:
    first, second = rows[5].row, rows[6].row
    rows[5] = rows[5]._replace(row=second._replace(position=first.position))
    rows[6] = rows[6]._replace(row=first._replace(position=second.position))


@pytest.mark.parametrize("change", [another_actor, another_state, marked_whole, two_swapped])
def test_what_is_left_cannot_be_changed(world: World, redacted: Path, change: Change) -> None:
    rows = list(Bundle(redacted).part(1))
    change(rows)
    lines = (write_line(one.row, redacted=one.redacted) for one in rows)
    events_file(redacted, 1, "jsonl").write_bytes(b"".join(lines))
    assert world.verified(redacted).verdict is Verdict.ALTERED


def test_a_bundle_that_was_exported_whole_has_nothing_redacted(world: World) -> None:
    bundle = world.bundle("whole", Wish())
    assert world.verified(bundle).verdict is Verdict.INTACT
    manifest = read_manifest(bundle)
    changed = manifest.model_copy(update={"redaction": POLICY, "redacted": 1})
    (bundle / "manifest.json").write_text(changed.model_dump_json())
    rows = list(Bundle(bundle).part(1))
    framed = rows[30].row._replace(actor="key_framed")
    rows[30] = ReadRow(framed, redacted=True)
    lines = (write_line(one.row, redacted=one.redacted) for one in rows)
    events_file(bundle, 1, "jsonl").write_bytes(b"".join(lines))
    assert world.verified(bundle).verdict is Verdict.FORGED


def test_signatures_of_what_is_left_cannot_be_left_out_or_exchanged(
    world: World, redacted: Path, tmp_path: Path
) -> None:
    file = redactions_file(redacted, 1)
    notes = file.read_bytes().splitlines(keepends=True)
    assert len(notes) == 3
    for kept, verdict in (
        (notes[:2], Verdict.INCOMPLETE),
        ([], Verdict.INCOMPLETE),
        (notes[1:], Verdict.FORGED),
        ([notes[0], notes[2], notes[1]], Verdict.FORGED),
    ):
        file.write_bytes(b"".join(kept))
        assert world.verified(redacted).verdict is verdict
    stranger = KeyRing(tmp_path / "stranger", "signalbox/test", now=NOW)
    signed = stranger.sign(read_note(json.loads(notes[0])["note"]).text, now=NOW)
    file.write_bytes(json.dumps({"note": str(signed)}).encode() + b"\n" + b"".join(notes[1:]))
    assert world.verified(redacted).verdict is Verdict.FORGED
    file.unlink()
    assert world.verified(redacted).verdict is Verdict.INCOMPLETE


def test_another_policy_than_the_signed_one_is_forged(world: World, redacted: Path) -> None:
    manifest = read_manifest(redacted)
    changed = Manifest.model_validate(manifest.model_dump() | {"redaction": {"*": ("@actor", "at", "title")}})
    (redacted / "manifest.json").write_text(changed.model_dump_json())
    assert world.verified(redacted).verdict is Verdict.FORGED


def test_a_statement_that_does_not_tell_of_redaction_is_read_as_before(world: World, redacted: Path) -> None:
    """So were they signed before what is left was signed; such events are counted as not proven."""
    note = read_note((redacted / "statement").read_text())
    former = "".join(note.text.splitlines(keepends=True)[:-1])
    assert read_statement(former).redaction == ""
    (redacted / "statement").write_text(str(world.ring.sign(former, now=world.log.now())))
    shutil.rmtree(redacted / "redactions")
    found = world.verified(redacted)
    assert (found.verdict, found.redacted, found.attested) == (Verdict.INTACT, EVENTS, 0)
