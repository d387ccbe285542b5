"""Compares what archived streams had come to, as the database keeps it, with what their events say."""

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, Final, NamedTuple

import orjson

from domain.catalogue import AGGREGATES
from domain.kernel.decider import Aggregate
from domain.kernel.ids import prefix
from domain.kernel.past.trees import differences, path_text
from infrastructure.archive.bare_fold import BareFold, BareFolds
from infrastructure.bundle.examination import FINDINGS_MAX
from infrastructure.bundle.rows import UNREADABLE, ReadRow
from infrastructure.erasure.base_words import subjects_of
from infrastructure.log.archived import BaseState
from infrastructure.log.erasures import ERASED_TYPE
from infrastructure.log.port import LogRow
from infrastructure.runtime.state_codec import freeze, shape_of, thaw
from infrastructure.sql import load
from projections.audit_ledger.verdicts import Finding, Verdict

_END: Final = 2**62
"""A position that no log comes to."""
ROUNDS_MAX: Final = 3
"""How often states that move on while they are compared are looked at again."""
_SQL: Final = load("sqlite/base_check.sql")
Bases = Callable[[], Iterator[BaseState]]
"""All base states as the database has them now, in the order of their streams."""
Behind = Callable[[int], Iterator[ReadRow]]
"""The events behind the boundary, up to a position."""


class Compared(NamedTuple):
    """What came of it."""

    states: int
    """States that are what a fold of their events says."""
    findings: list[Finding]


class BaseCheck:
    """Sees the events pass, and compares at the end. Its states lie in a private file, gone with the process.

    With ``folds`` the log is read from its first event on, and every state is compared. Without, the bundles are not at
    hand: then it is only told which states have to be there, and how far they must have come.
    """

    def __init__(self, boundary: int, *, folds: bool) -> None:
        self._boundary: Final = boundary
        self._folding: Final = folds
        self._file: Final = sqlite3.connect("")
        for name in ("create_folds", "create_needed", "create_begun"):
            self._file.execute(_SQL[name])
        self._folds: Final = BareFolds(self._keep, self._kept)
        self._erased: set[str] = set()
        self._equal = 0
        self._wordless: list[tuple[str, Finding]] = []
        self._unreadable: Counter[str] = Counter()

    def close(self) -> None:
        """The private file goes."""
        self._file.close()

    def of_log(self, rows: Iterator[ReadRow]) -> Iterator[ReadRow]:
        """The same rows, of the log in order; they are noted as they pass."""
        for one in rows:
            row = one.row
            if row.position != UNREADABLE:
                if row.type == ERASED_TYPE:
                    self._erased.add(row.stream)
                self._note(row)
            yield one

    def _note(self, row: LogRow) -> None:
        if self._folding:
            if row.position <= self._boundary:
                self._folds.add(row)
        elif row.position <= self._boundary:
            self._need(row.stream, row.version, row.position)
        elif self._file.execute(_SQL["begin"], (row.stream,)).rowcount and row.version > 1:
            self._need(row.stream, row.version - 1, row.position)

    def of_database(self, rows: Iterator[ReadRow]) -> Iterator[ReadRow]:
        """The same rows, of archived ranges, that the database itself keeps."""
        for one in rows:
            if one.row.position != UNREADABLE:
                self._need(one.row.stream, one.row.version, one.row.position)
            yield one

    def compared(self, bases: Bases, behind: Behind, *, whole: bool) -> Compared:
        """Where the log was read to its end without a finding, folds are compared; else what has to be there."""
        if not (self._folding and whole):
            return Compared(0, list(islice(self._missed(bases()), FINDINGS_MAX)))
        self._folds.flush()
        findings: list[Finding] = []
        only: dict[str, tuple[int, int]] | None = None
        for number in range(ROUNDS_MAX):
            moved: dict[str, tuple[int, int]] = {}
            end = self._boundary
            for stream, fold, base in _merged(self._all_folds(), bases()):
                if only is not None and stream not in only:
                    continue
                if base is not None and base.version > (fold.version if fold else 0) and number + 1 < ROUNDS_MAX:
                    # A range that is being archived has moved it on, unless somebody else did.
                    moved[stream], end = (fold.version if fold else 0, base.version), max(end, base.position)
                elif (finding := self._judged(fold, base)) and len(findings) < FINDINGS_MAX:
                    findings.append(finding)
            if not moved:
                break
            self._go_on(moved, behind(end))
            only = moved
        findings += self._without_words(behind)
        findings.sort(key=lambda one: one.position)
        return Compared(self._equal, [*findings, *self._left_out()])

    def _go_on(self, moved: dict[str, tuple[int, int]], rows: Iterator[ReadRow]) -> None:
        for one in rows:
            begun, goal = moved.get(one.row.stream, (0, 0))
            if begun < one.row.version <= goal:
                self._folds.add(one.row)
        self._folds.flush()

    def _judged(self, fold: BareFold | None, base: BaseState | None) -> Finding | None:
        if base is None or fold is None:
            return _missing(fold) if fold else _unexplained(base) if base else None
        aggregate = AGGREGATES.get(prefix(base.stream))
        if fold.state is None or aggregate is None or base.kind != shape_of(aggregate):
            self._unreadable[base.kind] += 1
            return None
        if (base.version, base.position) != (fold.version, fold.position):
            ends = f"{fold.version} (@{fold.position})"
            words = f"is kept as of @{base.position}, where its archived events end with {ends}"
            return _altered(base, fold.position, words)
        bare, subjects = self._folds.bare(fold.state)
        if trouble := _difference(aggregate, bare, base.state):
            return _altered(base, base.position, trouble)
        # Of several subjects the words may lie under one, so that only a single one can be asked for.
        if len(subjects) == 1 and not subjects & (self._erased | _subjects(base)):
            finding = _altered(base, base.position, "lacks the words that nobody erased")
            self._wordless.append((min(subjects), finding))
        else:
            self._equal += 1
        return None

    def _without_words(self, behind: Behind) -> list[Finding]:
        """States without words whose subject nobody erased, also not since the log was read."""
        for one in behind(_END) if self._wordless else ():
            if one.row.type == ERASED_TYPE:
                self._erased.add(one.row.stream)
        found = [finding for subject, finding in self._wordless if subject not in self._erased]
        self._equal += len(self._wordless) - len(found)
        return found[:FINDINGS_MAX]

    def _missed(self, bases: Iterator[BaseState]) -> Iterator[Finding]:
        rows = self._file.execute(_SQL["needed"])
        needed = (BareFold(stream, version, position, None) for stream, version, position in rows)
        for _, need, base in _merged(needed, bases):
            if need and base is None:
                yield _missing(need)
            elif need and base and base.version < need.version:
                words = f"is kept as of version {base.version}, where its events went on to {need.version}"
                yield _altered(base, need.position, words)

    def _left_out(self) -> Iterator[Finding]:
        for kind, states in sorted(self._unreadable.items()):
            words = f"{states} base states of the shape {kind} cannot be compared by this version of the program"
            yield Finding(Verdict.INCOMPLETE, 0, 0, words)

    def _need(self, stream: str, version: int, position: int) -> None:
        self._file.execute(_SQL["need"], (stream, version, position))

    def _keep(self, folds: list[BareFold]) -> None:
        self._file.executemany(_SQL["keep_fold"], folds)

    def _kept(self, stream: str) -> BareFold | None:
        row = self._file.execute(_SQL["fold"], (stream,)).fetchone()
        return None if row is None else BareFold(stream, *row)

    def _all_folds(self) -> Iterator[BareFold]:
        return (BareFold(*row) for row in self._file.execute(_SQL["folds"]))


