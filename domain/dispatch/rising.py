"""Tasks that rise while they wait, by the instant since which they are ready."""

from collections.abc import Mapping
from heapq import heapify, heappop, heappush
from typing import Final

from domain.dispatch.ageing import is_mature
from domain.dispatch.ready_buckets import Rank
from domain.kernel.ids import Instant, StreamId

RISING_SPARE: Final = 64
"""Tasks that are not ready any more and still stand here, beside as many as there are ready ones."""


class Rising:
    """Some that stand here are not ready any more: most of what is made ready is taken long before it is mature."""

    def __init__(self) -> None:
        self._since: list[tuple[int, StreamId]] = []

    def add(self, stream: StreamId, since: Instant, ranks: Mapping[StreamId, Rank]) -> None:
        """A task became ready; ``ranks`` are those of all that are, itself too. O(log n), taken over many calls."""
        heappush(self._since, (since, stream))
        if len(self._since) > 2 * len(ranks) + RISING_SPARE:
            self._since = [one for one in set(self._since) if one[1] in ranks and ranks[one[1]][2] == one[0]]
            heapify(self._since)

    def pop_mature(self, now: Instant) -> tuple[int, StreamId] | None:
        """One that rises no further, with the instant since which it is or was ready; each is told once."""
        return heappop(self._since) if self._since and is_mature(Instant(self._since[0][0]), now) else None
