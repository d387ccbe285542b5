"""Folds pages of the log in a process of its own, on another core: it has no store, and asks for the rows it lacks."""

import gc
import marshal
import os
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from queue import SimpleQueue
from threading import Thread
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
    """Rows of the log, in order, each as a tuple, packed; answered by Folded or Unable, and Wanted before."""

    rows: bytes


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
    """What a page does, up to ``end``."""

    end: int
    changes: bytes
    """(closed, versions as cells, since and until) of each generation, in order, packed."""


class Unable(NamedTuple):
    """Something out of the ordinary: an event that cannot be read or folded, or other code. Begin again behind it."""


def work(connection: Connection) -> None:
    """The entry of the process."""
    os.nice(NICENESS)
    tune()
    serve(connection)


def packed(value: list[Any]) -> bytes:
    """Lists and tuples of plain values as bytes for a process of the same interpreter, in half of the time of pickle.

    Raises ValueError for anything else.
    """
    return marshal.dumps(value)


def unpacked(value: bytes) -> Any:
    """What was packed."""
    return marshal.loads(value)


def serve(connection: Connection) -> None:
    """Tell that it is there, then answer until whoever asks is gone."""
    asked = _Asked(connection)
    bench = _Bench(connection, asked)
    with suppress(EOFError, OSError):
        connection.send(Ready())
        while True:
            message = asked.next()
            connection.send(bench.begin(message) if isinstance(message, Begin) else bench.fold(message))


class _Asked:
    """What was asked and not answered yet. It is taken in at once, so that who asks for a page ahead never waits with
    sending it for one who waits with sending an answer."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._arrived: SimpleQueue[Any] = SimpleQueue()
        self._aside: deque[Any] = deque()
        Thread(target=self._receive, name="asked", daemon=True).start()

    def next(self) -> Any:
        """What was asked next. Raises EOFError where nobody asks any more."""
        return self._aside.popleft() if self._aside else self._take()

    def known(self) -> Known:
        """The answer to what is wanted, before all that was asked ahead. Raises EOFError."""
        while not isinstance(message := self._take(), Known):
            self._aside.append(message)
        return message

    def _take(self) -> Any:
        message = self._arrived.get()
        if message is None:
            self._arrived.put(None)
            raise EOFError
        return message

    def _receive(self) -> None:
        with suppress(EOFError, OSError):
            while True:
                self._arrived.put(self._connection.recv())
        self._arrived.put(None)


class _Bench:
    """The folders at work, which take the process at the other end for their store."""

    def __init__(self, connection: Connection, asked: _Asked) -> None:
        self._connection = connection
        self._asked = asked
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
        # A page goes as a whole when it is folded: to look through what is young meanwhile finds nothing.
        gc.disable()
        try:
            return self._fold([LogRow(*cells) for cells in unpacked(asked.rows)])
        except (EOFError, OSError):
            raise
        except Exception:  # whoever asked meets it again, and says what it is
            return Unable()
        finally:
            gc.enable()

    def _fold(self, rows: list[LogRow]) -> Folded | Unable:
        events, end, plain = self._decoder.decoded(rows, _rest)
        changes = [folder.fold(events, end, _rest, plain=plain) for folder in self._folders]
        if any(change.parked or folder.halting for folder, change in zip(self._folders, changes, strict=True)):
            return Unable()
        answer = Folded(end, packed([(change.closed, _plain(change)) for change in changes]))
        for folder, change in zip(self._folders, changes, strict=True):
            folder.accept(change)
        return answer

    def parked(self, generation: Generation) -> tuple[Parked, ...]:
        return self._parked[generation.projection.name]

    def rows(self, generation: Generation, keys: Sequence[str]) -> dict[str, Any]:
        self._connection.send(Wanted(generation.projection.name, tuple(keys)))
        row: type[Row] = generation.projection.row
        found = [row(*cells) for cells in self._asked.known().rows]
        return {one.key: one for one in found}


def changes_of(folded: Folded, generations: Sequence[Generation], parked: Sequence[int]) -> list[Change]:
    """What was folded as it is written; ``parked`` streams stand still in each of the generations."""
    changes: list[Change] = []
    for (closed, versions), generation, still in zip(unpacked(folded.changes), generations, parked, strict=True):
        row: Any = generation.projection.row
        made = row._make
        arisen = [Versioned(made(cells), since, until) for cells, since, until in versions]
        changes.append(Change(generation, folded.end, closed, arisen, parked_before=still))
    return changes


def _plain(change: Change) -> list[tuple[Cells, int, int | None]]:
    return [(tuple(row), since, until) for row, since, until in change.versions]


def _decode(row: LogRow) -> Any:
    return recorded(row, REGISTRY)


def _rest() -> None:
    """Nobody else has this interpreter."""