def _merged(
    folds: Iterator[BareFold], bases: Iterator[BaseState]
) -> Iterator[tuple[str, BareFold | None, BaseState | None]]:
    """Both by stream; they come in the order of these."""
    fold, base = next(folds, None), next(bases, None)
    while fold is not None or base is not None:
        stream = min(one.stream for one in (fold, base) if one is not None)
        mine = fold if fold is not None and fold.stream == stream else None
        theirs = base if base is not None and base.stream == stream else None
        yield stream, mine, theirs
        fold = next(folds, None) if mine is not None else fold
        base = next(bases, None) if theirs is not None else base


def _missing(fold: BareFold) -> Finding:
    words = f"the base state of {fold.stream}@{fold.version}, from which its stream goes on, is not there"
    return Finding(Verdict.DELETED, fold.position, 0, words)


def _unexplained(base: BaseState) -> Finding:
    words = f"there is a base state of {base.stream}@{base.version}, of which no event is archived"
    return Finding(Verdict.INSERTED, base.position, 0, words)


def _altered(base: BaseState, position: int, trouble: str) -> Finding:
    return Finding(Verdict.ALTERED, position, 0, f"the base state of {base.stream}@{base.version} {trouble}")


def _difference(aggregate: Aggregate[Any], bare: bytes, state: bytes) -> str:
    """The first field that differs, empty where none does; both are without words of anybody.

    What is kept is read as whoever decides reads it: another version may have put fewer fields there, or more.
    """
    if bare == state:
        return ""
    try:
        said, kept = (orjson.loads(freeze(thaw(aggregate, text))) for text in (bare, state))
    except Exception:  # whatever stands there: no state can be made of it
        return "cannot be read"
    change = next(differences(said, kept), None)
    return "" if change is None else f"is not what its events come to: {path_text(change.path) or 'all of it'}"


def _subjects(base: BaseState) -> set[str]:
    try:
        return subjects_of(base.words)
    except (ValueError, KeyError, TypeError):
        return set()
