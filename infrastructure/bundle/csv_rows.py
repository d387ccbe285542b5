"""Events as CSV (RFC 4180) that no spreadsheet takes for formulas, and from which every column can be read back."""

import base64
import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from infrastructure.bundle.rows import ReadRow, is_json_line, is_sound, unreadable
from infrastructure.log.port import LogRow

HEADING: Final = (
    "position",
    "stream",
    "stream_version",
    "type",
    "schema_version",
    "state",
    "recorded_at",
    "project",
    "actor",
    "command_id",
    "correlation_id",
    "causation_id",
    "traceparent",
    "state_base64",
    "redacted",
)
CELL_CHARACTERS_MAX: Final = 16 * 1024 * 1024
_GUARDED: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "'")
"""What a cell must not begin with; such a cell gets an apostrophe in front, which readers take away again."""


def write_heading() -> bytes:
    """The first line of every file."""
    return (",".join(HEADING) + "\r\n").encode()


def write_line(row: LogRow, *, redacted: bool = False) -> bytes:
    """One event."""
    plain = is_json_line(row.state)
    out = io.StringIO()
    texts = [_cell(value) for value in row[7:]]
    csv.writer(out).writerow(
        (
            row.position,
            _cell(row.stream),
            row.version,
            _cell(row.type),
            row.schema_version,
            _cell(row.state.decode()) if plain else "",
            row.recorded_at,
            *texts,
            "" if plain else base64.b64encode(row.state).decode(),
            "true" if redacted else "",
        )
    )
    return out.getvalue().encode()


def read_file(file: Path) -> Iterator[ReadRow]:
    """The events of a file. Raises OSError."""
    csv.field_size_limit(CELL_CHARACTERS_MAX)
    with file.open(encoding="utf-8", errors="replace", newline="") as lines:
        reader = csv.reader(lines, strict=True)
        headed = False
        while True:
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield unreadable(str(error).encode())
                continue
            if headed:
                yield _read_row(cells)
            elif cells == list(HEADING):
                headed = True
            else:
                yield unreadable(b"the first line does not name the columns")
                headed = True


def _read_row(cells: list[str]) -> ReadRow:
    try:
        row = _row(cells)
    except ValueError:
        return unreadable(",".join(cells).encode())
    return ReadRow(row, cells[-1] == "true") if is_sound(row) else unreadable(b"")


def _row(cells: list[str]) -> LogRow:
    position, stream, version, kind, schema, state, at, *texts, encoded, _ = cells
    content = base64.b64decode(encoded, validate=True) if encoded else (_text(state) or "").encode()
    project, actor, command, correlation, causation, trace = map(_text, texts)
    return LogRow(
        int(position),
        _text(stream) or "",
        int(version),
        _text(kind) or "",
        int(schema),
        content,
        int(at),
        project,
        actor,
        command,
        correlation,
        causation,
        trace,
    )


def _cell(value: str | None) -> str:
    """NULL is an empty cell; an empty text is a lone apostrophe."""
    if value is None:
        return ""
    return f"'{value}" if not value or value.startswith(_GUARDED) else value


def _text(cell: str) -> str | None:
    return None if not cell else cell.removeprefix("'")
