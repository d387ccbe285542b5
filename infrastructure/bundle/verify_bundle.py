"""Verifies a bundle with nothing but itself and public keys."""

import base64
import binascii
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Final

import orjson

from infrastructure.bundle.examination import Examined, examine_all, examine_some, grow
from infrastructure.bundle.judging import Right, judged
from infrastructure.bundle.layout import CHECKPOINT, CHECKPOINTS, KEYS, STATEMENT, BundleUnreadable, part_of, read_file
from infrastructure.bundle.reader import Bundle
from infrastructure.bundle.report import Progress, Report, ended
from infrastructure.bundle.rows import ReadRow
from infrastructure.bundle.verify_files import check_files
from infrastructure.bundle.verify_redaction import examine_redaction
from infrastructure.ledger.copies import read_checkpoint_lines
from infrastructure.ledger.port import KeyPeriod
from infrastructure.ledger.signing import verified
from infrastructure.ledger.statement import Statement, read_statement
from projections.audit_ledger.note import (
    Checkpoint,
    Note,
    NoteUnreadable,
    PublicKey,
    read_checkpoint,
    read_note,
    with_periods,
)
from projections.audit_ledger.proofs import is_included, left_siblings
from projections.audit_ledger.tree import HASH_BYTES, Frontier
from projections.audit_ledger.verdicts import Finding, Verdict

SMALL_BYTES_MAX: Final = 16 * 1024 * 1024


def verify_bundle(
    bundle: Bundle,
    trusted: Sequence[PublicKey] = (),
    progress: Progress = lambda _done, _all: None,
    *,
    processes: int = 1,
) -> Report:
    """Without ``trusted`` keys those of the bundle are believed, which shows only that it fits together.

    Several ``processes`` share the parts of the bundle; what is wrong in one of them is then told by this one.
    """
    manifest = bundle.manifest
    span = (manifest.first, manifest.last)
    try:
        known = bundle_keys(bundle)
        keys = with_periods(trusted, known) or known
        note = _read_note(bundle, CHECKPOINT)
        checkpoint, statement = read_checkpoint(note.text), _statement(bundle, keys)
        signed_by = verified(note, keys, checkpoint.at)
        if not signed_by or statement is None:
            words = "no trusted key has signed the checkpoint and the statement in its time"
            return ended(Verdict.FORGED, words, *span)
        others = _others(bundle, keys)
        if others is None or {statement.origin, manifest.origin} != {checkpoint.origin}:
            return ended(Verdict.FORGED, "a checkpoint is of another log, or not signed by a trusted key", *span)
        findings = _promised(bundle, statement) + check_files(bundle)
        with judged(bundle, processes) as parts:
            leads, proven = _leads_to(bundle, checkpoint, others)
            attested, left_out = examine_redaction(bundle, statement, keys)
            examined = _examined(bundle, parts, progress)
    except (BundleUnreadable, NoteUnreadable) as error:
        return ended(Verdict.INCOMPLETE, str(error), *span)
    findings += left_out + examined.findings
    if manifest.project is not None and not findings:
        findings += _counted(examined, statement)
    if not leads:
        words = "the hashes do not lead to the root that was signed"
        findings.append(Finding(Verdict.REHASHED, manifest.first, 0, words))
    return Report(tuple(findings), *span, examined.events, examined.redacted, checkpoint, signed_by, proven, attested)


def bundle_keys(bundle: Bundle) -> tuple[PublicKey, ...]:
    """The keys that a bundle brings along. Raises BundleUnreadable, NoteUnreadable."""
    try:
        found = orjson.loads(read_file(bundle.folder / KEYS, SMALL_BYTES_MAX))
        periods = (KeyPeriod(str(one["key"]), one.get("since") or 0, one.get("until")) for one in found)
        return tuple(one.public_key() for one in periods)
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError) as error:
        raise BundleUnreadable(f"{bundle.folder / KEYS} holds no keys") from error


def _read_note(bundle: Bundle, name: str) -> Note:
    return read_note(read_file(bundle.folder / name, SMALL_BYTES_MAX).decode(errors="replace"))


def _statement(bundle: Bundle, keys: Sequence[PublicKey]) -> Statement | None:
    note = _read_note(bundle, STATEMENT)
    statement = read_statement(note.text)
    return statement if verified(note, keys, statement.at) else None


def _others(bundle: Bundle, keys: Sequence[PublicKey]) -> dict[int, bytes] | None:
    """Roots of the further checkpoints by size; None where one is not signed or of another log."""
    roots: dict[int, bytes] = {}
    try:
        lines = read_checkpoint_lines(bundle.folder / CHECKPOINTS)
    except OSError as error:
        raise BundleUnreadable(f"{bundle.folder / CHECKPOINTS} cannot be read") from error
    for one in lines:
        note = read_note(one.note)
        checkpoint = read_checkpoint(note.text)
        if not verified(note, keys, checkpoint.at) or checkpoint.origin != bundle.manifest.origin:
            return None
        roots[checkpoint.size] = checkpoint.root
    return roots


