"""Folds a page of events into the change of one generation; keeps its live rows at hand."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any, Final, Protocol

from domain.kernel.decider import Recorded
from infrastructure.rows.generations import Generation
from infrastructure.rows.port import Change, Parked, RowStore
from projections.kernel.rows import Versioned

CACHED_ROWS_MAX: Final = 2_000
"""Live rows of one projection that stay in memory are at most twice this many."""
ATTEMPTS_MAX: Final = 3
"""How often an event is folded before it counts as poison."""
ERROR_LENGTH_MAX: Final = 500
SLICE_EVENTS: Final = 50
"""Events folded between two calls of ``breathe``: well under a millisecond and a half."""

_VERSION: Final[type[Versioned[Any]]] = Versioned
_made: Final[Callable[[type[Versioned[Any]], tuple[Any, ...]], Versioned[Any]]] = tuple[Any, ...].__new__
"""What making a named tuple comes to, in half of the time: some arise with each event."""
Touched = list[tuple[Recorded, tuple[str, ...]]]


class LiveRows(Protocol):
    """What a folder asks of a store."""

    def rows(self, generation: Generation, keys: Sequence[str]) -> dict[str, Any]: ...

    def parked(self, generation: Generation) -> tuple[Parked, ...]: ...


class _Poison(Exception):
    """One event cannot be folded, however often it is tried."""

    def __init__(self, problem: Exception) -> None:
        super().__init__(f"{type(problem).__name__}: {problem}"[:ERROR_LENGTH_MAX])


class Folder:
    """One projection's place in the log. Used by one thread."""

    def __init__(self, store: LiveRows, generation: Generation) -> None:
        self._store = store
        self.generation = generation
        self.halted: Parked | None = None
        """The event in front of which the whole projection stands still."""
        self.halting: Parked | None = None
        """The same, as the change in hand would have it."""
        self._stems = {event.TYPE.rpartition(".v")[0] for event in generation.projection.handles}
        self.parked = {parked.stream for parked in store.parked(generation)}
        self._evolve: Callable[[Any, Recorded, str], Any] = generation.projection.step
        self._stopped: set[str] = set()
        """Streams that stand still since an event of the page in hand."""
        self._after: dict[str, Any] = {}
        self._young: dict[str, Any] = {}
        self._old: dict[str, Any] = {}

    def fold(self, events: Sequence[Recorded], end: int, breathe: Callable[[], None], *, plain: bool = False) -> Change:
        """What the events do, up to position ``end``. It counts once it was accepted.

        ``plain``: it is known that no text in them holds what a store cannot.
        """
        projection = self.generation.projection
        self._evolve = projection.evolve if plain else projection.step
        self.halting, self._stopped = None, set()
        change = Change(self.generation, end, parked_before=len(self.parked))
        touched = self._touched(events, change)
        if projection.keeps == "lines":
            self._fold_lines(touched, change, breathe)
        else:
            self._after = self._load(touched)
            self._fold_rows(touched, self._after, change, breathe)
        return change

    def park(self, stream: str, position: int, name: str, problem: Exception) -> Change:
        """The change that sets one event aside which cannot be read, or whose row cannot be stored."""
        self.halting, self._after = None, {}
        change = Change(self.generation, position, parked_before=len(self.parked))
        self._set_aside(Parked(stream, position, name, str(_Poison(problem))), change)
        return change

    def handles(self, name: str) -> bool:
        """Whether a stored name, of any version, is one of the projection's events."""
        return name.rpartition(".v")[0] in self._stems

    def accept(self, change: Change) -> None:
        """The change was written."""
        self.generation = self.generation.at(change.checkpoint)
        self.halted = self.halting
        self.parked.update(parked.stream for parked in change.parked)
        self._young.update(self._after)
        self._after = {}
        if len(self._young) > CACHED_ROWS_MAX:
            self._old, self._young = self._young, {}

    def _touched(self, events: Sequence[Recorded], change: Change) -> Touched:
        projection = self.generation.projection
        handles, keys = projection.handles, projection.touched
        handled = [recorded for recorded in events if type(recorded.event) in handles]
        if not self.parked:
            with suppress(Exception):  # whose keys these are is found one by one
                return [(recorded, keys(recorded)) for recorded in handled]
        touched: Touched = []
        stopped = set(self.parked)
        for recorded in handled:
            if recorded.stream in stopped:
                continue
            try:
                touched.append((recorded, keys(recorded)))
            except Exception as problem:
                stopped.add(recorded.stream)
                self._poisoned(recorded, _Poison(problem), change)
                if self.halting:
                    break
        return touched

    def _load(self, touched: Touched) -> dict[str, Any]:
        """Rows as they are before the page: from memory, else from the store, None where there is none."""
        begins, young, old = self.generation.projection.begins, self._young, self._old
        rows: dict[str, Any] = {}
        missing: dict[str, None] = {}
        for recorded, keys in touched:
            for key in keys:
                if key in rows or key in missing:
                    continue
                if key in young:
                    rows[key] = young[key]
                elif key in old:
                    rows[key] = old[key]
                elif type(recorded.event) in begins:
                    rows[key] = None
                else:
                    missing[key] = None
        if missing:
            found = self._store.rows(self.generation, tuple(missing))
            rows.update((key, found.get(key)) for key in missing)
        return rows

    def _fold_rows(self, touched: Touched, rows: dict[str, Any], change: Change, breathe: Callable[[], None]) -> None:
        evolve, every_version = self._evolve, self.generation.projection.keeps == "versions"
        opened: dict[str, int] = {}
        for recorded, keys in self._standing(touched, breathe):
            try:
                # Mostly one, and many events: another list and another loop take as long as the rest of this.
                after: Sequence[Any] = (
                    (evolve(rows[keys[0]], recorded, keys[0]),)
                    if len(keys) == 1
                    else [evolve(rows[key], recorded, key) for key in keys]
                )
            except Exception as problem:  # whatever our own code raises: one event must not stop the others
                after = self._again(recorded, keys, rows, problem, change)
            for key, row in zip(keys, after, strict=False):
                before = rows[key]
                if row is before:
                    continue
                if key not in opened:
                    if before is not None:
                        change.closed.append((key, recorded.position))
                elif every_version:
                    change.versions.append(_made(_VERSION, (before, opened[key], recorded.position)))
                if row is None:
                    opened.pop(key, None)
                else:
                    opened[key] = recorded.position
                rows[key] = row
        change.versions.extend(Versioned(rows[key], since, None) for key, since in opened.items())

    def _fold_lines(self, touched: Touched, change: Change, breathe: Callable[[], None]) -> None:
        evolve, write = self._evolve, change.versions.append
        for recorded, keys in self._standing(touched, breathe):
            try:
                lines: Sequence[Any] = [evolve(None, recorded, key) for key in keys]
            except Exception as problem:
                lines = self._again(recorded, keys, {}, problem, change)
            for line in lines:
                if line is not None:
                    write(_made(_VERSION, (line, recorded.position, None)))

    def _standing(self, touched: Touched, breathe: Callable[[], None]) -> Iterator[tuple[Recorded, tuple[str, ...]]]:
        """Events whose streams go on; those behind one that was set aside do not, or none at all."""
        stopped, halts = self._stopped, self.generation.projection.on_poison == "halt"
        for start in range(0, len(touched), SLICE_EVENTS):
            breathe()
            for one in touched[start : start + SLICE_EVENTS]:
                if not stopped:
                    yield one
                elif halts:
                    return
                elif one[0].stream not in stopped:
                    yield one

    def _again(
        self, recorded: Recorded, keys: tuple[str, ...], rows: dict[str, Any], problem: Exception, change: Change
    ) -> Sequence[Any]:
        """All rows of an event whose first attempt went wrong, or none of them: then it is set aside."""
        for _ in range(ATTEMPTS_MAX - 1):
            try:
                return [self._evolve(rows.get(key), recorded, key) for key in keys]
            except Exception as another:
                problem = another
        self._stopped.add(recorded.stream)
        self._poisoned(recorded, _Poison(problem), change)
        return ()

    def _poisoned(self, recorded: Recorded, poison: _Poison, change: Change) -> None:
        self._set_aside(Parked(recorded.stream, recorded.position, recorded.event.TYPE, str(poison)), change)

    def _set_aside(self, parked: Parked, change: Change) -> None:
        if self.generation.projection.on_poison == "park_stream":
            change.parked.append(parked)
        else:
            self.halting = parked
            change.checkpoint = parked.position - 1


def follow(store: RowStore, folder: Folder) -> Folder:
    """The same where the generation only moved on under somebody else's hands: enough for one who does not fold."""
    now = store.current(folder.generation)
    if now is None or now.state == "retired":
        return resume(store, folder)
    folder.generation = now
    return folder


def resume(store: RowStore, folder: Folder) -> Folder:
    """A folder at the place that the store has now, on the generation that is live now."""
    old = folder.generation
    now = store.current(old)
    if now is None or now.state == "retired":
        now = store.open(old.projection, old.fingerprint)
    return Folder(store, now)
