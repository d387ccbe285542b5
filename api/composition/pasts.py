"""The past of the log that a node serves, behind the port of the surfaces."""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from api.composition.our_words import in_our_words
from domain.kernel.decider import Recorded
from domain.kernel.errors import Rejection
from domain.kernel.past.causes import Causes
from domain.kernel.past.points import Point
from domain.kernel.past.steps import Stood
from infrastructure.history import reading
from infrastructure.history.folds import Folds
from infrastructure.history.measures import HourSoFar, hour_so_far
from infrastructure.runtime.node import Node

EFFECTS_WITHIN_EVENTS: Final = 20_000
"""Events behind one that are searched for what it led to."""
PAGE_EVENTS: Final = 2_000
THREADS_MAX: Final = 2
"""Questions of the past that are worked on at once; a long stream takes seconds, and others wait behind it."""
STREAMS_MAX: Final = 8
WAYPOINTS_MAX: Final = 4
"""States that are remembered for the next question: a server has better use for its memory, and keeps some on disk."""
T = TypeVar("T")


class PastReader:
    """Folds on threads of its own, since those that all share also carry the ticker and whoever reads rows."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._folds: Final = Folds(node.log, streams_max=STREAMS_MAX, waypoints_max=WAYPOINTS_MAX)
        self._threads: Final = ThreadPoolExecutor(THREADS_MAX, thread_name_prefix="past")

    def close(self) -> None:
        """Begin nothing more; what is under way ends by itself."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def forget(self) -> None:
        """Remember no states: what was said in some of them was erased."""
        self._folds.forget()

    async def position(self, point: Point, bookmark: int | None = None) -> int | Rejection:
        """The position that a point means; ``bookmark`` is that of the one it names."""
        return await self._away(lambda: reading.position_of(self._node.log, point, lambda _: bookmark))

    async def first(self, stream: str) -> Recorded | None:
        """The event that a stream began with."""
        return await self._away(lambda: self._first(stream))

    async def event(self, position: int) -> Recorded | None:
        """The event at a position."""
        return await self._away(lambda: self._event(position))

    async def state(self, stream: str, position: int) -> Stood | Rejection:
        """The state of a stream after a position."""
        return await self._away(lambda: reading.stood_at(self._node.log, self._folds, stream, position))

    async def causes(self, event: Recorded) -> Causes:
        """What led to an event, and what it led to among the 20,000 that follow it."""
        return await self._away(lambda: reading.causes_of(self._node.log, event, self._later))

    async def hour(self, position: int) -> HourSoFar:
        """What the read model does not tell of the measures of the hour of the event at a position."""
        return await self._away(lambda: hour_so_far(self._node.log, position))

    def _first(self, stream: str) -> Recorded | None:
        if reading.aggregate_of(stream) is None:
            return None
        row = next(iter(self._node.log.events_of(stream, limit=1)), None)
        return None if row is None else self._node.decode(row)

    def _event(self, position: int) -> Recorded | None:
        row = next(iter(self._node.log.page(after=position - 1, limit=1)), None) if position > 0 else None
        return None if row is None or row.position != position else self._node.decode(row)

    def _later(self, event: Recorded) -> Iterator[Recorded]:
        after, until = event.position, event.position + EFFECTS_WITHIN_EVENTS
        while after < until and (rows := self._node.log.page(after=after, limit=min(PAGE_EVENTS, until - after))):
            yield from (self._node.decode(row) for row in rows if row.correlation_id == event.correlation_id)
            after = rows[-1].position

    async def _away(self, work: Callable[[], T]) -> T:
        return await in_our_words(asyncio.get_running_loop().run_in_executor(self._threads, work))