def _promised(bundle: Bundle, statement: Statement) -> list[Finding]:
    """Whether the bundle says that it holds what was signed that it would."""
    manifest = bundle.manifest
    if (manifest.first, manifest.project) != (statement.first, statement.project) or manifest.last > statement.last:
        return [Finding(Verdict.FORGED, 0, 0, "the manifest is about other events than the signed statement")]
    if manifest.last < statement.last:
        missing = statement.last - manifest.last
        words = f"{missing} events up to @{statement.last} are missing that the signed statement names"
        return [Finding(Verdict.TRUNCATED, manifest.last + 1, missing, words)]
    return []


def _counted(examined: Examined, statement: Statement) -> list[Finding]:
    there = examined.events + examined.redacted
    if there == statement.events:
        return []
    verdict = Verdict.DELETED if there < statement.events else Verdict.INSERTED
    words = f"there are {there} events of the project, and the signed statement counts {statement.events}"
    return [Finding(verdict, 0, abs(there - statement.events), words)]


def _leads_to(bundle: Bundle, checkpoint: Checkpoint, others: dict[int, bytes]) -> tuple[bool, int]:
    """Whether the hashes of the bundle lead to the signed roots, and to how many.

    The path of the last event binds everything left of it to the root: so the subtrees left of it, of which those
    before the first event are taken from that one's path and the rest is computed, have to be the same.
    """
    manifest = bundle.manifest
    first, last, size = manifest.first, manifest.last, checkpoint.size
    paths = {proof.position: _path(proof.path) for proof in manifest.proofs}
    if not {first, last} <= paths.keys() or last > size:
        return False, 0
    before_last = left_siblings(first - 1, size, paths[first])
    try:
        frontier = Frontier(first - 1, before_last)
    except ValueError:
        return False, 0
    roots: dict[int, bytes] = {}
    last_leaf = b""
    for part in bundle.parts():
        hashes = bundle.hashes(part)
        if bundle.span(part)[1] == last:
            roots |= grow(frontier, hashes[:-HASH_BYTES], others)
            before_last, last_leaf = frontier.peaks(), hashes[-HASH_BYTES:]
            hashes = last_leaf
        roots |= grow(frontier, hashes, others)
    bound = left_siblings(last - 1, size, paths[last]) == before_last
    leads = bound and is_included(last_leaf, last - 1, size, paths[last], checkpoint.root)
    passed = {size: root for size, root in others.items() if first <= size <= last}
    return leads and all(roots.get(size) == root for size, root in passed.items()), 1 + len(roots)


def _path(texts: Sequence[str]) -> tuple[bytes, ...]:
    try:
        return tuple(base64.b64decode(text, validate=True) for text in texts)
    except (binascii.Error, ValueError):
        return ()


def _examined(bundle: Bundle, parts: Iterator[Right | None], told: Progress) -> Examined:
    """Part by part while all is right; from the first that is not on, event by event, to tell what was done to it."""
    manifest, examined = bundle.manifest, Examined()

    def progress(position: int) -> None:
        told(position - manifest.first + 1, manifest.last - manifest.first + 1)

    for part, right in zip(bundle.parts(), parts, strict=True):
        first, last = bundle.span(part)
        if right is None:
            return _told_apart(bundle, first, progress, examined)
        examined.events += right.events
        examined.redacted += right.redacted
        progress(last)
    return examined


def _told_apart(bundle: Bundle, first: int, progress: Callable[[int], None], examined: Examined) -> Examined:
    manifest = bundle.manifest
    rows = (one for part in bundle.parts(first) for one in bundle.part(part))
    if manifest.redaction is None:
        # A mark of its own must not spare an event the comparison.
        rows = (ReadRow(row, redacted=False) for row, _ in rows)
    hashes = _hashes(bundle)
    if manifest.project is None:
        return examine_all(rows, hashes, first, manifest.last, progress, examined)
    return examine_some(rows, hashes, first, manifest.last, manifest.project, progress, examined)


def _hashes(bundle: Bundle) -> Callable[[int, int], bytes]:
    of_part = lru_cache(maxsize=2)(bundle.hashes)
    length = bundle.manifest.part_positions

    def hashes(first: int, last: int) -> bytes:
        found = b""
        for part in range(part_of(first, length), last + 1, length):
            begin, end = bundle.span(part)
            start, stop = max(first, begin) - begin, min(last, end) - begin + 1
            found += of_part(part)[start * HASH_BYTES : stop * HASH_BYTES]
        return found

    return hashes
