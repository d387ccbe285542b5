"""What streams had come to with their last archived event: folded from the events of bundles, as they are stored."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, Final

from domain.catalogue import AGGREGATES, REGISTRY
from domain.kernel.ids import prefix
from infrastructure.erasure.base_words import Markers, apart, with_markers, with_words
from infrastructure.erasure.envelope import Envelopes
from infrastructure.log.archived import BaseState
from infrastructure.log.port import LogRow
from infrastructure.runtime.state_codec import freeze, shape_of, thaw

ROWS_AT_ONCE: Final = 2_000
Former = Callable[[Sequence[str]], dict[str, BaseState]]


class BaseUnfaithfulError(Exception):
    """Fault: a state does not come back as it was put away; nothing may be pruned that it is folded from."""


class _Stream:
    """A fold under way: the state with its words, and with markers in their place once there are words."""

    def __init__(self, stream: str, former: BaseState | None, markers: Markers, envelopes: Envelopes) -> None:
        self._aggregate = AGGREGATES[prefix(stream)]
        self._stream, self._markers, self._envelopes = stream, markers, envelopes
        self.version = self._position = 0
        self._said: Any = self._aggregate.initial
        self._marked: Any = None
        if former is not None:
            if former.kind != shape_of(self._aggregate):
                raise BaseUnfaithfulError(f"{stream}@{former.version} was kept as {former.kind} by another version")
            self.version, self._position = former.version, former.position
            self._said = thaw(self._aggregate, with_words(former, envelopes).state)
            if former.words:
                self._marked = thaw(self._aggregate, with_markers(former, markers, envelopes))

    def add(self, row: LogRow) -> None:
        evolve, sealed = self._aggregate.evolve, self._envelopes.is_sealed(row)
        if sealed and self._marked is None:
            self._marked = self._said
        if self._marked is not None:
            marked = self._envelopes.marked(row, self._markers.of)
            self._marked = evolve(self._marked, REGISTRY.read(marked.type, marked.state))
        opened = self._envelopes.opened(row)
        self._said = evolve(self._said, REGISTRY.read(opened.type, opened.state))
        self.version, self._position = row.version, row.position

    def base(self) -> BaseState:
        said, words = freeze(self._said), b""
        if freeze(thaw(self._aggregate, said)) != said:
            raise BaseUnfaithfulError(f"{self._stream}@{self.version}")
        state = said
        if self._marked is not None:
            state, words = apart(self._stream, said, freeze(self._marked), self._markers, self._envelopes)
        return BaseState(self._stream, self.version, self._position, shape_of(self._aggregate), state, words)


def bases_of(
    rows: Iterable[LogRow], wanted: Callable[[str], bool], former: Former, envelopes: Envelopes
) -> Iterator[BaseState]:
    """What the wanted streams have come to with the last of the rows; memory holds the states of all of them.

    ``former`` tells what they had come to before; rows that are in there already are passed over.
    Raises BaseUnfaithfulError, SealBrokenError, UnknownEventType.
    """
    streams: dict[str, _Stream] = {}
    markers = Markers()
    source = (row for row in rows if wanted(row.stream))
    while page := list(islice(source, ROWS_AT_ONCE)):
        fresh = list(dict.fromkeys(row.stream for row in page if row.stream not in streams))
        known = former(fresh)
        streams |= {one: _Stream(one, known.get(one), markers, envelopes) for one in fresh}
        for row in page:
            if row.version > (begun := streams[row.stream]).version:
                if row.version != begun.version + 1:
                    raise BaseUnfaithfulError(f"{row.stream} lacks what it had come to before @{row.position}")
                begun.add(row)
    for one in streams.values():
        yield one.base()
