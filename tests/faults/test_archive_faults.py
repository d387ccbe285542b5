"""What may come between a range and its bundle: a kill at every step, a bundle that was changed, one that is lost."""

import asyncio
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from infrastructure.archive import archiver as archiving
from infrastructure.archive.archiver import Archiver, BundleRefusedError
from infrastructure.archive.bases import BaseUnfaithfulError
from infrastructure.archive.reading import archived_log
from infrastructure.archive.shelf import Shelf
from infrastructure.bundle.layout import events_file, tiles_file
from infrastructure.bundle.report import Report
from infrastructure.bundle.store_source import StoreSource
from infrastructure.bundle.verify_live import verify_live
from infrastructure.log.archived import EventsArchived
from infrastructure.log.port import LogRow
from infrastructure.log.sqlite import SqliteLog
from infrastructure.runtime.hot import BrokenStreamError
from infrastructure.runtime.state_codec import freeze
from projections.audit_ledger.verdicts import Verdict
from tests.properties.test_archived_histories import loaded
from tests.support.archived import Archives
from tests.support.teller import Step, Teller

SCRIPT: list[Step] = [
    ("plan", 0, 3), *((what, who, who) for what in ("claim", "progress", "complete") for who in range(3)),
    ("acquire", 0, 0), ("drop", 0, 0), ("claim", 1, 0), ("release", 1, 3),
]  # fmt: skip
UNTIL = 30


class Killed(BaseException):
    """The process is gone in the middle of it."""


