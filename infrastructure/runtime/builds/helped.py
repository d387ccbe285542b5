"""Fills generations by two processes: another one folds a page while this one writes the page before it."""

import os
from collections import deque
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
    packed,
    work,
)

LOOK_SECONDS: Final = 0.5
SILENT_SECONDS_MAX: Final = 60.0
"""A process that answers nothing for so long, stopped or swapped out, is given up."""
END_SECONDS: Final = 5.0
PAGES_AHEAD: Final = 2
"""Pages that were asked for at once: whoever has folded one has the next at hand."""


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
        self._asked: deque[int] = deque()
        """Ends of the pages that were asked for and not answered yet."""
        self._flight: Flight | None = None
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
                done = self._pages(writer, page, goal, breathe)
                self._land()
            except RowRefused:
                done = False  # nothing of the page was written, nor of those behind it
        self._forget()
        return done

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
        after = self.generations[0].checkpoint
        while True:
            while len(self._asked) < PAGES_AHEAD and after < goal and (rows := page(after)):
                self._helper.ask(Page(packed([tuple(row) for row in rows])))
                after = rows[-1].position
                self._asked.append(after)
            if not self._asked:
                return True
            folded = self._answer()
            end = self._asked.popleft()
            self._land()
            if folded is None:
                return False
            breathe()
            changes = changes_of(folded, self.generations, [len(parked) for parked in self._parked])
            self._flight = Flight(writer.submit(self._store.write, changes), folded.end)
            breathe()
            if folded.end != end:
                return False  # the event behind it cannot be read
            if not self._go_on():
                return True

    def _answer(self) -> Folded | None:
        while isinstance(answer := self._helper.answer(self._go_on), Wanted):
            named = next(one for one in self.generations if one.projection.name == answer.projection)
            found: dict[str, Any] = {}
            try:
                # What the pages before did is stored before it is asked.
                self._land()
                found = self._store.rows(named, answer.keys)
            finally:  # it waits for this, also where nothing comes of the page
                self._helper.ask(Known(tuple(tuple(row) for row in found.values())))
        return answer if isinstance(answer, Folded) else None

    def _land(self) -> None:
        """What was being written is stored, and the generations are there. Raises Moved, RowRefused."""
        flight, self._flight = self._flight, None
        if flight is not None:
            if not flight.written.result():
                raise Moved
            self.generations = [one.at(flight.end) for one in self.generations]

    def _forget(self) -> None:
        """Pages that were asked for are answered, so that another stretch can be begun with the same helper."""
        while self._asked:
            if isinstance(self._helper.answer(self._go_on), Wanted):
                self._helper.ask(Known(()))
            else:
                self._asked.popleft()
