"""Carries out what the log says of erasures: destroys keys, and what was kept of a subject's words beside the log."""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson
import structlog

from domain.kernel.decider import Recorded
from domain.kernel.erasure_events import SubjectErased
from domain.kernel.ids import StreamId
from domain.kernel.sealing import Sealing
from domain.refusal.events import CommandRefused
from infrastructure.erasure.envelope import subject_of
from infrastructure.erasure.keys import OwnedKeys
from infrastructure.erasure.port import SeedStore
from infrastructure.erasure.refold import refolded
from infrastructure.erasure.subjects import asked_as, erased, other_streams
from infrastructure.log.archived import EventsArchived
from infrastructure.log.port import Log, LogRow, Receipt
from infrastructure.rows.builds import Listed
from infrastructure.rows.generations import Generation
from infrastructure.rows.port import Rewriting, RowStore
from infrastructure.runtime.outcome import refused
from infrastructure.runtime.settle import Place
from projections.catalogue import PROJECTIONS, AnyProjection

LOOK_SECONDS: Final = 30.0
"""How long an erasure that another node was asked for may go unnoticed here."""
AGAIN_SECONDS: Final = 0.25
"""Between two looks whether the rows have come so far."""
_logger = structlog.get_logger("signalbox.erasure")


@dataclass(frozen=True, slots=True)
class Around:
    """What an eraser works on."""

    log: Log
    """As those see it who may read its words."""
    rows: RowStore
    keys: OwnedKeys
    seeds: SeedStore
    sealings: Mapping[str, Sealing]
    decode: Callable[[LogRow], Recorded]


