"""States of streams at any version, with some on the way remembered, so that what lies near an asked one is cheap."""

from collections import OrderedDict
from threading import Lock
from typing import Any, Final, NamedTuple

from domain.catalogue import AGGREGATES, REGISTRY
from domain.kernel.decider import Aggregate, Recorded
from domain.kernel.ids import prefix
from infrastructure.history.port import Past
from infrastructure.log.mapper import recorded
from infrastructure.runtime.state_codec import shape_of, thaw

PAGE_EVENTS: Final = 2_000
STRIDE_EVENTS_MIN: Final = 256
"""Events between two remembered states of a stream; twice as many each time that there are too many of them."""
WAYPOINTS_MAX: Final = 128
"""States of one stream that are remembered; persistent maps share what did not change from one to the next."""
STREAMS_MAX: Final = 64
ANYWHERE: Final = 2**63 - 1


class Folded(NamedTuple):
    """A stream as it was at a version of it; version 0 and position 0 before its first event."""

    version: int
    position: int
    state: Any


class _Way:
    """What is remembered of one stream, by rising version."""

    def __init__(self, points_max: int) -> None:
        self.points: list[Folded] = []
        self.stride = STRIDE_EVENTS_MIN
        self._points_max = points_max

    def note(self, point: Folded) -> None:
        if point.version % self.stride or (self.points and point.version <= self.points[-1].version):
            return
        self.points.append(point)
        if len(self.points) > self._points_max:
            self.stride *= 2
            self.points = [one for one in self.points if one.version % self.stride == 0]


class Folds:
    """Folds streams of one source. Safe from any thread as far as the source is.

    Memory holds ``waypoints_max`` states of each of ``streams_max`` streams, whatever those weigh.
    """

    def __init__(self, past: Past, *, streams_max: int = STREAMS_MAX, waypoints_max: int = WAYPOINTS_MAX) -> None:
        self._past = past
        self._streams_max = streams_max
        self._waypoints_max = waypoints_max
        self._ways: OrderedDict[str, _Way] = OrderedDict()
        self._lock = Lock()

    def forget(self) -> None:
        """Remember no states: what was said in some of them was erased."""
        with self._lock:
            self._ways.clear()

    def at_position(self, stream: str, position: int) -> Folded:
        """The state after the last event of a stream at or before a position; of a kind that is folded here."""
        return self._fold(stream, position, None)

    def at_version(self, stream: str, version: int) -> Folded:
        """The state after the event with that version, or after the last one that there is."""
        return self._fold(stream, None, version)

    def _fold(self, stream: str, position: int | None, version: int | None) -> Folded:
        aggregate = AGGREGATES[prefix(stream)]

        def beyond(event_version: int, event_position: int) -> bool:
            return (version is not None and event_version > version) or (
                position is not None and event_position > position
            )

        way = self._way(stream)
        now = self._nearest(stream, version, position)
        while rows := self._past.events_of(stream, after=now.version, limit=PAGE_EVENTS):
            for row in rows:
                if beyond(row.version, row.position):
                    return now
                event: Recorded = recorded(row, REGISTRY)
                now = Folded(row.version, row.position, aggregate.evolve(now.state, event.event))
                with self._lock:
                    way.note(now)
            if len(rows) < PAGE_EVENTS:
                break  # to ask once more would cost as much as a short stream in all
        return now

    def before(self, stream: str, version: int) -> Folded:
        """The state nearest before an event that has not to be folded first; the beginning where there is none."""
        return self._nearest(stream, version - 1, None)

    def _nearest(self, stream: str, version: int | None, position: int | None) -> Folded:
        aggregate, highest, last = AGGREGATES[prefix(stream)], version or 0, position or 0
        near = (
            one
            for one in reversed(self._way(stream).points)
            if (version is None or one.version <= highest) and (position is None or one.position <= last)
        )
        now = next(near, Folded(0, 0, aggregate.initial))
        now = self._base(aggregate, stream, now, version, position) or now
        return self._kept(aggregate, stream, now, version, position) or now

    def _base(
        self, aggregate: Aggregate[Any], stream: str, now: Folded, version: int | None, position: int | None
    ) -> Folded | None:
        """What it had come to with its archived events, where that is nearer."""
        base = self._past.base_states([stream]).get(stream)
        if base is None or base.kind != shape_of(aggregate) or base.version <= now.version:
            return None
        if (version is not None and base.version > version) or (position is not None and base.position > position):
            return None
        return Folded(base.version, base.position, thaw(aggregate, base.state))

    def _kept(
        self, aggregate: Aggregate[Any], stream: str, now: Folded, version: int | None, position: int | None
    ) -> Folded | None:
        """What the source keeps, where that is nearer than what is remembered by more than a page."""
        if not aggregate.snapshot_every:
            return None
        shape, highest = shape_of(aggregate), ANYWHERE if version is None else version
        while (
            kept := self._past.state_before(
                stream, shape, version=highest, position=ANYWHERE if position is None else position
            )
        ) is not None and kept.version > now.version + PAGE_EVENTS:
            row = next(iter(self._past.events_of(stream, after=kept.version - 1, limit=1)), None)
            if row is not None and row.version == kept.version and (position is None or row.position <= position):
                return Folded(kept.version, row.position, thaw(aggregate, kept.state))
            highest = kept.version - 1
        return None

    def _way(self, stream: str) -> _Way:
        with self._lock:
            way = self._ways.setdefault(stream, _Way(self._waypoints_max))
            self._ways.move_to_end(stream)
            if len(self._ways) > self._streams_max:
                self._ways.popitem(last=False)
            return way
