"""Brings generations level with the log: several at once share each page of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from infrastructure.log.archived import EventsArchived
from infrastructure.log.port import Log, LogRow
from infrastructure.rows.generations import Generation
from infrastructure.rows.port import RowStore
from infrastructure.runtime.projector_decode import Decode, Decoder
from infrastructure.runtime.projector_fold import Folder
from infrastructure.runtime.projector_pages import PageSize, whole_commands
from infrastructure.runtime.projector_write import PageWriter

SWITCHES_MAX: Final = 1_000
"""Attempts to be level with the live generation before giving up."""


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


def fill(tools: Tools, generations: Sequence[Generation], until: int | None = None) -> list[Generation]:
    """The generations at ``until`` or level with the head as it was at the call, or where ``go_on`` left off.

    Raises BuildFailed, RowsUnavailable, StoreUnavailable, UnknownEventType.
    """
    folders = [Folder(tools.store, generation) for generation in generations]
    decoder = Decoder(tools.decode, [generation.projection for generation in generations])
    writer, sizes = PageWriter(tools.store, tools.breathe, _taken_over), PageSize()
    # Under load the log never ends: level is who has reached its end as it was at the beginning.
    goal = tools.log.head() if until is None else until
    while tools.go_on():
        # Who is furthest behind goes first until the others share its place.
        behind = min(folder.generation.checkpoint for folder in folders)
        if behind >= goal:
            break
        together = [folder for folder in folders if folder.generation.checkpoint == behind]
        rows = whole_commands(_page(tools, behind, sizes.limit), sizes.limit)
        if until is not None:
            rows = [row for row in rows if row.position <= until]
        if not rows:
            break
        writer.project(together, decoder, rows)
        halted = next((folder for folder in together if folder.halted is not None), None)
        if halted is not None and halted.halted is not None:
            name, event = halted.generation.projection.name, halted.halted
            raise BuildFailed(f"{name} @{event.position} {event.type}: {event.error}")
        sizes.learn(rows, 0.0)
    return [folder.generation for folder in folders]


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


def _taken_over() -> None:
    raise BuildFailed("somebody else fills the same generation, or it was retired")


def _page(tools: Tools, after: int, limit: int) -> list[LogRow]:
    try:
        return tools.log.page(after=after, limit=limit)
    except EventsArchived as problem:
        # Trying again finds the bundle no more than this time: whoever puts it back asks again.
        raise BuildFailed(str(problem)) from problem
