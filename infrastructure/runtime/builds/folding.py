"""Folds pages of the log in a process of its own, on another core: it has no store, and asks for the rows it lacks."""

import os
from collections.abc import Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any, Final, NamedTuple

from domain.catalogue import REGISTRY
from infrastructure.log.mapper import recorded
from infrastructure.log.port import LogRow
from infrastructure.rows.fingerprint import fingerprint
from infrastructure.rows.generations import Generation
from infrastructure.rows.port import Change, Parked
from infrastructure.runtime.interpreter import tune
from infrastructure.runtime.projector_decode import Decoder
from infrastructure.runtime.projector_fold import Folder
from projections.catalogue import PROJECTIONS, AnyProjection
from projections.kernel.rows import Row, Versioned

NICENESS: Final = 5
"""Whoever answers commands comes first."""
Cells = tuple[Any, ...]


class Filling(NamedTuple):
    """A generation as it stands before the first page."""

    projection: str
    fingerprint: str
    """Of the code of whoever asks: a program that was replaced on the disk meanwhile folds otherwise."""
    number: int
    checkpoint: int
    parked: tuple[Parked, ...]


class Begin(NamedTuple):
    """Forget what was folded before; answered by Ready or Unable."""

    fillings: tuple[Filling, ...]


class Page(NamedTuple):
    """Rows of the log, in order, each as a tuple; answered by Folded or Unable, and Wanted before."""

    rows: tuple[Cells, ...]


class Known(NamedTuple):
    """The live rows that were wanted; answers Wanted."""

    rows: tuple[Cells, ...]


class Ready(NamedTuple):
    """Pages can come."""


class Wanted(NamedTuple):
    """The live rows of one projection with these keys have to be known."""

    projection: str
    keys: tuple[str, ...]


class Folded(NamedTuple):
    """What a page does, up to ``end``: (closed, versions as since, until and row) of each generation, in order."""

    end: int
    changes: tuple[tuple[tuple[tuple[str, int], ...], tuple[tuple[int, int | None, Cells], ...]], ...]


class Unable(NamedTuple):
    """Something out of the ordinary: an event that cannot be read or folded, or other code. Begin again behind it."""


def work(connection: Connection) -> None:
    """The entry of the process."""
    os.nice(NICENESS)
    tune()
    serve(connection)


def serve(connection: Connection) -> None:
    """Tell that it is there, then answer until whoever asks is gone."""
    bench = _Bench(connection)
    with suppress(EOFError, OSError):
        connection.send(Ready())
        while True:
            asked = connection.recv()
            connection.send(bench.begin(asked) if isinstance(asked, Begin) else bench.fold(asked))


class _Bench:
    """The folders at work, which take the process at the other end for their store."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._known = {projection.name: (projection, fingerprint(projection)) for projection in PROJECTIONS}
        self._parked: dict[str, tuple[Parked, ...]] = {}
        self._folders: list[Folder] = []
        self._decoder = Decoder(_decode, ())

    def begin(self, asked: Begin) -> Ready | Unable:
        self._parked = {one.projection: one.parked for one in asked.fillings}
        chosen: list[AnyProjection] = []
        self._folders = []
        for one in asked.fillings:
            projection, code = self._known.get(one.projection, (None, ""))
            if projection is None or code != one.fingerprint:
                return Unable()
            generation = Generation(projection, one.number, one.fingerprint, "building", one.checkpoint)
            self._folders.append(Folder(self, generation))
            chosen.append(projection)
        self._decoder = Decoder(_decode, chosen)
        return Ready()

    def fold(self, asked: Page) -> Folded | Unable:
        try:
            events, end, plain = self._decoder.decoded([LogRow(*cells) for cells in asked.rows], _rest)
            changes = [folder.fold(events, end, _rest, plain=plain) for folder in self._folders]
        except (EOFError, OSError):
            raise
        except Exception:  # whoever asked meets it again, and says what it is
            return Unable()
        if any(change.parked or folder.halting for folder, change in zip(self._folders, changes, strict=True)):
            return Unable()
        for folder, change in zip(self._folders, changes, strict=True):
            folder.accept(change)
        return Folded(end, tuple((tuple(change.closed), _plain(change)) for change in changes))

    def parked(self, generation: Generation) -> tuple[Parked, ...]:
        return self._parked[generation.projection.name]

    def rows(self, generation: Generation, keys: Sequence[str]) -> dict[str, Any]:
        self._connection.send(Wanted(generation.projection.name, tuple(keys)))
        row: type[Row] = generation.projection.row
        found = [row(*cells) for cells in self._connection.recv().rows]
        return {one.key: one for one in found}


def changes_of(folded: Folded, generations: Sequence[Generation], parked: Sequence[int]) -> list[Change]:
    """What was folded as it is written; ``parked`` streams stand still in each of the generations."""
    changes: list[Change] = []
    for (closed, versions), generation, still in zip(folded.changes, generations, parked, strict=True):
        row: Any = generation.projection.row
        arisen = [Versioned(row(*cells), since, until) for since, until, cells in versions]
        changes.append(Change(generation, folded.end, list(closed), arisen, parked_before=still))
    return changes


def _plain(change: Change) -> tuple[tuple[int, int | None, Cells], ...]:
    # Tuples of plain values are sent in a third of the time of rows.
    return tuple((since, until, tuple(row)) for row, since, until in change.versions)


def _decode(row: LogRow) -> Any:
    return recorded(row, REGISTRY)


def _rest() -> None:
    """Nobody else has this interpreter."""
