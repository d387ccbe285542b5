"""Exports a log into a bundle: part by part, in constant memory; what was interrupted goes on where it stopped."""

import base64
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import orjson
from pydantic import Field, ValidationError

from infrastructure.bundle import jsonl
from infrastructure.bundle.encoders import Encoder, encoder_of
from infrastructure.bundle.layout import (
    CHECKPOINT,
    CHECKPOINTS,
    EVENTS,
    KEYS,
    MANIFEST,
    MANIFEST_BYTES_MAX,
    PART_POSITIONS,
    REDACTIONS,
    STATEMENT,
    TILES,
    VERSION,
    BundleUnreadable,
    Format,
    Manifest,
    Proof,
    Record,
    events_file,
    part_of,
    read_file,
    redactions_file,
    tiles_file,
)
from infrastructure.bundle.source import Source
from infrastructure.ledger.copies import checkpoint_line
from infrastructure.ledger.port import CHECKPOINTS_MAX, SignedCheckpoint
from projections.audit_ledger.note import read_checkpoint, read_note
from projections.audit_ledger.tiles import TILE_HASHES
from projections.audit_ledger.tree import HASH_BYTES

PLAN: Final = "export.json"
PARTIAL: Final = ".partial"
_FOLDERS: Final = (EVENTS, TILES, REDACTIONS)
_FILES: Final = (CHECKPOINT, CHECKPOINTS, KEYS, STATEMENT, PLAN)
PAGE_EVENTS: Final = 5_000
PART_TILES: Final = PART_POSITIONS // TILE_HASHES
Progress = Callable[[int, int], None]
"""Told how many positions are done, and of how many."""


class Wish(Record):
    """What is to be exported."""

    first: int = 1
    last: int | None = None
    """None: up to the end of the log as it is now."""
    project: str | None = None
    format: Format = "jsonl"
    redaction: dict[str, tuple[str, ...]] | None = None


class _Plan(Record):
    wish: Wish
    first: int
    last: int
    origin: str
    project: str | None
    size: int
    proofs: tuple[Proof, ...]
    done: dict[int, tuple[int, int]] = Field(default_factory=dict[int, tuple[int, int]])
    """Part -> (events, redacted)."""


class NothingToExport(Exception):
    """There are no such events in the log."""


@dataclass(slots=True)
class _Counted:
    events: int = 0
    redacted: int = 0


def export(source: Source, folder: Path, wish: Wish, progress: Progress = lambda _done, _all: None) -> Manifest:
    """Write the bundle, or what is missing of it, and answer its manifest.

    Raises NothingToExport, BundleUnreadable (the folder holds something else), OSError, and the source's faults.
    """
    plan = _resumed(folder, wish) or _begun(source, folder, wish)
    for part in range(part_of(plan.first), plan.last + 1, PART_POSITIONS):
        if part not in plan.done:
            counted = _part(source, folder, plan, part)
            plan = plan.model_copy(update={"done": {**plan.done, part: (counted.events, counted.redacted)}})
            _write(folder / PLAN, plan.model_dump_json().encode())
        progress(min(part + PART_POSITIONS - 1, plan.last) - plan.first + 1, plan.last - plan.first + 1)
    manifest = Manifest(
        bundle=VERSION,
        origin=plan.origin,
        format=wish.format,
        first=plan.first,
        last=plan.last,
        events=sum(events for events, _ in plan.done.values()),
        project=plan.project,
        redacted=sum(redacted for _, redacted in plan.done.values()),
        redaction=wish.redaction,
        proofs=plan.proofs,
    )
    _write(folder / MANIFEST, manifest.model_dump_json(indent=2, exclude_none=True).encode() + b"\n")
    (folder / PLAN).unlink()
    return manifest


def _resumed(folder: Path, wish: Wish) -> _Plan | None:
    if (folder / MANIFEST).exists():
        raise BundleUnreadable(f"{folder} holds a finished bundle already")
    if not (folder / PLAN).exists():
        if folder.exists() and not is_only_begun(folder):
            raise BundleUnreadable(f"{folder} is not empty, and no export was interrupted in it")
        return None
    plan = _read_plan(folder)
    if plan.wish != wish:
        raise BundleUnreadable(f"{folder} holds an export of something else; use its options, or another folder")
    return plan


def is_only_begun(folder: Path) -> bool:
    """Whether a folder holds no more than what is written before an export knows what it is about, so that it may be
    begun anew. Raises OSError."""
    return all(
        (one.name in _FOLDERS and not any(one.iterdir())) if one.is_dir() else one.name.removesuffix(PARTIAL) in _FILES
        for one in folder.iterdir()
    )


