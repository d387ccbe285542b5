"""Looking at states as decisions see them, without deciding anything: for whoever explains what does not move."""

import asyncio
from collections.abc import Callable
from typing import Final, TypeVar

from domain.kernel.decider import AggregateByPrefix, StreamsMissing, View
from infrastructure.log.port import Log
from infrastructure.runtime.hot import HotStates
from infrastructure.runtime.view import GroupView

ROUNDS_MAX: Final = 64
"""Times that one look may ask for further states."""

T = TypeVar("T")


class LookedTooLongError(Exception):
    """Fault: a look asked for further states again and again."""


class Looker:
    """Gives a function a view of the present; states that are not in memory are loaded on a thread."""

    def __init__(self, log: Log, hot: HotStates, aggregates: AggregateByPrefix) -> None:
        self._log = log
        self._hot = hot
        self._aggregates = aggregates

    async def look(self, work: Callable[[View], T]) -> T:
        """What the function finds; it is called again whenever it lacked something. Raises LookedTooLongError."""
        own = self._hot.empty()
        view = GroupView(own, self._aggregates, self._log.era)
        for _ in range(ROUNDS_MAX):
            view.begin()
            try:
                return work(view)
            except StreamsMissing as missing:
                await self._bring(own, missing)
        raise LookedTooLongError

    async def _bring(self, own: HotStates, missing: StreamsMissing) -> None:
        own.borrow(self._hot, missing.streams)
        # In a log that others write, too, what is in memory here may be of yesterday: it is brought forward.
        lacking = [stream for stream in missing.streams if self._log.shared or own.get(stream) is None]
        if lacking or missing.keys:
            own.adopt(*await asyncio.to_thread(own.load, lacking, missing.keys))
