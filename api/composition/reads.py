"""The log and the read models behind the ports of the surfaces."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Final

from api.composition.our_words import in_our_words
from domain.kernel.decider import Recorded
from domain.kernel.ids import ProjectId
from infrastructure.rows.reader import Reader
from infrastructure.runtime.names import ProjectNames
from infrastructure.runtime.node import Node

FOLLOW_PAGE_EVENTS: Final = 200
FOLLOW_WAIT_SECONDS: Final = 5.0
STALE_SECONDS: Final = 2.0


class EventReader:
    """Pages of the log, decoded off the event loop, once for all who ask for the same page at the same time."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._reading: dict[tuple[int, int, int], asyncio.Task[list[Recorded]]] = {}

    def head(self) -> int:
        """Position of the last event that this node knows to be durable."""
        return max(self._node.head.position, self._node.hints.position)

    async def page(self, *, after: int, limit: int) -> Sequence[Recorded]:
        """Events behind a position, in order."""
        # Whoever follows the log is woken by the same commit and asks for the same page. Who knows of a longer log than
        # the reader under way began with must not be given its answer.
        asked = (after, limit, self.head())
        reading = self._reading.get(asked)
        if reading is None:
            work = asyncio.to_thread(self._page, after, limit)
            reading = self._reading[asked] = asyncio.get_running_loop().create_task(work, name="page")
            reading.add_done_callback(lambda _: self._reading.pop(asked, None))
        return await in_our_words(asyncio.shield(reading))

    async def stream(self, stream: str, *, after_version: int, limit: int) -> Sequence[Recorded]:
        """Events of one stream behind a version, in order."""
        return await in_our_words(asyncio.to_thread(self._stream, stream, after_version, limit))

    async def follow(self, *, after: int) -> AsyncIterator[Sequence[Recorded]]:
        """Pages as they arise, without gap or repeat, until the caller stops asking."""
        while True:
            page = await self.page(after=after, limit=FOLLOW_PAGE_EVENTS)
            if page:
                after = page[-1].position
                yield page
            else:
                await self._node.head.wait_for(after + 1, FOLLOW_WAIT_SECONDS)

    async def wait_beyond(self, position: int, timeout_seconds: float) -> int:
        """The head once it lies behind ``position``, or as it is when time is up."""
        await self._node.head.wait_for(position + 1, timeout_seconds)
        return self.head()

    def _page(self, after: int, limit: int) -> list[Recorded]:
        return [self._node.decode(row) for row in self._node.log.page(after=after, limit=limit)]

    def _stream(self, stream: str, after_version: int, limit: int) -> list[Recorded]:
        return [self._node.decode(row) for row in self._node.log.events_of(stream, after=after_version, limit=limit)]


class ProjectReader:
    """Projects by slug or id; a store that is away is told as such."""

    def __init__(self, names: ProjectNames) -> None:
        self._names = names

    def known(self, slug_or_id: str) -> ProjectId | None:
        """The project's id where it was looked up before."""
        return self._names.known(slug_or_id)

    async def project(self, slug_or_id: str) -> ProjectId | None:
        """The project's id, None where there is none. Raises ServiceFault."""
        return await in_our_words(self._names.project(slug_or_id))


class RowReader:
    """Read models: waits for the projection where the caller asks for its own write."""

    def __init__(self, node: Node, reader: Reader) -> None:
        self._node = node
        self._reader = reader

    async def ask(self, request: Any, *, after: int | None = None) -> Any:
        """The page of a query, marked stale where the projection was not there in time."""
        await self._wait_for(after)
        return await in_our_words(asyncio.to_thread(self._reader.query, request, after=after or 0))

    async def count(self, request: Any, *, after: int | None = None) -> Any:
        """The numbers of a counting question, marked stale where the projection was not there in time."""
        await self._wait_for(after)
        return await in_our_words(asyncio.to_thread(self._reader.count, request, after=after or 0))

    async def _wait_for(self, after: int | None) -> None:
        if after is not None and after > self._node.projector.position():
            await self._node.projector.wait_for(after, STALE_SECONDS)

    def positions(self) -> Mapping[str, int]:
        """Checkpoint of each projection."""
        return {status.name: status.checkpoint for status in self._node.projector.status()}
