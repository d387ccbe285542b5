"""Where the bundles of archived ranges lie, and their events, each compared with what the ledger recorded."""

import hashlib
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Final

from infrastructure.bundle.jsonl import read_line
from infrastructure.bundle.layout import MANIFEST, BundleUnreadable, events_file
from infrastructure.bundle.reader import Bundle
from infrastructure.log.archived import Archive, EventsArchived
from infrastructure.log.file_lock import FileLock, StoreInUse
from infrastructure.log.port import LogRow
from projections.audit_ledger.leaf import leaf_hash
from projections.audit_ledger.tree import HASH_BYTES

FOLDER_MODE: Final = 0o700
WRITING_LOCK: Final = "writing.lock"
"""Of servers that share the folder one writes: what another had only begun is removed, and must not be in use."""
PARTS_KEPT_MAX: Final = 2
"""Parts of which the hashes stay in memory, two MiB each: who reads page by page needs them again."""


class Shelf:
    """Reading from any thread. A bundle that was looked at is believed as long as this lives, its events never are."""

    def __init__(self, folder: Path) -> None:
        self.folder: Final = folder
        self._known: Final[set[Archive]] = set()
        self._hashes = lru_cache(maxsize=PARTS_KEPT_MAX)(_hashes_of)

    def folder_of(self, name: str) -> Path:
        """The folder of a bundle."""
        return self.folder / name

    @contextmanager
    def writing(self) -> Generator[bool]:
        """Whether nobody else writes bundles into the folder until the block ends. Raises OSError."""
        self.folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        try:
            lock = FileLock(self.folder / WRITING_LOCK)
        except StoreInUse:
            yield False
            return
        try:
            yield True
        finally:
            lock.release()

    def rows(self, archive: Archive, *, after: int = 0, of: str | None = None) -> Iterator[LogRow]:
        """The events behind a position in order; with ``of`` those of one stream. Raises EventsArchived."""
        try:
            bundle = self._bundle(archive)
            for part in bundle.parts(max(after + 1, archive.first)):
                yield from self._part(archive, bundle, part, after, of)
        except (BundleUnreadable, OSError) as trouble:
            there = (self.folder_of(archive.name) / MANIFEST).exists()
            raise EventsArchived(archive, "it cannot be used as it is" if there else "it is not there") from trouble

    def _bundle(self, archive: Archive) -> Bundle:
        bundle = Bundle(self.folder_of(archive.name))
        if archive._replace(pruned=False) not in self._known:
            if (bundle.manifest.first, bundle.manifest.last) != (archive.first, archive.last):
                raise BundleUnreadable(f"{bundle.folder} holds other events")
            if digest_of(bundle) != archive.digest:
                raise BundleUnreadable(f"{bundle.folder} holds other hashes than were archived")
            self._known.add(archive._replace(pruned=False))
        return bundle

    def _part(self, archive: Archive, bundle: Bundle, part: int, after: int, of: str | None) -> Iterator[LogRow]:
        hashes = self._hashes(bundle.folder, part)
        begin, end = bundle.span(part)
        needle = b"" if of is None else of.encode()
        position = begin - 1
        with events_file(bundle.folder, part, bundle.manifest.format).open("rb") as lines:
            for position, line in enumerate(lines, begin):
                # Most lines need not be read for a look behind them, or for one stream.
                if position <= after or needle not in line:
                    continue
                row = read_line(line).row
                start = (position - begin) * HASH_BYTES
                if row.position != position or leaf_hash(row) != hashes[start : start + HASH_BYTES]:
                    raise EventsArchived(archive, f"@{position} is not what was archived")
                if of is None or row.stream == of:
                    yield row
        if position != end:
            raise EventsArchived(archive, f"it ends at @{position}")


def _hashes_of(folder: Path, part: int) -> bytes:
    return Bundle(folder).hashes(part)


def digest_of(bundle: Bundle) -> str:
    """SHA-256 over the leaf hashes of a bundle. Raises BundleUnreadable."""
    digest = hashlib.sha256()
    for part in bundle.parts():
        digest.update(bundle.hashes(part))
    return digest.hexdigest()


def bundle_name(first: int, last: int) -> str:
    """The folder of the bundle of a range."""
    return f"{first:012d}-{last:012d}"
