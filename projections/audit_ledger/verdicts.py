"""What was done to a log, told from its rows and from the leaves that were recorded: each tampering by its name."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from projections.audit_ledger.leaf import StoredRow, leaf_hash

WINDOW_ROWS: Final = 1_024
"""Rows that are looked at behind the first one that is wrong, to tell what happened."""
_NEIGHBOURS: Final = (0, 1, -1)


class Verdict(Enum):
    """How a log, or a copy of it, stands to what was signed."""

    INTACT = "intact"
    ALTERED = "altered"
    """A stored event is not what it was."""
    DELETED = "deleted"
    """Events are missing, and later ones are there."""
    INSERTED = "inserted"
    """Events are there that were not."""
    SWAPPED = "swapped"
    """Two events have changed places."""
    TRUNCATED = "truncated"
    """The last events are missing."""
    TAIL_REPLACED = "tail_replaced"
    """From some event on everything is another: cut off, and other events appended."""
    REHASHED = "rehashed"
    """Events and hashes fit each other, but not the root that was signed: the hashes were computed anew."""
    FORGED = "forged"
    """What should be signed is not, or by a key that is none of the ledger's."""
    INCOMPLETE = "incomplete"
    """Something that is needed for a verdict is missing or cannot be read."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong."""

    verdict: Verdict
    position: int
    """Of the first event concerned; 0 where it is about the whole."""
    events: int
    """How many events are concerned, as far as can be told."""
    words: str


def classified(position: int, rows: Sequence[StoredRow], leaves: Mapping[int, bytes], end: int) -> Finding:
    """What happened at ``position``, the first place where the rows are not what the leaves say.

    ``rows`` are those from that place on, as they follow each other; ``leaves`` the hashes that were recorded for
    positions from there on; ``end`` the last position that has a leaf. Both are a window of ``WINDOW_ROWS``.
    """
    if not rows or rows[0][0] > end:
        return _finding(Verdict.TRUNCATED, position, end - position + 1, "to the end")
    later = [place for place in leaves if place > position and _fits(rows[0], place, leaves)]
    swapped = next((place for place in later if _changed_places(position, place, rows, leaves)), 0)
    if swapped:
        return Finding(Verdict.SWAPPED, position, 2, f"the events @{position} and @{swapped} have changed places")
    if later:
        return _finding(Verdict.DELETED, position, min(later) - position, "and what follows is there")
    added = next((number for number, row in enumerate(rows) if number and _fits(row, position, leaves)), 0)
    if added:
        return _finding(Verdict.INSERTED, position, added, "before the event that belongs there")
    if len(rows) > 1 and not any(_fits(row, row[0], leaves) for row in rows[1:]):
        return _finding(Verdict.TAIL_REPLACED, position, end - position + 1, "to the end")
    return Finding(Verdict.ALTERED, position, 1, f"the event @{position} is not what was recorded")


def _changed_places(position: int, place: int, rows: Sequence[StoredRow], leaves: Mapping[int, bytes]) -> bool:
    other = place - position
    return other < len(rows) and _fits(rows[other], position, leaves)


def _fits(row: StoredRow, place: int, leaves: Mapping[int, bytes]) -> bool:
    """Whether the row belongs at a place, also where it or its stream was numbered anew."""
    leaf = leaves.get(place)
    return leaf is not None and any(leaf_hash((place, row[1], row[2] + step, *row[3:])) == leaf for step in _NEIGHBOURS)


def _finding(verdict: Verdict, position: int, events: int, rest: str) -> Finding:
    what = {
        Verdict.TRUNCATED: "missing",
        Verdict.DELETED: "missing",
        Verdict.INSERTED: "too many",
        Verdict.TAIL_REPLACED: "not those that were recorded",
    }[verdict]
    number = "1 event is" if events == 1 else f"{events} events are"
    return Finding(verdict, position, events, f"{number} {what} from @{position} on, {rest}")