def origin_of_plan(folder: Path) -> str:
    """Whose events an export that was interrupted writes. Raises BundleUnreadable."""
    return _read_plan(folder).origin


def _read_plan(folder: Path) -> _Plan:
    try:
        return _Plan.model_validate_json(read_file(folder / PLAN, MANIFEST_BYTES_MAX))
    except ValidationError as error:
        raise BundleUnreadable(f"{folder / PLAN} cannot be read; begin in another folder") from error


def _begun(source: Source, folder: Path, wish: Wish) -> _Plan:
    checkpoint = source.checkpoint()
    size = 0 if checkpoint is None else checkpoint.size
    last = size if wish.last is None else min(wish.last, size)
    if checkpoint is None or last < wish.first:
        asked = f"@{wish.first} to @{wish.last or size}"
        raise NothingToExport(f"there are no events from {asked}; the log ends at @{size}")
    note, project = source.statement(wish.first, last, wish.project, wish.redaction)
    for name in (EVENTS, TILES, *((REDACTIONS,) if wish.redaction else ())):
        (folder / name).mkdir(parents=True, exist_ok=True)
    _write(folder / CHECKPOINT, checkpoint.note.encode())
    _write(folder / STATEMENT, note.encode())
    _write(
        folder / KEYS, orjson.dumps([one._asdict() for one in source.public_keys()], option=orjson.OPT_APPEND_NEWLINE)
    )
    _write(folder / CHECKPOINTS, b"".join(map(checkpoint_line, _between(source, wish.first, last))))
    plan = _Plan(
        wish=wish,
        first=wish.first,
        last=last,
        origin=read_checkpoint(read_note(checkpoint.note).text).origin,
        project=project,
        size=size,
        proofs=tuple(_proof(source, position, size) for position in sorted({wish.first, last})),
    )
    _write(folder / PLAN, plan.model_dump_json().encode())
    return plan


def _between(source: Source, first: int, last: int) -> list[SignedCheckpoint]:
    """Checkpoints over the events of the range: the first thousand, which tells the earliest place of a change."""
    return [one for one in source.checkpoints(first, CHECKPOINTS_MAX) if one.size <= last]


def _proof(source: Source, position: int, size: int) -> Proof:
    path = source.path(position, size)
    return Proof(position=position, path=tuple(base64.b64encode(one).decode() for one in path))


def _part(source: Source, folder: Path, plan: _Plan, part: int) -> _Counted:
    first, last = max(part, plan.first), min(part + PART_POSITIONS - 1, plan.last)
    hashes = source.hashes((part - 1) // TILE_HASHES, PART_TILES)
    _write(tiles_file(folder, part), hashes[(first - part) * HASH_BYTES : (last - part + 1) * HASH_BYTES])
    file = events_file(folder, part, plan.wish.format)
    partial = file.with_name(file.name + PARTIAL)
    encoder, counted, after = encoder_of(partial, plan.wish.format, plan.origin), _Counted(), first - 1
    rules, project, notes = plan.wish.redaction, plan.wish.project, list[bytes]()
    try:
        while after < last:
            if rules:
                lines, position, note = source.redacted(after, min(PAGE_EVENTS, last - after), project, rules)
                notes.append(orjson.dumps({"note": note}, option=orjson.OPT_APPEND_NEWLINE))
            else:
                lines, position = source.lines(after, min(PAGE_EVENTS, last - after), project)
            if position <= after:
                raise BundleUnreadable(f"the log has no event @{after + 1}, of which a checkpoint was signed")
            if not rules and encoder.passes_lines:
                encoder.add_lines(lines)
                counted.events += lines.count(b"\n")
            else:
                _encode(encoder, lines, counted)
            after = position
    finally:
        encoder.close()
    if rules:
        _write(redactions_file(folder, part), b"".join(notes))
    # The plan that names the part as done is durable, so the part has to be there before it.
    with partial.open("rb") as written:
        os.fsync(written.fileno())
    partial.replace(file)
    return counted


def _encode(encoder: Encoder, lines: bytes, counted: _Counted) -> None:
    for line in lines.splitlines(keepends=True):
        row, redacted = jsonl.read_line(line)
        encoder.add(row, redacted=redacted)
        counted.events += 1
        counted.redacted += redacted


def _write(file: Path, content: bytes) -> None:
    """A small file, whole or not at all, and still there after a crash."""
    partial = file.with_name(file.name + PARTIAL)
    with partial.open("wb") as out:
        out.write(content)
        out.flush()
        os.fsync(out.fileno())
    partial.replace(file)
