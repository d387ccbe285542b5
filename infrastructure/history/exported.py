"""An export of runs: one file with their events, read again only if it is whole."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from domain.kernel.registry import schema_version
from infrastructure.log.port import LogRow
from infrastructure.log.sqlite_file import SqliteFile
from infrastructure.sql import load

FORMAT: Final = 1
EVENTS_MAX: Final = 1_000_000
_LOG: Final = load("sqlite/log.sql")


class ExportUnreadable(Exception):
    """The file is no export, or not a whole one."""


@dataclass(frozen=True, slots=True)
class Export:
    """The events of a run, of what it began, and of its tasks."""

    run: str
    header: dict[str, Any]
    """What the server said of it when it was exported."""
    rows: tuple[LogRow, ...]
    """In the order of the log that they come from; positions are its own, with gaps."""


class _Line(BaseModel):
    """An event as `/v1/events` tells it."""

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore")

    position: int = Field(ge=1, lt=2**63)
    stream: str = Field(max_length=200)
    version: int = Field(ge=1, lt=2**63)
    type: str = Field(max_length=200)
    event: dict[str, Any]
    at: int = Field(ge=0, lt=2**63)
    project: str
    actor: str
    command_id: str
    correlation_id: str
    causation_id: str | None


def read_export(file: Path) -> Export:
    """The export in a file. Raises ExportUnreadable, and OSError where the file itself cannot be read."""
    try:
        with file.open("rb") as lines:
            return _export(iter(lines))
    except (orjson.JSONDecodeError, ValidationError, StopIteration, TypeError) as problem:
        raise ExportUnreadable(f"{file} holds no export of a run: {problem}") from problem


def unpack_export(export: Export, file: Path) -> None:
    """The events as a log in a new file that can be looked at like any other; it knows no names and no receipts."""
    copy = SqliteFile(file)
    try:
        with copy.writing() as connection:
            connection.executemany(_LOG["insert_event"], export.rows)
            last = export.rows[-1]
            connection.execute(_LOG["move_head"], (last.position, last.recorded_at))
    finally:
        copy.close()


def _export(lines: Iterator[bytes]) -> Export:
    first = next(lines)
    header = orjson.loads(first)
    if header.get("signalbox_run_export") != FORMAT:
        raise ExportUnreadable("its first line does not say that it is an export of a run, in the first format")
    digest, rows = hashlib.sha256(first), list[LogRow]()
    for line in lines:
        found = orjson.loads(line)
        if "end" in found:
            _require_whole(found, rows, digest.hexdigest())
            return Export(str(header["run"]), header, tuple(rows))
        digest.update(line)
        rows.append(_row(_Line.model_validate(found)))
        if len(rows) > EVENTS_MAX:
            raise ExportUnreadable(f"it has more than {EVENTS_MAX:,} events")
    raise ExportUnreadable("its end is missing")


def _require_whole(end: dict[str, Any], rows: list[LogRow], digest: str) -> None:
    if end["end"] != len(rows) or end["sha256"] != digest or not rows:
        raise ExportUnreadable("it is not as it was written")
    if any(one.position >= other.position for one, other in pairwise(rows)):
        raise ExportUnreadable("its events are not in their order")


def _row(line: _Line) -> LogRow:
    return LogRow(
        position=line.position,
        stream=line.stream,
        version=line.version,
        type=line.type,
        schema_version=schema_version(line.type),
        state=orjson.dumps(line.event),
        recorded_at=line.at,
        project=line.project,
        actor=line.actor,
        command_id=line.command_id,
        correlation_id=line.correlation_id,
        causation_id=line.causation_id,
        traceparent=None,
    )
