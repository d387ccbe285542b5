"""Fills generations by two processes: another one folds a page while this one writes the page before it."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from multiprocessing import get_context
from multiprocessing.connection import Connection
from socket import SO_RCVTIMEO, SO_SNDTIMEO, SOL_SOCKET, socket
from struct import pack
from typing import Any, Final, NamedTuple

from infrastructure.bundle.judging import interrupts_for_this_one
from infrastructure.log.port import LogRow
from infrastructure.rows.fingerprint import fingerprint
from infrastructure.rows.generations import Generation
from infrastructure.rows.port import RowRefused, RowStore
from infrastructure.runtime.builds.folding import (
    Begin,
    Filling,
    Folded,
    Known,
    Page,
    Ready,
    Wanted,
    changes_of,
    work,
)

LOOK_SECONDS: Final = 0.5
SILENT_SECONDS_MAX: Final = 60.0
"""A process that answers nothing for so long, stopped or swapped out, is given up."""
END_SECONDS: Final = 5.0


class HelperGone(Exception):
    """Control flow: the other process ended, or answers no more; everything can be done without it."""


class LeftOff(Exception):
    """Control flow: nothing more is to be done here for now."""


def begin_helper() -> "Helper":
    """Another process that begins at once, and ends with this one however that ends. Raises OSError."""
    # A fresh interpreter: this one has threads, of which a forked one would know nothing.
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=work, args=(theirs,), name="signalbox-fold", daemon=True)
    with interrupts_for_this_one():
        process.start()
    theirs.close()  # so that the end of the process is the end of what can be received

    def end() -> None:
        process.kill()
        process.join(END_SECONDS)

    return Helper(ours, end)


class Helper:
    """One who folds at the other end of a connection, which is a pair of sockets."""

    def __init__(self, connection: Connection, end: Callable[[], None]) -> None:
        _bound(connection)
        self._connection = connection
        self._end = end
        self._is_there = False

    def is_there(self) -> bool:
        """Whether it has begun, which takes seconds. Raises HelperGone."""
        try:
            if not self._is_there and self._connection.poll():
                self._connection.recv()
                self._is_there = True
        except (EOFError, OSError) as problem:
            raise HelperGone from problem
        return self._is_there

    def ask(self, message: Begin | Page | Known) -> None:
        """Raises HelperGone."""
        try:
            self._connection.send(message)
        except OSError as problem:
            raise HelperGone from problem

    def answer(self, go_on: Callable[[], bool]) -> Any:
        """The next message. Raises HelperGone, LeftOff."""
        silent_seconds = 0.0
        while not self._connection.poll(LOOK_SECONDS):
            silent_seconds += LOOK_SECONDS
            if not go_on():
                raise LeftOff
            if silent_seconds >= SILENT_SECONDS_MAX:
                raise HelperGone
        try:
            return self._connection.recv()
        except (EOFError, OSError) as problem:
            raise HelperGone from problem

    def close(self) -> None:
        """End it, whatever it does; repeating it changes nothing."""
        self._connection.close()
        self._end()


def _bound(connection: Connection) -> None:
    """Whoever is stopped in the middle of a message holds nobody up: a page is more than fits between the two."""
    bound = pack("ll", int(SILENT_SECONDS_MAX), int(SILENT_SECONDS_MAX % 1 * 1_000_000))
    with socket(fileno=os.dup(connection.fileno())) as end:
        end.setsockopt(SOL_SOCKET, SO_SNDTIMEO, bound)
        end.setsockopt(SOL_SOCKET, SO_RCVTIMEO, bound)


class Moved(Exception):
    """Control flow: somebody else fills the same generations, or they were retired."""


class Flight(NamedTuple):
    """A page that is being written."""

    written: Future[bool]
    end: int


class HelpedFill:
    """One stretch of the log into generations that share a checkpoint. Used by one thread."""

    def __init__(
        self, helper: Helper, store: RowStore, generations: Sequence[Generation], go_on: Callable[[], bool]
    ) -> None:
        self._helper = helper
        self._store = store
        self._go_on = go_on
        self._parked = [store.parked(generation) for generation in generations]
        self.generations: list[Generation] = list(generations)
        """As they are stored."""

    def run(self, page: Callable[[int], list[LogRow]], goal: int, breathe: Callable[[], None]) -> bool:
        """Go on to ``goal``; ``page`` reads what follows a position, nothing behind the last that is wanted.

        False where this process has to look at the next page itself. Raises HelperGone, LeftOff, Moved, and what
        reading and writing raise: what is stored is whole then, and the helper of no further use.
        """
        if not self._begin():
            return False
        with ThreadPoolExecutor(1, thread_name_prefix="builds-write") as writer:
            try:
                return self._pages(writer, page, goal, breathe)
            except RowRefused:
                return False  # nothing of the page was written, and no other page was asked for

    def _begin(self) -> bool:
        fillings = tuple(
            Filling(one.projection.name, fingerprint(one.projection), one.number, one.checkpoint, parked)
            for one, parked in zip(self.generations, self._parked, strict=True)
        )
        self._helper.ask(Begin(fillings))
        return isinstance(self._helper.answer(self._go_on), Ready)

    def _pages(
        self, writer: ThreadPoolExecutor, page: Callable[[int], list[LogRow]], goal: int, breathe: Callable[[], None]
    ) -> bool:
        folding = self._send(page(self.generations[0].checkpoint))
        flight: Flight | None = None
        while folding:
            end = folding[-1].position
            # Read while it folds. What the former page wrote is stored before the next is asked for, so that every row
            # that may be wanted is there; what the page in hand writes the other process still remembers.
            rows = page(end) if end < goal else []
            folded = self._answer()
            self._land(flight)
            flight = None
            if folded is None:
                return False
            breathe()
            more = folded.end == end and self._go_on()
            folding = self._send(rows if more else [])
            changes = changes_of(folded, self.generations, [len(parked) for parked in self._parked])
            flight = Flight(writer.submit(self._store.write, changes), folded.end)
            breathe()
            if folded.end != end:
                self._land(flight)
                return False  # the event behind it cannot be read
        self._land(flight)
        return True

    def _send(self, rows: list[LogRow]) -> list[LogRow]:
        if rows:
            self._helper.ask(Page(tuple(tuple(row) for row in rows)))
        return rows

    def _answer(self) -> Folded | None:
        while isinstance(answer := self._helper.answer(self._go_on), Wanted):
            named = next(one for one in self.generations if one.projection.name == answer.projection)
            found = self._store.rows(named, answer.keys)
            self._helper.ask(Known(tuple(tuple(row) for row in found.values())))
        return answer if isinstance(answer, Folded) else None

    def _land(self, flight: Flight | None) -> None:
        """What was being written is stored, and the generations are there. Raises Moved, RowRefused."""
        if flight is not None:
            if not flight.written.result():
                raise Moved
            self.generations = [one.at(flight.end) for one in self.generations]
