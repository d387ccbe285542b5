"""Reads a bundle: its manifest, its events in order, the hashes beside them."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from infrastructure.bundle import jsonl
from infrastructure.bundle.layout import BundleUnreadable, Format, events_file, part_of, read_manifest, tiles_file
from infrastructure.bundle.rows import UNREADABLE, ReadRow
from infrastructure.log.port import LogRow
from projections.audit_ledger.tree import HASH_BYTES

ReadRows = Callable[[Path], Iterator[ReadRow]]


class Bundle:
    """A finished bundle. Reading needs no database and takes constant memory. Raises BundleUnreadable."""

    def __init__(self, folder: Path) -> None:
        self.folder: Final = folder
        self.manifest: Final = read_manifest(folder)
        self._read: Final = reader_of(self.manifest.format)

    def rows(self, *, after: int = 0) -> Iterator[LogRow]:
        """Its events with position > ``after``, in order. Of redacted ones what is left."""
        first = max(after + 1, self.manifest.first)
        for part in self.parts(first):
            for row, _ in self.part(part):
                if row.position == UNREADABLE:
                    raise BundleUnreadable(f"part {part} of {self.folder} holds something that is no event")
                if row.position >= first:
                    yield row

    def parts(self, first: int | None = None) -> range:
        """The parts that hold positions from ``first`` on, by their first positions."""
        begin = part_of(self.manifest.first if first is None else first, self.manifest.part_positions)
        return range(begin, self.manifest.last + 1, self.manifest.part_positions)

    def part(self, part: int) -> Iterator[ReadRow]:
        """The events of one part as they stand in its file, unreadable ones at position 0. Raises BundleUnreadable."""
        file = events_file(self.folder, part, self.manifest.format)
        try:
            yield from self._read(file)
        except OSError as error:
            raise BundleUnreadable(f"{file} cannot be read: {error.strerror}") from error

    def span(self, part: int) -> tuple[int, int]:
        """First and last position of a part inside the bundle's range."""
        last = part + self.manifest.part_positions - 1
        return max(part, self.manifest.first), min(last, self.manifest.last)

    def hashes(self, part: int) -> bytes:
        """The leaf hashes of every position of a part. Raises BundleUnreadable where some are missing."""
        first, last = self.span(part)
        file = tiles_file(self.folder, part)
        try:
            found = file.read_bytes()
        except OSError as error:
            raise BundleUnreadable(f"{file} cannot be read: {error.strerror}") from error
        if len(found) != (last - first + 1) * HASH_BYTES:
            raise BundleUnreadable(f"{file} does not hold the hashes of {last - first + 1} events")
        return found


def reader_of(kind: Format) -> ReadRows:
    """What reads a file of events."""
    match kind:
        case "jsonl":
            return jsonl.read_file
        case "csv":
            from infrastructure.bundle import csv_rows

            return csv_rows.read_file
        case "cloudevents":
            from infrastructure.bundle import cloudevents

            return cloudevents.read_file
        case "parquet":
            from infrastructure.bundle import parquet

            return parquet.read_file
