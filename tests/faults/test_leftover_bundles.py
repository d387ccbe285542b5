"""What a kill leaves of a bundle is gone on with, or removed where nobody goes on with it; whatever is whole stays."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from infrastructure.archive.leftovers import REMOVED, Leftover
from infrastructure.bundle.layout import MANIFEST
from infrastructure.bundle.store_source import StoreSource
from infrastructure.bundle.writer import PLAN, Wish, export
from tests.faults.test_archive_faults import UNTIL, Killed, Killing, World

EARLIER = UNTIL - 9
BEGUN = f"{1:012d}-{UNTIL:012d}"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.log.close()


def killed(world: World, *, at_export: bool) -> Path:
    """The folder of a range that was being archived: half written, or whole and not on record yet."""
    archives = world.archives
    killing = Killing(archives.whole, 0)
    archiver = archives.archiver(breathe=killing.step) if at_export else archives.archiver(killing)
    assert archiver.ask(UNTIL, "key_1") is None
    with pytest.raises(Killed):
        archiver.round()
    folder = archives.shelf.folder_of(BEGUN)
    assert (folder / MANIFEST).exists() != at_export
    assert (folder / PLAN).exists() == at_export
    return folder


def test_what_was_begun_is_gone_on_with_or_removed_by_the_next_range(world: World, tmp_path: Path) -> None:
    folder = killed(world, at_export=True)
    archiver = world.archives.archiver()
    assert archiver.leftovers() == [Leftover(BEGUN, 1, whole=False)]
    archiver.tidy()
    assert folder.exists(), "somebody may ask for the same again"
    shutil.copytree(folder, tmp_path / "half")
    world.archives.archive(EARLIER)
    assert not folder.exists()
    assert [one.last for one in world.log.archives()] == [EARLIER]
    # Behind what is archived now nobody goes on with it any more: the next start removes it, also what it only began.
    shutil.copytree(tmp_path / "half", folder)
    shutil.copytree(tmp_path / "half", folder.with_name(f"{5:012d}-{9:012d}" + REMOVED))
    (folder.with_name(f"{3:012d}-{UNTIL:012d}") / "events").mkdir(parents=True)
    with world.archives.shelf.writing():
        archiver.tidy()
        assert folder.exists(), "another server may be writing it"
    archiver.tidy()
    assert [one.name for one in folder.parent.glob("0*")] == [world.log.archives()[0].name]
    assert world.folded() == world.states


def test_what_is_whole_or_not_of_this_log_is_never_removed(world: World) -> None:
    folder = killed(world, at_export=False)
    whole = {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()}
    others = folder.with_name(f"{2:012d}-{UNTIL:012d}")
    others.mkdir()
    (others / PLAN).write_bytes(
        b'{"wish":{},"first":2,"last":30,"origin":"signalbox/other","project":null,"size":30,"proofs":[],"done":{}}'
    )
    headless = folder.with_name(f"{3:012d}-{UNTIL:012d}")
    shutil.copytree(folder, headless)
    (headless / MANIFEST).unlink()
    unreadable = folder.with_name(f"{4:012d}-{UNTIL:012d}")
    unreadable.mkdir()
    (unreadable / PLAN).write_bytes(b"{")
    own = folder.with_name("my own notes")
    own.mkdir()
    archiver = world.archives.archiver()
    world.archives.archive(EARLIER)
    archiver.tidy()
    assert archiver.leftovers() == [Leftover(BEGUN, 1, whole=True)]
    assert {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()} == whole
    assert all(one.exists() for one in (others, headless, unreadable, own))


def test_an_export_that_was_killed_before_it_knew_what_it_is_about_begins_anew(world: World, tmp_path: Path) -> None:
    class Dying(StoreSource):
        def path(self, position: int, size: int) -> tuple[bytes, ...]:
            raise Killed

    scribe = world.archives.scribe()
    with pytest.raises(Killed):
        export(Dying(world.archives.whole, scribe, "key_1"), tmp_path / "bundle", Wish())
    assert (tmp_path / "bundle" / "checkpoint").exists()
    manifest = export(StoreSource(world.archives.whole, scribe, "key_1"), tmp_path / "bundle", Wish())
    assert manifest.events == len(world.rows)
