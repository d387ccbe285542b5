"""Events as CloudEvents 1.0 in JSON, one a line, with our columns as extension attributes."""

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import orjson

from infrastructure.bundle.rows import ReadRow, is_json_line, is_sound, unreadable
from infrastructure.log.port import LogRow
from projections.audit_ledger.note import written

_DATA: Final = b',"data":'
_EXTENSIONS: Final = ("project", "actor", "commandid", "correlationid", "causationid", "traceparent")


def write_line(row: LogRow, origin: str, *, redacted: bool = False) -> bytes:
    """One event. Integers that may pass 31 bits are texts, as the specification demands; NULL is left out."""
    event: dict[str, Any] = {
        "specversion": "1.0",
        "id": f"{row.stream}@{row.version}",
        "source": f"/{origin}",
        "type": row.type,
        "subject": row.stream,
        "time": written(row.recorded_at),
        "datacontenttype": "application/json",
        "position": str(row.position),
        "streamversion": str(row.version),
        "schemaversion": row.schema_version,
        "recordedat": str(row.recorded_at),
    }
    event |= {name: value for name, value in zip(_EXTENSIONS, row[7:], strict=True) if value is not None}
    if redacted:
        event["redacted"] = True
    if is_json_line(row.state):
        return b"%b%b%b}\n" % (orjson.dumps(event)[:-1], _DATA, row.state)
    event["datacontenttype"] = "application/octet-stream"
    event["data_base64"] = base64.b64encode(row.state).decode()
    return orjson.dumps(event, option=orjson.OPT_APPEND_NEWLINE)


def read_file(file: Path) -> Iterator[ReadRow]:
    """The events of a file. Raises OSError."""
    with file.open("rb") as lines:
        for line in lines:
            yield _read_line(line)


def _read_line(line: bytes) -> ReadRow:
    head, found, data = line.partition(_DATA)
    if not line.endswith(b"}\n"):
        return unreadable(line)
    try:
        event = orjson.loads(head + b"}" if found else line)
        state = data[:-2] if found else base64.b64decode(event["data_base64"], validate=True)
        row = LogRow(
            int(event["position"]),
            event["subject"],
            int(event["streamversion"]),
            event["type"],
            event["schemaversion"],
            state,
            int(event["recordedat"]),
            *(event.get(name) for name in _EXTENSIONS),
        )
        return ReadRow(row, "redacted" in event) if is_sound(row) else unreadable(line)
    except (KeyError, TypeError, ValueError):
        return unreadable(line)
