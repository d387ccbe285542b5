"""How long events have waited for each read model: looked up when the figures are asked for."""

import asyncio
from collections.abc import Callable, Mapping, Sequence

from domain.kernel.ids import SECOND
from infrastructure.log.archived import EventsArchived
from infrastructure.log.port import Log
from infrastructure.runtime.projector import ProjectionStatus


class LagStand:
    """Looks at one event for each place where a read model stands, off the event loop; at none where all are level."""

    def __init__(self, log: Log, status: Callable[[], Sequence[ProjectionStatus]]) -> None:
        self._log = log
        self._status = status

    async def look(self) -> Mapping[str, float]:
        """Seconds since the oldest event was recorded that each read model has not taken in; 0 where it has them all.

        A read model whose next event is archived is left out. Raises StoreUnavailable.
        """
        places = {one.name: one.checkpoint for one in self._status()}
        waited = await asyncio.to_thread(self._waited, frozenset(places.values()))
        return {name: waited[place] for name, place in places.items() if place in waited}

    def _waited(self, places: frozenset[int]) -> dict[int, float]:
        found: dict[int, float] = {}
        head, now = self._log.head(), self._log.now()
        for place in places:
            try:
                rows = self._log.page(after=place, limit=1) if place < head else []
            except EventsArchived:
                continue
            found[place] = max(0, now - rows[0].recorded_at) / SECOND if rows else 0.0
        return found
