"""Folds many streams at once as whoever has no keys reads them; those that were touched last are in memory."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from domain.catalogue import AGGREGATES, REGISTRY, SEALINGS
from domain.kernel.ids import prefix
from infrastructure.erasure.base_words import Markers
from infrastructure.erasure.envelope import Envelopes
from infrastructure.erasure.keys import SubjectKeys
from infrastructure.erasure.memory import MemorySeeds
from infrastructure.log.port import LogRow
from infrastructure.runtime.state_codec import freeze, thaw

STREAMS_MAX: Final = 2_048
"""States in memory; those that were not touched for longest are kept elsewhere."""


class BareFold(NamedTuple):
    """What the events of a stream come to."""

    stream: str
    version: int
    position: int
    state: bytes | None
    """As JSON text with markers in the place of words; None where the events cannot be folded by this program."""


class BareFolds:
    """``keep`` and ``kept`` are of somebody who has room for all states, as JSON text."""

    def __init__(self, keep: Callable[[list[BareFold]], None], kept: Callable[[str], BareFold | None]) -> None:
        self._keep: Final = keep
        self._kept: Final = kept
        self._envelopes: Final = Envelopes(SEALINGS, SubjectKeys(MemorySeeds()))
        self._markers: Final = Markers()
        self._hot: OrderedDict[str, tuple[int, int, Any]] = OrderedDict()

    def add(self, row: LogRow) -> None:
        """The next event of its stream."""
        self._hot[row.stream] = (row.version, row.position, self._evolved(row))
        self._hot.move_to_end(row.stream)
        if len(self._hot) > STREAMS_MAX:
            self._put_away(STREAMS_MAX // 2)

    def flush(self) -> None:
        """Everything is kept."""
        self._put_away(0)

    def bare(self, state: bytes) -> tuple[bytes, set[str]]:
        """A kept state without its markers, and whose words these stood for."""
        return self._markers.bare(state), self._markers.subjects_in(state)

    def _evolved(self, row: LogRow) -> Any:
        try:
            state = self._hot[row.stream][2] if row.stream in self._hot else self._thawed(row.stream)
            if state is None:
                return None
            marked = self._envelopes.marked(row, self._markers.of)
            return AGGREGATES[prefix(row.stream)].evolve(state, REGISTRY.read(marked.type, marked.state))
        except Exception:  # an event that was changed, or of another version: whoever compares leaves the stream out
            return None

    def _thawed(self, stream: str) -> Any:
        aggregate, former = AGGREGATES[prefix(stream)], self._kept(stream)
        if former is None:
            return aggregate.initial
        return None if former.state is None else thaw(aggregate, former.state)

    def _put_away(self, left: int) -> None:
        away: list[BareFold] = []
        while len(self._hot) > left:
            stream, (version, position, state) = self._hot.popitem(last=False)
            away.append(BareFold(stream, version, position, None if state is None else freeze(state)))
        self._keep(away)
