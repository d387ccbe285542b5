"""Events as lines of JSON, each with every column; the state stands last, byte for byte as it is stored."""

import base64
import re
from collections.abc import Iterator
from operator import itemgetter
from pathlib import Path
from typing import Any, Final

import orjson

from infrastructure.bundle.rows import ReadRow, is_json_line, unreadable
from infrastructure.log.port import LogRow
from projections.audit_ledger.leaf import leaf_hashes

_STATE: Final = b',"state":'
"""A quote inside a JSON text is always escaped, so the first of these in a line is the key."""
_NAMES: Final = (
    "position",
    "stream",
    "stream_version",
    "type",
    "schema_version",
    "recorded_at",
    "project",
    "actor",
    "command_id",
    "correlation_id",
    "causation_id",
    "traceparent",
)
_COLUMNS: Final = itemgetter(*_NAMES)
_INTEGERS: Final = frozenset({"position", "stream_version", "schema_version", "recorded_at"})
_NEVER_NULL: Final = frozenset({"stream", "type"})
_TEXT: Final = rb'"([ !#-\[\]-~]+)"'
"""Not empty, and nothing that JSON escapes or that could be no UTF-8: what stands there is the text itself."""
_INTEGER: Final = rb"(0|-?[1-9][0-9]{0,17})"


def _pattern(name: str) -> bytes:
    """A column in a line."""
    text = _TEXT if name in _NEVER_NULL else rb"(?:null|%b)" % _TEXT
    return b'"%b":%b' % (name.encode(), _INTEGER if name in _INTEGERS else text)


_PLAIN: Final = re.compile(rb"^\{%b%b(.*)\}\n" % (b",".join(map(_pattern, _NAMES)), _STATE), re.MULTILINE)
"""A line as ``write_line`` makes it of texts that JSON need not escape: nearly all. A match is one whole line."""


def write_line(row: LogRow, *, redacted: bool = False) -> bytes:
    """One event. A state that is no JSON text on one line is written as ``state_base64``."""
    head: dict[str, Any] = dict(zip(_NAMES, (*row[:5], *row[6:]), strict=True))
    if redacted:
        head["redacted"] = True
    if is_json_line(row.state):
        return b"%b%b%b}\n" % (orjson.dumps(head)[:-1], _STATE, row.state)
    head["state_base64"] = base64.b64encode(row.state).decode()
    return orjson.dumps(head, option=orjson.OPT_APPEND_NEWLINE)


def read_line(line: bytes) -> ReadRow:
    """The event of a line. Columns of a wrong type stay as they are: no leaf comes of them."""
    head, found, state = line.partition(_STATE)
    if not line.endswith(b"}\n"):
        return unreadable(line)
    try:
        columns = orjson.loads(head + b"}" if found else line)
        content = state[:-2] if found else base64.b64decode(columns["state_base64"], validate=True)
        position, stream, version, kind, schema, *rest = _COLUMNS(columns)
        row = LogRow(position, stream, version, kind, schema, content, *rest)
        return ReadRow(row, "redacted" in columns) if type(position) is int else unreadable(line)
    except (KeyError, TypeError, ValueError):
        return unreadable(line)


def read_file(file: Path) -> Iterator[ReadRow]:
    """The events of a file. Raises OSError."""
    with file.open("rb") as lines:
        yield from map(read_line, lines)


def leaves_of_plain(lines: bytes) -> bytes | None:
    """The leaf hashes of whole lines of which each has the texts of the log byte for byte; None where one has not.

    A verification needs no more of an event, and has it sooner than by reading it.
    """
    found = _PLAIN.findall(lines)
    return leaf_hashes(found) if len(found) == lines.count(b"\n") and lines.endswith(b"\n") else None