class Eraser:
    """``start`` and ``stop`` once; everything else from any thread. Each step may be repeated, by any node."""

    def __init__(self, around: Around) -> None:
        self._around: Final = around
        self._wake = threading.Event()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="eraser", daemon=True)
        self._forget: Callable[[], None] = lambda: None
        self._carried_out = self._forgotten = around.seeds.done()
        self._orders = 0
        """Erasures that were decided here, to tell whether one came during a round."""
        self._silent = 0
        """Position of the erasure whose receipts and snapshots are done, while its rows are waited for."""
        self._ahead: Final[set[int]] = set()
        """Positions of erasures that are carried out while one before them waits for a bundle."""
        self.pending = ""
        """The erasure that is under way, and why it is not over; empty where none is."""

    def start(self, forget: Callable[[], None]) -> None:
        """Catch up with the log, then follow it. ``forget`` is told when what is in memory may hold erased words.

        What a former process left to be done is pending when it returns. Raises StoreUnavailable.
        """
        self._forget = forget
        for row in self._around.log.erasures(after=self._carried_out)[:1]:
            self.pending = f"{row.stream} at @{row.position}: begins"
        self._thread.start()

    def stop(self, *, timeout_seconds: float = 10.0) -> None:
        """End after the step in hand."""
        self._stopping = True
        self._wake.set()
        if self._thread.ident is not None:
            self._thread.join(timeout_seconds)

    def restored(self, stream: StreamId, state: Any) -> None:
        """The log did not change."""

    def committed(self, places: Sequence[Place], position: int) -> None:
        """Some of it may be an erasure."""
        for stream, _, event, _ in places:
            if type(event) is SubjectErased:
                self._orders += 1
                self.pending = f"{stream} at @{position}: begins"
                self._wake.set()

    def round(self) -> bool:
        """Carry out what the log says; False where something is left to be done later. Raises StoreUnavailable.

        Also what another node has carried out: what is in the memory of this one only this one can forget, and until
        then it may have written some of it behind the other one: in a snapshot, or in rows that it built anew.
        Raises EventsArchived once all are carried out but those whose events lie in a bundle that is not here.
        """
        around, orders = self._around, self._orders
        rows = around.log.erasures(after=min(around.seeds.done(), self._carried_out))
        for row in rows:
            if row.position not in self._ahead:
                self._out_of_memory(row)
        lacking: EventsArchived | None = None
        for row in rows:
            try:
                if row.position not in self._ahead and not self._erased(row):
                    return False
            except EventsArchived as problem:  # nobody knows when it comes back, and the others need not wait for it
                lacking = lacking or problem
                continue
            if lacking is None:
                self._end(row)
            else:
                self._ahead.add(row.position)
        if lacking is not None:
            raise lacking
        if orders == self._orders:
            self.pending = ""
        return True

    def _end(self, row: LogRow) -> None:
        """It and all before it are carried out."""
        self._around.seeds.move_done(row.position)
        self._carried_out = row.position
        self._ahead.discard(row.position)
        _logger.info("the words of a subject were erased", subject=row.stream, position=row.position)

    def _run(self) -> None:
        while not self._stopping:
            self._wake.clear()
            try:
                seconds = LOOK_SECONDS if self.round() else AGAIN_SECONDS
            except Exception as problem:  # the thread must outlive whatever happens; health shows it
                words = f"{type(problem).__name__}: {problem}"
                if words not in self.pending:
                    _logger.warning("an erasure is not carried out yet", trouble=words)
                self.pending, seconds = words, 4 * AGAIN_SECONDS
            if not self._stopping:
                self._wake.wait(seconds)

    def _out_of_memory(self, row: LogRow) -> None:
        self._around.keys.destroy(row.stream)
        if self._forgotten < row.position:
            self._forget()
            self._forgotten = row.position

    def _erased(self, row: LogRow) -> bool:
        found = self._rows_about(row.stream, row.position)
        events = [self._around.decode(one) for one in found]
        if self._silent != row.position:
            self._forget_words(row, found, self._idle(row, events))
            # Whoever read a receipt or a kept state just before remembers it again: now nothing is left to be read.
            self._forget()
            self._silent = row.position
        level = [self._rewritten(projection, events, row) for projection in PROJECTIONS if projection.words]
        return all(level)

    def _rows_about(self, subject: str, position: int) -> list[LogRow]:
        """Every event that says something of the subject, read as it reads now."""
        log, sealings = self._around.log, self._around.sealings
        found = [one for one in log.events_of(subject) if one.position <= position]
        for stream in other_streams(subject, found):
            found += [one for one in log.events_of(stream) if subject_of(sealings, one) == subject]
        return sorted(found)

    def _forget_words(self, row: LogRow, found: Sequence[LogRow], idle: set[tuple[str, str]]) -> None:
        streams = sorted({one.stream for one in found})
        commands = {(one.command_id, one.actor or "") for one in found if one.command_id}
        outcome = refused(erased(row.stream))
        self._around.log.forget_words(streams, sorted((commands | idle) - _of(row)), outcome=outcome)

    def _idle(self, row: LogRow, events: Sequence[Recorded]) -> set[tuple[str, str]]:
        """Commands (id, principal) before the erasure that named the subject and changed nothing: repeats, mostly.

        No event leads to them, and their receipts say what was asked.
        """
        names = [orjson.dumps(name) for name in (row.stream, *asked_as(events))]
        before = (one for one in self._around.log.receipts_reading(row.stream) if one.position < row.position)
        named = (one for one in before if any(name in one.body for name in names))
        return {(one.command_id, one.principal) for one in named if not self._changed_something(one)}

    def _changed_something(self, receipt: Receipt) -> bool:
        last = next(iter(self._around.log.page(after=receipt.position - 1, limit=1)), None)
        return last is not None and last.command_id == receipt.command_id and last.type != CommandRefused.TYPE

    def _rewritten(self, projection: AnyProjection, events: Sequence[Recorded], row: LogRow) -> bool:
        """Whether every generation had come as far as the erasure, so that no words come into it any more."""
        rows, level = self._around.rows, True
        versions = refolded(projection, events)
        for listed in rows.generations(projection):
            generation = Generation(projection, listed.number, listed.fingerprint, listed.state, listed.checkpoint)
            if generation.table == listed.table:
                rows.rewrite(Rewriting(generation, row.position, versions))
            elif listed.state == "retired":
                rows.drop(projection, listed.number)
            if not _is_level(listed, row.position) or (generation.table != listed.table and listed.state != "retired"):
                self.pending = f"{row.stream} at @{row.position}: {projection.name} is at @{listed.checkpoint}"
                level = False
        return level


def _is_level(listed: Listed, position: int) -> bool:
    return listed.state == "retired" or listed.checkpoint >= position


def _of(row: LogRow) -> set[tuple[str, str]]:
    """The command that asked for it keeps its receipt: it repeats nothing, and says who wanted it."""
    return {(row.command_id or "", row.actor or "")}
