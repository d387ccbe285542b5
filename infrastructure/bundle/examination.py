"""Compares events, as they follow each other, with the leaves that were recorded, and says what is wrong where."""

import struct
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice
from typing import Final

from infrastructure.bundle.rows import ReadRow
from infrastructure.log.port import LogRow
from projections.audit_ledger.leaf import leaf_hash
from projections.audit_ledger.tiles import TILE_BYTES, TILE_HASHES, TILE_HEIGHT
from projections.audit_ledger.tree import HASH_BYTES, Frontier, perfect_root
from projections.audit_ledger.verdicts import WINDOW_ROWS, Finding, Verdict, classified

FINDINGS_MAX: Final = 100
PROGRESS_EVENTS: Final = 8_192
ReadHashes = Callable[[int, int], bytes]
"""The recorded leaf hashes of the positions from the first to the second; fewer where there are no more."""


class Examined:
    """What came of it."""

    def __init__(self) -> None:
        self.events = 0
        """Events whose leaf was computed and is what was recorded."""
        self.redacted = 0
        self.findings: list[Finding] = []


def examine_all(
    rows: Iterator[ReadRow],
    hashes: ReadHashes,
    first: int,
    last: int,
    progress: Callable[[int], None],
    examined: Examined | None = None,
) -> Examined:
    """Events that should be those of every position from ``first`` to ``last``; added to what was ``examined``."""
    examined = examined or Examined()
    position = first
    while position <= last and len(examined.findings) < FINDINGS_MAX:
        position, wrong = _run(rows, hashes, position, last, examined, progress)
        if wrong is None:
            continue
        window = list(chain(wrong, islice(rows, WINDOW_ROWS - len(wrong))))
        end = min(last, position + WINDOW_ROWS - 1)
        recorded = hashes(position, end)
        leaves = {
            position + number: recorded[start : start + HASH_BYTES]
            for number, start in enumerate(range(0, len(recorded), HASH_BYTES))
        }
        finding = _classified(position, window, leaves, last)
        examined.findings.append(finding)
        if finding.verdict is not Verdict.ALTERED:
            return examined
        # One event is wrong; what lies behind it is looked at as well.
        rows = chain(window[1:], rows)
        position += 1
    if not examined.findings and next(rows, None) is not None:
        words = f"there are events behind @{last}, which should be the last"
        examined.findings.append(Finding(Verdict.INSERTED, last + 1, 1, words))
    return examined


def examine_some(
    rows: Iterable[ReadRow],
    hashes: ReadHashes,
    first: int,
    last: int,
    project: str | None,
    progress: Callable[[int], None],
    examined: Examined | None = None,
) -> Examined:
    """Some events, of one project where one is given; added to ``examined``.

    Each is what was recorded for its position, and they rise.
    """
    examined = examined or Examined()
    former, recorded, begin = first - 1, b"", first
    for row, redacted in rows:
        position = row.position
        if not former < position <= last:
            words = f"an event claims the place @{position}, behind @{former}"
            examined.findings.append(Finding(Verdict.INSERTED, max(former, 0), 1, words))
            return examined
        start = (position - begin) * HASH_BYTES
        if start >= len(recorded):
            begin = position
            recorded, start = hashes(begin, min(last, begin + PROGRESS_EVENTS - 1)), 0
            progress(position)
        right = recorded[start : start + HASH_BYTES]
        if project not in (None, row.project) or (not redacted and leaf_or_nothing(row) != right):
            words = f"the event @{position} is not what was recorded"
            examined.findings.append(Finding(Verdict.ALTERED, position, 1, words))
            if len(examined.findings) >= FINDINGS_MAX:
                return examined
        examined.redacted += redacted
        examined.events += not redacted
        former = position
    return examined


def grow(frontier: Frontier, hashes: bytes, sizes: Iterable[int] = ()) -> dict[int, bytes]:
    """Add leaves; answers the roots that the tree had at those of the ``sizes`` that it passed on the way."""
    roots: dict[int, bytes] = {}
    wanted = set(sizes)
    start = 0
    while start < len(hashes):
        to_boundary = TILE_HASHES - frontier.size % TILE_HASHES
        tile = hashes[start : start + min(TILE_BYTES, to_boundary * HASH_BYTES)]
        passed = {size for size in wanted if frontier.size < size <= frontier.size + len(tile) // HASH_BYTES}
        if len(tile) == TILE_BYTES and not passed:
            frontier.add(perfect_root(tile), TILE_HEIGHT)
        else:
            for place in range(0, len(tile), HASH_BYTES):
                frontier.add(tile[place : place + HASH_BYTES])
                if frontier.size in passed:
                    roots[frontier.size] = frontier.root()
        start += len(tile)
    return roots


def _run(
    rows: Iterator[ReadRow],
    hashes: ReadHashes,
    position: int,
    last: int,
    examined: Examined,
    progress: Callable[[int], None],
) -> tuple[int, list[ReadRow] | None]:
    """Go on while everything is right; where it stopped, and the row that is wrong there (none where they ended)."""
    until = min(last, position + PROGRESS_EVENTS - 1)
    recorded = hashes(position, until)
    start, redacted_before = 0, examined.redacted
    begin = position
    for row, redacted in islice(rows, until - position + 1):
        if row.position != position or (not redacted and leaf_or_nothing(row) != recorded[start : start + HASH_BYTES]):
            examined.events += position - begin - (examined.redacted - redacted_before)
            return position, [ReadRow(row, redacted)]
        examined.redacted += redacted
        start += HASH_BYTES
        position += 1
    examined.events += position - begin - (examined.redacted - redacted_before)
    progress(position - 1)
    return position, None if position > until else []


def leaf_or_nothing(row: LogRow) -> bytes:
    """The leaf, or none where a column is not even of its type."""
    try:
        return leaf_hash(row)
    except (struct.error, AttributeError, TypeError, ValueError):
        return b""


def _classified(position: int, window: list[ReadRow], leaves: dict[int, bytes], last: int) -> Finding:
    sound = [one.row for one in window if leaf_or_nothing(one.row)]
    if len(sound) != len(window) and window and not leaf_or_nothing(window[0].row):
        return Finding(Verdict.ALTERED, position, 1, f"the event @{position} cannot be read")
    return classified(position, sound, leaves, last)
