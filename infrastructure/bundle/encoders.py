"""Writes the events of one part in the format that was asked for; reads nothing twice and keeps no part in memory."""

from pathlib import Path
from typing import BinaryIO, Protocol

from infrastructure.bundle import cloudevents, csv_rows, jsonl
from infrastructure.bundle.layout import Format
from infrastructure.log.port import LogRow


class Encoder(Protocol):
    """One part, event by event."""

    passes_lines: bool
    """Whether lines of JSON are its own format."""

    def add(self, row: LogRow, *, redacted: bool) -> None: ...

    def add_lines(self, lines: bytes) -> None:
        """Lines of JSON as they are, where they are its format."""
        ...

    def close(self) -> None:
        """Everything is in the file."""
        ...


class _Lines:
    def __init__(self, file: Path, kind: Format, origin: str) -> None:
        self._out: BinaryIO = file.open("wb")
        self._kind = kind
        self.passes_lines = kind == "jsonl"
        self._origin = origin
        if kind == "csv":
            self._out.write(csv_rows.write_heading())

    def add(self, row: LogRow, *, redacted: bool) -> None:
        if self._kind == "csv":
            line = csv_rows.write_line(row, redacted=redacted)
        elif self._kind == "cloudevents":
            line = cloudevents.write_line(row, self._origin, redacted=redacted)
        else:
            line = jsonl.write_line(row, redacted=redacted)
        self._out.write(line)

    def add_lines(self, lines: bytes) -> None:
        self._out.write(lines)

    def close(self) -> None:
        self._out.close()


class _Parquet:
    passes_lines = False

    def __init__(self, file: Path) -> None:
        from infrastructure.bundle import parquet

        self._file = file
        self._table = parquet.Table()

    def add(self, row: LogRow, *, redacted: bool) -> None:
        self._table.add(row, redacted=redacted)

    def add_lines(self, lines: bytes) -> None:
        for line in lines.splitlines(keepends=True):
            self.add(jsonl.read_line(line).row, redacted=False)

    def close(self) -> None:
        self._table.write(self._file)
        self._table.close()


def encoder_of(file: Path, kind: Format, origin: str) -> Encoder:
    """An encoder into a new file. Raises BundleUnreadable where Parquet is not installed."""
    return _Parquet(file) if kind == "parquet" else _Lines(file, kind, origin)
