"""Streams that stand still in a projection: folded again from the event that did it, or from behind it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from domain.kernel.errors import Rejection
from infrastructure.log.port import Log, LogRow
from infrastructure.rows.builds import Skip
from infrastructure.rows.generations import Generation
from infrastructure.rows.port import Change, Parked, RowStore, RowsUnavailable
from infrastructure.runtime.builds.errors import StillPoisoned, StreamNotParked
from infrastructure.runtime.projector_decode import Decode
from infrastructure.runtime.projector_fold import ERROR_LENGTH_MAX, Folder

ATTEMPTS_MAX: Final = 100
"""How often a running projector may be faster."""
PAGE_EVENTS: Final = 1_000


class ParkedStreams:
    """Retries and skips; safe beside running projectors, since the number of parked streams fences their writes."""

    def __init__(self, log: Log, store: RowStore, decode: Decode) -> None:
        self._log = log
        self._store = store
        self._decode = decode

    def standing(self, live: Generation) -> tuple[Parked, ...]:
        """Streams that stand still, or the one event in front of which all of it does."""
        parked = self._store.parked(live)
        if live.projection.on_poison == "park_stream":
            return parked
        halted = self._halted(live)
        return parked if halted is None else (*parked, halted)

    def retry(self, live: Generation, stream: str) -> Rejection | None:
        """Fold the stream from the event that did it. None where it goes on. Raises RowsUnavailable."""
        return self._release(live, stream, lambda _parked: None)

    def skip(self, live: Generation, stream: str, *, reason: str, by: str, at: int) -> Rejection | None:
        """Fold the stream without that event. None where it goes on. Raises RowsUnavailable."""
        return self._release(live, stream, lambda parked: Skip(stream, parked.position, reason, by, at))

    def _release(self, live: Generation, stream: str, skipping: Callable[[Parked], Skip | None]) -> Rejection | None:
        for _ in range(ATTEMPTS_MAX):
            now = self._store.current(live)
            if now is None or now.state != "live":
                break
            now = replace(now, projection=live.projection)
            parked = next((one for one in self.standing(now) if one.stream == stream), None)
            if parked is None:
                return StreamNotParked(projection=now.projection.name, stream=stream)
            skip = skipping(parked)
            change = (
                self._folded(now, parked, skip) if parked.position <= now.checkpoint else _beyond(now, parked, skip)
            )
            if isinstance(change, Rejection):
                return change
            if self._store.write([change]):
                return None
        raise RowsUnavailable(f"{live.projection.name} moves too fast, or another generation is live by now")

    def _folded(self, live: Generation, parked: Parked, skip: Skip | None) -> Change | Rejection:
        """What the stream's events up to the checkpoint make of its rows; the checkpoint stays where it is."""
        folder = Folder(self._store, live)
        parked_before = len(folder.parked)
        folder.parked.discard(parked.stream)
        rows = [
            row
            for row in self._rows_of(parked.stream, live.checkpoint)
            if row.position > parked.position or (row.position == parked.position and skip is None)
        ]
        try:
            events = [self._decode(row) for row in rows]
        except Exception as problem:
            return _still(live, parked, problem)
        change = folder.fold(events, live.checkpoint, lambda: None)
        if change.parked or folder.halting is not None:
            again = folder.halting or change.parked[0]
            return StillPoisoned(
                projection=live.projection.name, stream=again.stream, position=again.position, error=again.error
            )
        change.parked_before = parked_before
        change.released.append(parked.stream)
        if skip is not None:
            change.skipped.append(skip)
        return change

    def _halted(self, live: Generation) -> Parked | None:
        """The next event, if it cannot be folded."""
        rows = self._log.page(after=live.checkpoint, limit=1)
        folder = Folder(self._store, live)
        if not rows or not folder.handles(rows[0].type):
            return None
        row = rows[0]
        try:
            event = self._decode(row)
        except Exception as problem:
            return Parked(row.stream, row.position, row.type, _words(problem))
        folder.fold([event], row.position, lambda: None)
        return folder.halting

    def _rows_of(self, stream: str, until: int) -> list[LogRow]:
        found: list[LogRow] = []
        version = -1
        while True:
            page = list(self._log.events_of(stream, after=version, limit=PAGE_EVENTS))
            found += [row for row in page if row.position <= until]
            if not page or page[-1].position > until:
                return found
            version = page[-1].version


def _beyond(live: Generation, halted: Parked, skip: Skip | None) -> Change | Rejection:
    """All of it goes on behind the event in front of which it stands still."""
    if skip is None:
        return StillPoisoned(
            projection=live.projection.name, stream=halted.stream, position=halted.position, error=halted.error
        )
    return Change(live, halted.position, skipped=[skip])


def _still(live: Generation, parked: Parked, problem: Exception) -> StillPoisoned:
    return StillPoisoned(
        projection=live.projection.name, stream=parked.stream, position=parked.position, error=_words(problem)
    )


def _words(problem: Exception) -> str:
    return f"{type(problem).__name__}: {problem}"[:ERROR_LENGTH_MAX]
