"""Folds a projection from the first event into a new generation and switches to it."""

import time
from collections.abc import Callable
from typing import Final

from domain.kernel.registry import UnknownEventType
from infrastructure.log.port import Log
from infrastructure.rows.fingerprint import fingerprint
from infrastructure.rows.port import Generation, RowStore
from infrastructure.runtime.projector_decode import Decode, Decoder, UnreadableRow
from infrastructure.runtime.projector_fold import Folder
from infrastructure.runtime.projector_pages import PageSize, whole_commands
from projections.catalogue import AnyProjection

SWITCHES_MAX: Final = 1_000
"""Attempts to be level with the live generation before giving up."""


class RebuildFailed(Exception):
    """Fault: the new generation is not live; the old one is asked as before. Begin again."""


def rebuild(
    log: Log,
    store: RowStore,
    projection: AnyProjection,
    decode: Decode,
    *,
    progress: Callable[[int, int], None],
    breathe: Callable[[], None] = lambda: time.sleep(0),
) -> Generation:
    """The new live generation. A running projector goes on with it by itself.

    ``progress`` is told (position, head) after every page. Raises RebuildFailed, RowsUnavailable, RowRefused,
    StoreUnavailable.
    """
    folder = Folder(store, store.begin(projection, fingerprint(projection)))
    decoder, sizes = Decoder(decode, (projection,)), PageSize()
    _fold_to_head(log, store, folder, decoder, sizes, progress, breathe)
    store.complete(folder.generation)
    for _ in range(SWITCHES_MAX):
        _fold_to_head(log, store, folder, decoder, sizes, progress, breathe)
        if folder.halted is not None:
            raise RebuildFailed(f"{projection.name} @{folder.halted.position}: {folder.halted.error}")
        if store.switch(folder.generation):
            current = store.current(folder.generation)
            if current is not None:
                return current
    raise RebuildFailed(f"{projection.name} was never level with its live generation")


def _fold_to_head(
    log: Log,
    store: RowStore,
    folder: Folder,
    decoder: Decoder,
    sizes: PageSize,
    progress: Callable[[int, int], None],
    breathe: Callable[[], None],
) -> None:
    while rows := log.page(after=folder.generation.checkpoint, limit=sizes.limit):
        began = time.perf_counter()
        try:
            events, end, plain = decoder.decoded(whole_commands(rows, sizes.limit), breathe)
        except (UnreadableRow, UnknownEventType) as problem:
            raise RebuildFailed(f"{folder.generation.projection.name} @{rows[0].position}: {problem}") from problem
        change = folder.fold(events, end, breathe, plain=plain)
        if not store.write([change]):
            raise RebuildFailed(f"{folder.generation.table} was taken over or retired")
        folder.accept(change)
        progress(change.checkpoint, log.head())
        if folder.halted is not None:
            return
        sizes.learn(rows, time.perf_counter() - began)
