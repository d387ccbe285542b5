"""Snapshots of long streams, written in the background: losing one costs time, never truth."""

from collections import OrderedDict, deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from math import gcd
from typing import Any, Final

import structlog

from domain.kernel.decider import AggregateByPrefix
from domain.kernel.ids import StreamId, prefix
from infrastructure.log.past_states import PastState, spacing_events
from infrastructure.log.port import Log, StoredSnapshot
from infrastructure.runtime.hot import HotStates
from infrastructure.runtime.settle import Place
from infrastructure.runtime.state_codec import freeze, shape_of

QUEUED_MAX: Final = 64
BYTES_AN_EVENT: Final = 1_000
"""To keep a state costs what it weighs: for each so many bytes of its last snapshot one more event comes in between."""
STREAMS_MAX: Final = 10_000
"""Streams whose last snapshot is remembered; of others the next multiple is kept."""
_logger = structlog.get_logger("signalbox.snapshots")


class Snapshotter:
    """Keeps a snapshot where a stream crosses a multiple of its aggregate's ``snapshot_every``; of large ones fewer."""

    def __init__(self, log: Log, hot: HotStates, aggregates: AggregateByPrefix) -> None:
        self._log = log
        self._hot = hot
        self._every = {name: one.snapshot_every for name, one in aggregates.items() if one.snapshot_every}
        self._step = gcd(*self._every.values()) or 1
        self._aggregates = aggregates
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="snapshots")
        self._queued = 0
        self._weighed: deque[tuple[str, int, int]] = deque()
        self._not_before: OrderedDict[str, int] = OrderedDict()
        """Version of each stream from which on it is worth another snapshot."""
        self._past_kept: OrderedDict[str, int] = OrderedDict()
        """Version of each stream whose state was kept last for looking back; of the thread alone."""

    def restored(self, stream: StreamId, state: Any) -> None:
        """Nothing was kept of what fell."""

    def committed(self, places: Sequence[Place], position: int) -> None:
        """Take the states of the streams that crossed a multiple; they are immutable, so a thread may encode them."""
        while self._weighed:
            self._kept(*self._weighed.popleft())
        due = {
            stream
            for stream, version, _, _ in places
            if version % self._step == 0
            and (every := self._every.get(prefix(stream)))
            and version % every == 0
            and version >= self._not_before.get(stream, 0)
        }
        for stream in due:
            held = self._hot.get(stream)
            if held is not None and self._queued < QUEUED_MAX:
                self._queued += 1
                self._thread.submit(self._keep, stream, *held, position)

    def stop(self) -> None:
        """Write what is queued."""
        self._thread.shutdown(wait=True)

    def _keep_past(self, state: PastState) -> None:
        """Also for those who look back: far fewer than for now."""
        spacing = spacing_events(state.version, len(state.state))
        if state.version >= self._past_kept.get(state.stream, 0) + spacing:
            self._log.keep_state(state, spacing_events=spacing)
            self._past_kept[state.stream] = state.version
            self._past_kept.move_to_end(state.stream)
            if len(self._past_kept) > STREAMS_MAX:
                self._past_kept.popitem(last=False)

    def _kept(self, stream: str, version: int, weight: int) -> None:
        self._hot.weigh(stream, weight)
        self._not_before[stream] = version + weight // BYTES_AN_EVENT
        self._not_before.move_to_end(stream)
        if len(self._not_before) > STREAMS_MAX:
            self._not_before.popitem(last=False)

    def _keep(self, stream: str, version: int, state: Any, position: int) -> None:
        try:
            shape, text = shape_of(self._aggregates[prefix(stream)]), freeze(state)
            # What came since is little beside it; the memory is changed on the loop only.
            self._weighed.append((stream, version, len(text)))
            self._log.keep_snapshots([StoredSnapshot(stream, version, shape, text)])
            self._keep_past(PastState(stream, version, position, shape, text))
        except Exception as error:
            _logger.warning("a snapshot was not kept", stream=stream, error=repr(error))
        finally:
            self._queued -= 1
