"""The archiver beside a node, and what it has done, behind the port of the surfaces."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Final

from api.archive_port import ArchivedRange, Archives, Archiving, KeptState, LeftoverBundle
from api.composition.our_words import in_our_words
from domain.kernel.errors import Rejection
from domain.kernel.ids import Instant
from domain.kernel.past.errors import PointNotReadable
from domain.kernel.past.points import AtBookmark, read_point
from domain.kernel.text import shown
from infrastructure.archive.archiver import Archiver, Around
from infrastructure.archive.followers import Followers
from infrastructure.archive.shelf import Shelf
from infrastructure.bundle.layout import MANIFEST
from infrastructure.bundle.store_source import bases_behind
from infrastructure.erasure.envelope import Envelopes
from infrastructure.history.reading import position_of
from infrastructure.ledger.scribe import Scribe
from infrastructure.log.port import Log
from infrastructure.rows.port import RowStore
from infrastructure.runtime.node import Node
from infrastructure.settings import ARCHIVES_FOLDER, Settings

BREATH_SECONDS: Final = 0.002
"""What whoever waits for a command gets between two steps."""
BREATHS_MAX: Final = 25


def shelf_of(settings: Settings) -> Shelf:
    """Where this node keeps bundles."""
    return Shelf(settings.archives or settings.data / ARCHIVES_FOLDER)


@asynccontextmanager
async def archiver_beside(
    node: Node, log: Log, rows: RowStore, scribe: Scribe, envelopes: Envelopes, shelf: Shelf, settings: Settings
) -> AsyncGenerator["ArchiveDesk"]:
    """An archiver that goes on with what was begun, until the block ends."""
    loop = asyncio.get_running_loop()

    def keep_hints() -> None:
        asyncio.run_coroutine_threadsafe(node.keep_hints(1), loop)

    archiver = Archiver(
        Around(
            log=log,
            scribe=scribe,
            shelf=shelf,
            envelopes=envelopes,
            followers=Followers(log, rows, scribe, keep_hints),
            breathe=lambda: _breathe(node.at_work),
            age_days_min=settings.archive_age_days_min,
        )
    )
    archiver.start()
    try:
        yield ArchiveDesk(log, shelf, archiver)
    finally:
        await asyncio.to_thread(archiver.stop)


class ArchiveDesk:
    """Blocking work on threads; faults in the words of the surfaces."""

    def __init__(self, log: Log, shelf: Shelf, archiver: Archiver) -> None:
        self._log: Final = log
        self._shelf: Final = shelf
        self._archiver: Final = archiver

    @property
    def trouble(self) -> str:
        """Why archiving does not go on, also where it waits for somebody; empty where it does."""
        trouble, now = self._archiver.trouble, self._archiver.under_way
        if trouble or now is None or not now.waits_for:
            return trouble
        return f"@{now.first} to @{now.last} waits: {now.waits_for}"

    async def archives(self) -> Archives:
        """What is archived, and what is under way."""
        return await in_our_words(asyncio.to_thread(self._archives))

    async def bases(self, after: str, limit: int) -> list[KeptState]:
        """What archived streams had come to."""
        found = await in_our_words(asyncio.to_thread(bases_behind, self._log, after, limit))
        return [KeptState(**one._asdict()) for one in found]

    async def archive(self, until: str, principal: str) -> int | Rejection:
        """Begin to archive everything up to a point."""
        return await in_our_words(asyncio.to_thread(self._archive, until, principal))

    def _archives(self) -> Archives:
        found = [
            ArchivedRange(**one._asdict(), here=_is_there(self._shelf.folder_of(one.name)))
            for one in self._log.archives()
        ]
        under_way = self._archiver.under_way
        now = None if under_way is None else Archiving(**asdict(under_way))
        left: list[LeftoverBundle] = []
        with suppress(OSError):  # what nobody may look at is not told of, as if it were not there
            left += [LeftoverBundle(one.name, one.whole) for one in self._archiver.leftovers()]
        return Archives(found, str(self._shelf.folder), now, self._archiver.trouble, left)

    def _archive(self, until: str, principal: str) -> int | Rejection:
        point = read_point(until, Instant(self._log.now()))
        if isinstance(point, AtBookmark):
            return PointNotReadable(text=shown(until))
        position = point if isinstance(point, Rejection) else position_of(self._log, point, lambda _: None)
        if isinstance(position, Rejection):
            return position
        return self._archiver.ask(position, principal) or position


def _is_there(folder: Path) -> bool:
    return (folder / MANIFEST).is_file()


def _breathe(busy: Callable[[], bool]) -> None:
    time.sleep(0)
    for _ in range(BREATHS_MAX):
        if not busy():
            return
        time.sleep(BREATH_SECONDS)
