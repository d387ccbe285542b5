"""Brings generations level with the log: several at once share each page of it."""

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Final, NoReturn

import structlog

from infrastructure.log.archived import EventsArchived
from infrastructure.log.port import Log, LogRow
from infrastructure.rows.generations import Generation
from infrastructure.rows.port import RowStore
from infrastructure.runtime.builds.helped import HelpedFill, Helper, HelperGone, LeftOff, Moved
from infrastructure.runtime.projector_decode import Decode, Decoder
from infrastructure.runtime.projector_fold import Folder
from infrastructure.runtime.projector_pages import PageSize, whole_commands
from infrastructure.runtime.projector_write import PageWriter

HELPED_EVENTS_MIN: Final = 50_000
"""Whoever has less to fold is done before another process has begun."""
HELPED_PAGE_EVENTS: Final = 2_000
"""In one page: what was folded is taken over at once, and meanwhile nobody else has the interpreter."""
SWITCHES_MAX: Final = 1_000
"""Attempts to be level with the live generation before giving up."""


_logger = structlog.get_logger("signalbox.builds")


class BuildFailed(Exception):
    """Fault: the generation cannot be filled further; the live one is asked as before."""


@dataclass(frozen=True, slots=True)
class Tools:
    """What filling needs."""

    log: Log
    store: RowStore
    decode: Decode
    breathe: Callable[[], None]
    """Called every few events: whoever waits for a command comes before it."""
    go_on: Callable[[], bool]
    """Asked before every page; False leaves off, and another call goes on from there."""
    helper: Callable[[], Helper] | None = None
    """Begins a process that folds on another core; None where there is none. It knows the read models of the catalogue
    only, and decodes by the registry."""
    helped_events_min: int = HELPED_EVENTS_MIN


def fill(tools: Tools, generations: Sequence[Generation], until: int | None = None) -> list[Generation]:
    """The generations at ``until`` or level with the head as it was at the call, or where ``go_on`` left off.

    Raises BuildFailed, RowsUnavailable, StoreUnavailable, UnknownEventType.
    """
    # Under load the log never ends: level is who has reached its end as it was at the beginning.
    goal = tools.log.head() if until is None else until
    with closing(_Help(tools)) as help_:
        filling = _Filling(tools, [Folder(tools.store, generation) for generation in generations], until)
        while tools.go_on() and filling.behind < goal:
            if not help_.advance(filling, goal) and not filling.page():
                break
        return [folder.generation for folder in filling.folders]


class _Filling:
    """Generations on their way, page by page in this process."""

    def __init__(self, tools: Tools, folders: list[Folder], until: int | None) -> None:
        self._tools = tools
        self.folders = folders
        self._until = until
        self._decoder = Decoder(tools.decode, [folder.generation.projection for folder in folders])
        self._writer, self._sizes = PageWriter(tools.store, tools.breathe, _taken_over), PageSize()

    @property
    def behind(self) -> int:
        """Who is furthest behind goes first until the others share its place."""
        return min(folder.generation.checkpoint for folder in self.folders)

    def page(self) -> bool:
        """One page of the log; False where there is none."""
        behind = self.behind
        together = [folder for folder in self.folders if folder.generation.checkpoint == behind]
        rows = self.rows(behind, self._sizes.limit)
        if not rows:
            return False
        self._writer.project(together, self._decoder, rows)
        halted = next((folder for folder in together if folder.halted is not None), None)
        if halted is not None and halted.halted is not None:
            name, event = halted.generation.projection.name, halted.halted
            raise BuildFailed(f"{name} @{event.position} {event.type}: {event.error}")
        self._sizes.learn(rows, 0.0)
        return True

    def rows(self, after: int, limit: int) -> list[LogRow]:
        """What follows a position of the log, as far as it is wanted."""
        rows = whole_commands(_page(self._tools, after, limit), limit)
        return rows if self._until is None else [row for row in rows if row.position <= self._until]


class _Help:
    """The process that folds beside this one, once there is enough to do for it."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._begin = tools.helper
        self._helper: Helper | None = None

    def advance(self, filling: _Filling, goal: int) -> bool:
        """Go on with it as far as it goes; False where nothing came of that."""
        behind, store = filling.behind, self._tools.store
        together = all(folder.generation.checkpoint == behind for folder in filling.folders)
        if self._begin is None or not together or goal - behind < self._tools.helped_events_min:
            return False
        generations = [folder.generation for folder in filling.folders]
        try:
            if self._helper is None:
                self._helper = self._begin()
            if not self._helper.is_there():
                return False  # what it could do is done here meanwhile
            fill_ = HelpedFill(self._helper, store, generations, self._tools.go_on)
            fill_.run(lambda after: filling.rows(after, HELPED_PAGE_EVENTS), goal, self._tools.breathe)
        except LeftOff:
            self.close()
        except Moved:
            _taken_over()
        except (HelperGone, OSError) as problem:
            # There is no room for it, or somebody ended it: then all is done here.
            _logger.warning("no process folds beside this one any more", at=behind, problem=repr(problem))
            self._begin = None
            self.close()
        filling.folders = [Folder(store, _now(store, generation)) for generation in generations]
        return filling.behind > behind

    def close(self) -> None:
        if self._helper is not None:
            self._helper.close()
            self._helper = None


def _now(store: RowStore, generation: Generation) -> Generation:
    now = store.current(generation)
    if now is None or now.state == "retired":
        _taken_over()
    return now


def take_over(tools: Tools, generation: Generation) -> Generation:
    """Make a completed generation the live one. A running projector goes on with it by itself. Raises as ``fill``."""
    tools.store.complete(generation)
    for _ in range(SWITCHES_MAX):
        generation = fill(tools, [generation])[0]
        if not tools.go_on():
            return generation
        if tools.store.switch(generation):
            current = tools.store.current(generation)
            if current is not None:
                return current
    raise BuildFailed(f"{generation.projection.name} was never level with its live generation")


def _taken_over() -> NoReturn:
    raise BuildFailed("somebody else fills the same generation, or it was retired")


def _page(tools: Tools, after: int, limit: int) -> list[LogRow]:
    try:
        return tools.log.page(after=after, limit=limit)
    except EventsArchived as problem:
        # Trying again finds the bundle no more than this time: whoever puts it back asks again.
        raise BuildFailed(str(problem)) from problem