class Killing:
    """Everything of a log until it is killed: before its n-th write, or behind it."""

    def __init__(self, log: Any, at: int) -> None:
        self._log, self.left = log, at

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._log, name)
        if name not in ("keep_archive", "keep_base_states", "prune", "mark_pruned"):
            return found

        def write(*arguments: Any, **named: Any) -> Any:
            self.step()
            answer = found(*arguments, **named)
            self.step()
            return answer

        return write

    def step(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise Killed


class World:
    """A history in SQLite, and everything that was read of it before anything was archived."""

    def __init__(self, folder: Path) -> None:
        self.log = SqliteLog(folder / "signalbox.db")
        self.archives = Archives(self.log, folder)
        asyncio.run(Teller(self.archives.log).tell(SCRIPT, twice=False))
        self.rows = self.log.page(after=0, limit=5_000)
        self.streams = sorted({row.stream for row in self.rows})
        self.states = self.folded()

    def folded(self) -> dict[str, tuple[int, bytes]]:
        """Every state as whoever decides has it."""
        found = loaded(self.archives.log, self.streams)
        return {stream: (version, freeze(state)) for stream, (version, state) in found.items()}

    @property
    def kept(self) -> list[LogRow]:
        return self.log.page(after=0, limit=5_000)

    @property
    def bundle(self) -> Path:
        (found,) = self.archives.shelf.folder.glob("0*")
        return found


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.log.close()


def test_a_kill_at_any_step_loses_nothing_and_is_made_up_for(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archiving, "ROWS_AT_ONCE", 8)
    monkeypatch.setattr(archiving, "BASES_AT_ONCE", 4)
    kills = 0
    # Each kill leaves behind what was done so far; the next process goes on, and gets one step further.
    for at in range(200):
        killing = Killing(world.archives.whole, at)
        try:
            _asked(world.archives.archiver(killing, killing.step)).round()
            break
        except Killed:
            kills += 1
        assert world.folded() == world.states
        assert world.archives.whole.page(after=0, limit=5_000) == world.rows
        if len(world.kept) < len(world.rows):
            assert world.log.archives(), "nothing is pruned that is not on record"
    assert kills > 10
    assert [one.pruned for one in world.log.archives()] == [True]
    assert len(world.kept) < len(world.rows)
    assert world.folded() == world.states


def test_a_folder_that_was_only_begun_is_begun_anew(world: World) -> None:
    (world.archives.shelf.folder / "000000000001-000000000030" / "events").mkdir(parents=True)
    world.archives.archive(UNTIL)
    assert world.log.archives()[0].pruned


def test_what_another_server_writes_into_the_same_folder_is_left_alone(world: World) -> None:
    begun = world.archives.shelf.folder / "000000000001-000000000030" / "events"
    begun.mkdir(parents=True)
    other = Shelf(world.archives.shelf.folder)
    waiting = _asked(world.archives.archiver())
    with other.writing() as alone:
        assert alone
        assert not waiting.round()
        assert waiting.under_way is not None
        assert waiting.under_way.waits_for == "another server that writes into the same folder"
    assert begun.exists()
    assert world.log.archives() == []
    assert waiting.round()
    assert world.log.archives()[0].pruned


@pytest.mark.parametrize("theirs_until", [UNTIL, UNTIL - 9])
def test_of_two_that_archive_at_once_the_slower_goes_on_behind_the_faster(
    world: World, tmp_path: Path, theirs_until: int
) -> None:
    theirs = Archives(world.log, tmp_path / "theirs", world.archives.seeds)
    faster: Archiver = theirs.archiver()
    assert faster.ask(theirs_until, "key_2") is None

    class Overtaken(Killing):
        def step(self) -> None:
            if self.left == 0:
                assert faster.round()
            self.left -= 1

    slower = _asked(world.archives.archiver(Overtaken(world.archives.whole, 0)))
    assert slower.round()
    assert [(one.last, one.asked_by, one.pruned) for one in world.log.archives()] == [
        (theirs_until, "key_2", True), *([(UNTIL, "key_1", True)] if theirs_until < UNTIL else []),
    ]  # fmt: skip
    assert world.folded() == world.states


def test_who_asks_for_less_takes_nothing_back(world: World) -> None:
    archiver = _asked(world.archives.archiver())
    assert archiver.ask(UNTIL - 9, "key_2") is None
    assert archiver.round()
    assert [(one.last, one.asked_by) for one in world.log.archives()] == [(UNTIL, "key_1")]


def test_a_stream_that_is_read_while_more_of_it_is_archived_has_each_event_once(world: World) -> None:
    world.archives.archive(UNTIL - 9)
    whole = world.archives.whole

    class Archiving(Killing):
        """More is archived between any two looks at what is recorded."""

        def archives(self) -> Any:
            found = self._log.archives()
            world.archives.archive(UNTIL)
            return found

    stream = next(row.stream for row in world.rows if UNTIL - 9 < row.position <= UNTIL and row.version > 2)
    log: Any = Archiving(world.log, 0)
    reading = archived_log(log, world.archives.shelf)
    assert reading.events_of(stream) == [row for row in world.rows if row.stream == stream]
    assert whole.page(after=0, limit=5_000) == world.rows


def test_what_the_database_keeps_of_archived_streams_is_verified(world: World) -> None:
    world.archives.archive(UNTIL)

    def verified(archived: int) -> Report:
        scribe = world.archives.scribe()
        keys = [one.public_key() for one in scribe.store.public_keys()]
        source = StoreSource(world.archives.whole, scribe, "key_1")
        return verify_live(source, keys, archived=archived, boundary=UNTIL)

    kept = [row for row in world.kept if row.position <= UNTIL]
    assert kept
    for archived in (0, UNTIL):
        assert (verified(archived).verdict, verified(archived).kept) == (Verdict.INTACT, len(kept))
    with world.log.file.writing() as connection:
        connection.execute("UPDATE events SET actor = 'key_mallory' WHERE position = ?", (kept[1].position,))
    for archived in (0, UNTIL):
        (finding,) = verified(archived).findings
        assert (finding.verdict, finding.position) == (Verdict.ALTERED, kept[1].position)
    with world.log.file.writing() as connection:
        connection.execute("DELETE FROM events WHERE position = ?", (kept[1].position,))
    for archived in (0, UNTIL):
        (finding,) = verified(archived).findings
        assert (finding.verdict, finding.position) == (Verdict.DELETED, kept[1].position)
        assert f"{kept[1].stream}@{kept[1].version}" in finding.words
    with world.log.file.writing() as connection:
        connection.execute("DELETE FROM base_states WHERE stream = ?", (kept[1].stream,))
    (finding,) = verified(0).findings
    assert (finding.verdict, finding.position) == (Verdict.DELETED, kept[1].position), "its bundle tells of it"


def _asked(archiver: Archiver) -> Archiver:
    assert archiver.ask(UNTIL, "key_1") is None
    return archiver


def _flipped(file: Path) -> None:
    text = bytearray(file.read_bytes())
    text[len(text) // 2] ^= 1
    file.write_bytes(text)


def _lines(change: Callable[[list[bytes]], list[bytes]]) -> Callable[[Path], None]:
    def changed(file: Path) -> None:
        file.write_bytes(b"".join(change(file.read_bytes().splitlines(keepends=True))))

    return changed


def _rehashed(file: Path) -> None:
    _flipped(tiles_file(file.parent.parent, 1))


TAMPERINGS: dict[str, Callable[[Path], None]] = {
    "flipped": _flipped,
    "deleted": _lines(lambda lines: lines[:9] + lines[10:]),
    "inserted": _lines(lambda lines: [*lines[:9], lines[3], *lines[9:]]),
    "swapped": _lines(lambda lines: [*lines[:9], lines[10], lines[9], *lines[11:]]),
    "truncated": _lines(lambda lines: lines[:-1]),
    "tail replaced": _lines(lambda lines: [*lines[:-1], lines[3]]),
    "rehashed": _rehashed,
    "lost": Path.unlink,
}


@pytest.mark.parametrize("tampering", sorted(TAMPERINGS))
def test_a_bundle_that_was_changed_is_neither_recorded_nor_pruned_by_nor_read(
    world: World, tampering: str, tmp_path: Path
) -> None:
    change, archives = TAMPERINGS[tampering], world.archives
    with pytest.raises(Killed):
        _asked(archives.archiver(Killing(archives.whole, 0))).round()
    honest = tmp_path / "honest"
    shutil.copytree(world.bundle, honest)
    change(events_file(world.bundle, 1, "jsonl"))
    with pytest.raises((BundleRefusedError, OSError)):
        _asked(archives.archiver()).round()
    assert (world.log.archives(), world.kept) == ([], world.rows)
    _put_back(world, honest)
    with pytest.raises(Killed):
        _asked(archives.archiver(Killing(archives.whole, 2))).round()
    assert len(world.log.archives()) == 1
    change(events_file(world.bundle, 1, "jsonl"))
    with pytest.raises((EventsArchived, BaseUnfaithfulError)):
        archives.archiver().round()
    assert world.kept == world.rows
    _put_back(world, honest)
    assert archives.archiver().round()
    change(events_file(world.bundle, 1, "jsonl"))
    with pytest.raises(EventsArchived) as told:
        Archives(world.log, tmp_path, archives.seeds).whole.page(after=0, limit=5_000)
    assert told.value.archive.name == world.bundle.name
    assert world.folded() == world.states


def _put_back(world: World, honest: Path) -> None:
    folder = world.bundle
    shutil.rmtree(folder)
    shutil.copytree(honest, folder)
    # As a process that begins anew: it believes no bundle that it has not looked at.
    world.archives = Archives(world.log, folder.parent.parent, world.archives.seeds)


def test_without_a_bundle_states_are_there_and_events_say_where_they_are(world: World) -> None:
    world.archives.archive(UNTIL)
    shutil.rmtree(world.bundle)
    assert world.folded() == world.states
    assert [row.position for row in world.archives.whole.page(after=UNTIL, limit=2)] == [UNTIL + 1, UNTIL + 2]
    for read in (
        lambda: world.archives.whole.page(after=0, limit=UNTIL),
        lambda: world.archives.whole.events_of(next(row.stream for row in world.rows if row.version == 3)),
        lambda: world.archives.whole.count_of("proj", after=0, through=9),
    ):
        with pytest.raises(EventsArchived, match="it is not there"):
            read()


def test_a_stream_whose_states_are_lost_is_never_taken_for_a_new_one(world: World) -> None:
    world.archives.archive(UNTIL)
    with world.log.file.writing() as connection:
        connection.execute("DELETE FROM base_states")
    stream = next(row.stream for row in world.rows if row.version == 3)
    with pytest.raises(BrokenStreamError):
        loaded(world.archives.log, [stream])


def test_states_of_another_shape_are_folded_anew_from_the_bundles(world: World) -> None:
    world.archives.archive(UNTIL - 9)
    world.archives.archive(UNTIL)
    with world.log.file.writing() as connection:
        connection.execute("UPDATE base_states SET kind = 'task.s0', state = x'', words = x'' WHERE kind = 'task.s1'")
    archiving.refresh_bases(world.archives.whole, world.archives.shelf, world.archives.envelopes)
    assert world.folded() == world.states


def test_a_state_of_another_version_is_not_gone_on_with_and_nothing_is_pruned(world: World) -> None:
    world.archives.archive(UNTIL - 9)
    with world.log.file.writing() as connection:
        connection.execute("UPDATE base_states SET kind = 'task.s999' WHERE kind LIKE 'task.%'")
    before = world.kept
    with pytest.raises(BaseUnfaithfulError, match=r"task\.s999 by another version"):
        _asked(world.archives.archiver()).round()
    assert world.kept == before
