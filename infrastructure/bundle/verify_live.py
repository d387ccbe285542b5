"""Verifies a live log: its events, its hashes, and the signed checkpoints of its own and those kept elsewhere."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from functools import lru_cache
from itertools import takewhile
from typing import Final, NamedTuple

from infrastructure.bundle import jsonl
from infrastructure.bundle.base_check import BaseCheck
from infrastructure.bundle.examination import FINDINGS_MAX, ReadHashes, examine_all, examine_some, grow
from infrastructure.bundle.last_events import LastEvents, lost_events
from infrastructure.bundle.report import Progress, Report, ended
from infrastructure.bundle.rows import ReadRow
from infrastructure.bundle.source import Source
from infrastructure.ledger.port import SignedCheckpoint
from infrastructure.ledger.signing import verified
from infrastructure.log.archived import BaseState, LostEvent
from projections.audit_ledger.note import (
    Checkpoint,
    NoteUnreadable,
    PublicKey,
    read_checkpoint,
    read_note,
    with_periods,
)
from projections.audit_ledger.tiles import TILE_HASHES
from projections.audit_ledger.tree import HASH_BYTES, Frontier
from projections.audit_ledger.verdicts import Finding, Verdict

PAGE_EVENTS: Final = 5_000
STATES_AT_ONCE: Final = 500
HASH_TILES: Final = 256
"""Tiles that are read at once."""


def verify_live(
    source: Source,
    trusted: Sequence[PublicKey],
    copies: Sequence[SignedCheckpoint] = (),
    progress: Progress = lambda _done, _all: None,
    *,
    archived: int = 0,
    boundary: int = 0,
) -> Report:
    """The log as it is behind a source, against its own checkpoints and ``copies`` kept elsewhere.

    Events up to ``archived`` lie in bundles that the source cannot read: of them the hashes alone are looked at.
    Up to ``boundary`` they lie in some bundle and were pruned: what the database keeps of these all the same, because
    its streams go on from there, is looked at as well, and missed where it is not there.
    """
    keys = with_periods(trusted, [one.public_key() for one in source.public_keys()])
    signed = _signed(source, keys, copies)
    if isinstance(signed, Report):
        return signed
    latest = signed.latest
    hashes = _live_hashes(source)
    frontier, roots = Frontier(), dict[int, bytes]()
    for first in range(1, latest.size + 1, HASH_TILES * TILE_HASHES):
        roots |= grow(
            frontier, hashes(first, min(latest.size, first + HASH_TILES * TILE_HASHES - 1)), signed.checkpoints
        )
    report, bases = _examined(source, hashes, latest, progress, min(archived, latest.size), min(boundary, latest.size))
    findings = report.findings
    wrong = [size for size in sorted(signed.checkpoints) if roots.get(size) != signed.checkpoints[size].root]
    if wrong and not findings:
        words = f"the hashes do not lead to the root that was signed over {wrong[0]} events"
        findings = (Finding(Verdict.REHASHED, 0, 0, words),)
    proven = len(signed.checkpoints) - len(wrong)
    return replace(report, findings=(*findings, *bases), signed_by=signed.by, checkpoints=proven)


class _Signed(NamedTuple):
    checkpoints: dict[int, Checkpoint]
    by: tuple[PublicKey, ...]

    @property
    def latest(self) -> Checkpoint:
        return self.checkpoints[max(self.checkpoints)]


def _signed(source: Source, keys: Sequence[PublicKey], copies: Sequence[SignedCheckpoint]) -> _Signed | Report:
    """Every checkpoint by its size, there is one at least; or what ends the verification."""
    signed: dict[int, Checkpoint] = {}
    signers: tuple[PublicKey, ...] = ()
    for one in (*copies, *_all_checkpoints(source)):
        try:
            note = read_note(one.note)
            checkpoint = read_checkpoint(note.text)
            by = verified(note, keys, checkpoint.at)
        except NoteUnreadable as error:
            return ended(Verdict.FORGED, f"a checkpoint of {one.size} events cannot be read: {error}")
        if not by or checkpoint.size != one.size:
            words = f"a checkpoint of {one.size} events is not signed by a trusted key in its time"
            return ended(Verdict.FORGED, words)
        known = signed.setdefault(checkpoint.size, checkpoint)
        if (known.origin, known.root) != (checkpoint.origin, checkpoint.root):
            words = f"two different logs of {one.size} events were signed"
            return ended(Verdict.REHASHED, words)
        signers = by
    return _Signed(signed, signers) if signed else ended(Verdict.INCOMPLETE, "there is no signed checkpoint yet")


def _examined(
    source: Source, hashes: ReadHashes, latest: Checkpoint, progress: Progress, archived: int, boundary: int
) -> tuple[Report, list[Finding]]:
    """What the database has, by the hashes of the ledger; and what is wrong about what streams had come to."""
    last = latest.size
    ends = LastEvents(boundary)
    with closing(BaseCheck(boundary, folds=archived == 0)) as states:
        rows = ends.of_log(_live_rows(source, archived, last))
        rows = states.of_log(rows) if boundary else rows
        examined = examine_all(rows, hashes, archived + 1, last, lambda done: progress(done, last))
        findings = examined.findings
        whole = not findings
        there = states.of_database(ends.of_database(_kept_rows(source, boundary)))
        kept = examine_some(there, hashes, 1, boundary, None, lambda _: None)
        findings += kept.findings
        lost = source.lost(FINDINGS_MAX) if boundary else []
        # Where the log was not read to its end, what was not read may be all that a stream needs.
        findings += lost_events([*lost, *(_missed(source, ends, last) if whole else ())], findings)
        compared = states.compared(
            lambda: _bases(source, boundary), lambda end: _live_rows(source, boundary, end), whole=whole
        )
    # That a stream lost its state is told where it lost its last event as well.
    told = {(one.verdict, one.position) for one in findings}
    report = Report(
        tuple(findings), 1, last, examined.events, 0, latest, (), 0,
        archived=archived, kept=kept.events, bases=compared.states,
    )  # fmt: skip
    return report, [one for one in compared.findings if (one.verdict, one.position) not in told]


def _bases(source: Source, boundary: int) -> Iterator[BaseState]:
    stream = ""
    while boundary and (found := source.bases(stream, STATES_AT_ONCE)):
        yield from found
        stream = found[-1].stream


def _live_hashes(source: Source) -> Callable[[int, int], bytes]:
    tiles = lru_cache(maxsize=4)(source.hashes)

    def hashes(first: int, last: int) -> bytes:
        found, position = b"", first
        while position <= last:
            tile = (position - 1) // TILE_HASHES // HASH_TILES * HASH_TILES
            start = position - 1 - tile * TILE_HASHES
            stop = min(last - tile * TILE_HASHES, HASH_TILES * TILE_HASHES)
            some = tiles(tile, HASH_TILES)[start * HASH_BYTES : stop * HASH_BYTES]
            found += some
            if len(some) < (stop - start) * HASH_BYTES:
                return found
            position += stop - start
        return found

    return hashes


def _live_rows(source: Source, after: int, last: int) -> Iterator[ReadRow]:
    while after < last:
        lines, position = source.lines(after, min(PAGE_EVENTS, last - after), None)
        if position <= after:
            return
        yield from map(jsonl.read_line, lines.splitlines(keepends=True))
        after = position


def _kept_rows(source: Source, boundary: int) -> Iterator[ReadRow]:
    after = 0
    while after < boundary:
        lines, position = source.kept(after, PAGE_EVENTS)
        if position <= after:
            return
        read = map(jsonl.read_line, lines.splitlines(keepends=True))
        yield from takewhile(lambda one: one.row.position <= boundary, read)
        after = position


def _missed(source: Source, ends: LastEvents, last: int) -> list[LostEvent]:
    """What bundles tell of and the database lacks. What was appended meanwhile may have let a range be pruned anew."""
    now = source.checkpoint() if ends.missed() else None
    for _ in ends.of_log(_live_rows(source, last, now.size)) if now else ():
        pass
    return ends.missed()


def _all_checkpoints(source: Source) -> Iterator[SignedCheckpoint]:
    size, limit = 0, 1_000
    while True:
        found = source.checkpoints(size, limit)
        yield from found
        if len(found) < limit:
            return
        size = found[-1].size + 1
