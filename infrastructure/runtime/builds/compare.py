"""Compares two generations of a projection version by version, as of one position that both have reached."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from infrastructure.rows.builds import Place, first_place
from infrastructure.rows.generations import Generation
from infrastructure.rows.port import RowStore
from projections.kernel.rows import Cell, Row, Versioned, columns_of, json_text

DIFFERENCES_MAX: Final = 10
"""Differences that are told one by one; the others are counted."""
CELL_CHARACTERS_MAX: Final = 200


@dataclass(frozen=True, slots=True)
class Unequal:
    """One cell that is not the same in both."""

    column: str
    live: Cell
    built: Cell


@dataclass(frozen=True, slots=True)
class Difference:
    """One version that is not the same in both."""

    key: str
    since: int
    cells: tuple[Unequal, ...]
    """Empty where one of them lacks the version."""
    lacking: str = ""
    """``live`` or ``built``, where one of them lacks it."""


@dataclass(slots=True)
class Comparison:
    """What two generations have in common."""

    position: int
    versions: int = 0
    """Versions of the built one."""
    live_hash: str = ""
    built_hash: str = ""
    """SHA-256 over the versions in order, each as JSON."""
    differing: int = 0
    differences: list[Difference] = field(default_factory=list[Difference])
    """The first of them."""

    @property
    def equal(self) -> bool:
        return self.live_hash == self.built_hash

    def add(self, difference: Difference) -> None:
        """Count it, and keep it where it is among the first."""
        self.differing += 1
        if len(self.differences) < DIFFERENCES_MAX:
            self.differences.append(difference)


def compare(store: RowStore, live: "Snapshot", built: Generation, breathe: Callable[[], None]) -> Comparison:
    """Walk both in order of their versions, as of the snapshot. Raises RowsUnavailable.

    The built one has reached it; where a projection keeps no past, it is exactly there.
    """
    found = Comparison(live.at)
    left = _Side(live.generation, live.versions(store, breathe))
    right = _Side(built, versions_of(store, built, live.at, breathe))
    while left.version is not None or right.version is not None:
        if right.version is None or (left.version is not None and left.place < right.place):
            found.add(_lacking(left.take(), "built"))
        elif left.version is None or right.place < left.place:
            found.add(_lacking(right.take(), "live"))
        else:
            one, other = left.take(), right.take()
            if one != other:
                found.add(_changed(live.generation, one, other))
    found.versions = right.total
    found.live_hash, found.built_hash = left.digest.hexdigest(), right.digest.hexdigest()
    return found


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The live generation as of one position."""

    generation: Generation
    at: int
    kept: tuple[Versioned[Any], ...] | None = None
    """What was read at once, where the past is not kept; it has to be small."""

    def versions(self, store: RowStore, breathe: Callable[[], None]) -> Iterator[Versioned[Any]]:
        """Its versions in order."""
        return versions_of(store, self.generation, self.at, breathe) if self.kept is None else iter(self.kept)


def snapshot(store: RowStore, live: Generation, at: int) -> Snapshot:
    """The live generation at ``at``; one that keeps no past as it is now, which is read at once."""
    if live.projection.keeps != "latest":
        return Snapshot(live, min(at, live.checkpoint))
    read = store.every_version(live)
    return Snapshot(live, read.checkpoint, read.versions)


class _Side:
    """One of the two, version by version."""

    def __init__(self, generation: Generation, versions: Iterator[Versioned[Any]]) -> None:
        self.digest = hashlib.sha256()
        self.total = 0
        self.place: Place = ("", 0)
        self.version: Versioned[Any] | None = None
        self._lines = generation.projection.keeps == "lines"
        self._versions = versions
        self._advance()

    def take(self) -> Versioned[Any]:
        """The version at hand; the next one takes its place."""
        taken = self.version
        if taken is None:
            raise StopIteration
        self.total += 1
        self.digest.update(json_text([taken.since, taken.until, *taken.row]).encode("utf-8", "replace") + b"\n")
        self._advance()
        return taken

    def _advance(self) -> None:
        self.version = next(self._versions, None)
        if self.version is not None:
            self.place = _place(self.version, self._lines)


def versions_of(
    store: RowStore, generation: Generation, at: int, breathe: Callable[[], None]
) -> Iterator[Versioned[Any]]:
    """What there was at a position, in order; what began later is left out, what ended later had not ended."""
    projection = generation.projection
    lines = projection.keeps == "lines"
    place = first_place(projection)
    while True:
        breathe()
        scanned = store.versions(generation, place)
        for version in scanned.versions:
            if version.since <= at:
                ends = version.until is not None and version.until <= at
                yield version if ends else version._replace(until=None)
        if not scanned.versions:
            return
        place = _place(scanned.versions[-1], lines)


def _place(version: Versioned[Any], lines: bool) -> Place:
    return (version.since, version.row.key) if lines else (version.row.key, version.since)


def _lacking(version: Versioned[Any], side: str) -> Difference:
    return Difference(version.row.key, version.since, (), side)


def _changed(generation: Generation, live: Versioned[Any], built: Versioned[Any]) -> Difference:
    row: type[Row] = generation.projection.row
    names = ["until", *(column.name for column in columns_of(row))]
    pairs = zip(names, (live.until, *live.row), (built.until, *built.row), strict=True)
    return Difference(
        live.row.key,
        live.since,
        tuple(Unequal(name, _short(one), _short(other)) for name, one, other in pairs if one != other),
    )


def _short(cell: Cell) -> Cell:
    return cell[:CELL_CHARACTERS_MAX] if isinstance(cell, str) else cell
