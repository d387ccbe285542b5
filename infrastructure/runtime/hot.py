"""The committer's memory: immutable states of hot streams and unique names, bounded, brought forward from the log."""

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple, Protocol

from domain.kernel.decider import AggregateByPrefix
from domain.kernel.ids import StreamId, prefix
from domain.kernel.registry import Registry
from infrastructure.log.archived import BaseState, follows
from infrastructure.log.port import LogRow, StoredSnapshot
from infrastructure.runtime.state_codec import shape_of, thaw

Name = tuple[str, str, str]
Held = tuple[int, Any]
"""(version, state)."""
STREAMS_MAX: Final = 20_000
RESTING_MAX: Final = 2_000
"""States of streams at their end: some are still needs or parts of others; the rest of history is read on demand."""
NAMES_MAX: Final = 20_000
BYTES_MAX: Final = 67_108_864
STREAM_BYTES: Final = 200
"""What every stream weighs on top of what it says."""


class StateSource(Protocol):
    """Where states are folded from; every store of the log is one."""

    def events_of_many(self, wanted: Sequence[tuple[str, int]]) -> dict[str, list[LogRow]]: ...

    def keys(self, wanted: Sequence[Name]) -> dict[Name, str]: ...

    def snapshots(self, streams: Sequence[str]) -> dict[str, StoredSnapshot]: ...

    def base_states(self, streams: Sequence[str]) -> dict[str, BaseState]: ...


class BrokenStreamError(Exception):
    """Fault: events of a stream are neither in the log nor in what was kept of it when they were archived."""


class Loaded(NamedTuple):
    """What was read from the log."""

    states: Mapping[str, Held]
    names: Mapping[Name, str | None]
    grown: Mapping[str, int]
    """Bytes that were folded, on top of what is in memory."""


class HotStates:
    """States by last change; owned by one committer, changed on its loop only.

    Between groups at most ``streams_max`` of them, and of at most ``bytes_max``: a state is taken to weigh what its
    stored events do, or its last snapshot with the events since. In memory that is three to four times as much.
    Of those that have come to their end only ``resting_max`` stay, so that memory does not grow with history.
    A state that is only read goes when its turn comes and is loaded again: cheaper than noting every read.
    """

    def __init__(
        self,
        log: StateSource,
        aggregates: AggregateByPrefix,
        registry: Registry,
        *,
        streams_max: int = STREAMS_MAX,
        bytes_max: int = BYTES_MAX,
        resting_max: int = RESTING_MAX,
        names_max: int = NAMES_MAX,
    ) -> None:
        self._log = log
        self._aggregates = aggregates
        self._registry = registry
        self._streams_max = streams_max
        self._names_max = names_max
        self._bytes_max = bytes_max
        self._resting_max = resting_max
        self._rests = {name: one.rests for name, one in aggregates.items() if one.rests is not None}
        self._resting: OrderedDict[str, None] = OrderedDict()
        self._held: OrderedDict[str, Held] = OrderedDict()
        self.get: Final = self._held.get
        """The state in memory, or None where it has to be loaded first; asked ten times for each command."""
        self._weights: dict[str, int] = {}
        self._bytes = 0
        self._names: OrderedDict[Name, str | None] = OrderedDict()

    def put(self, stream: str, version: int, state: Any) -> None:
        """Remember the state after a commit."""
        self._held[stream] = (version, state)
        self._held.move_to_end(stream)
        rests = self._rests.get(prefix(stream))
        if rests is not None and rests(state):
            self._resting[stream] = None
            self._resting.move_to_end(stream)
        else:
            self._resting.pop(stream, None)

    @property
    def bytes(self) -> int:
        """What all states weigh."""
        return self._bytes + STREAM_BYTES * len(self._held)

    def weigh(self, stream: str, weight: int) -> None:
        """Say what a state weighs, in bytes; of a stream that is not held it is of no interest."""
        if stream in self._held:
            self._bytes += weight - self._weights.get(stream, 0)
            self._weights[stream] = weight

    def add_weights(self, grown: Mapping[str, int]) -> None:
        """Say by how much each state grew."""
        for stream, more in grown.items():
            self.weigh(stream, self._weights.get(stream, 0) + more)

    def version(self, stream: str) -> int:
        """Version in memory; 0 where nothing is."""
        return self._held.get(stream, (0, None))[0]

    def has_name(self, name: Name) -> bool:
        """Whether it is known if the unique name exists."""
        return name in self._names

    def name(self, name: Name) -> str | None:
        """The stream of a unique name that is known, None where it is known to be absent."""
        return self._names[name]

    def put_name(self, name: Name, stream: str) -> None:
        """Remember a unique name after its commit; names never change."""
        self._names[name] = stream

    def believe_absent(self, names: Iterable[Name]) -> None:
        """Take names that are not in memory for absent, unread: the append looks whether they are."""
        for name in names:
            self._names.setdefault(name, None)

    def trim(self) -> None:
        """Drop what was not used for longest. Called between groups, so that no decision loses what it read."""
        while len(self._resting) > self._resting_max:
            self._drop(next(iter(self._resting)))
        while len(self._held) > self._streams_max or (self._held and self.bytes > self._bytes_max):
            self._drop(next(iter(self._held)))
        while len(self._names) > self._names_max:
            self._names.popitem(last=False)

    def load(self, streams: Iterable[str], names: Iterable[Name]) -> Loaded:
        """Fold streams from their snapshots or from the state in memory; blocking, without changing the memory."""
        wanted = list(dict.fromkeys(streams))
        names_wanted = list(dict.fromkeys(names))
        fresh, grown = self._fold(wanted) if wanted else ({}, {})
        found = self._log.keys(names_wanted) if names_wanted else {}
        return Loaded(fresh, {name: found.get(name) for name in names_wanted}, grown)

    def adopt(self, states: Mapping[str, Held], names: Mapping[Name, str | None], grown: Mapping[str, int]) -> None:
        """Take in what was loaded."""
        for stream, (version, state) in states.items():
            self.put(stream, version, state)
        self.add_weights(grown)
        for name, stream_of_name in names.items():
            self._names[name] = stream_of_name

    def borrow(self, other: "HotStates", streams: Iterable[str]) -> None:
        """Take in what another memory holds of the streams; that one may be changed on its loop meanwhile."""
        for stream in streams:
            held = other.get(stream)
            if held is not None:
                self.put(stream, *held)

    def adopt_all(self, other: "HotStates") -> None:
        """Take in all states of another memory, with their weights."""
        for stream, (version, state) in other._held.items():
            self.put(stream, version, state)
            self.weigh(stream, other._weights.get(stream, 0))

    def empty(self) -> "HotStates":
        """A memory of the same kind with nothing in it: to read everything anew under the log's lock."""
        return HotStates(self._log, self._aggregates, self._registry)

    def clear(self) -> None:
        """Drop everything: after a doubt about what was committed."""
        self._held.clear()
        self._resting.clear()
        self._names.clear()
        self._weights.clear()
        self._bytes = 0

    def forget(self, streams: Iterable[str], *, names: bool = False) -> None:
        """Drop states, and what is believed absent among the names."""
        for stream in streams:
            self._drop(stream)
        if names:
            for name in [name for name, stream in self._names.items() if stream is None]:
                del self._names[name]

    def _drop(self, stream: str) -> None:
        if self._held.pop(stream, None) is not None:
            self._bytes -= self._weights.pop(stream, 0)
            self._resting.pop(stream, None)

    def _fold(self, streams: list[str]) -> tuple[dict[str, Held], dict[str, int]]:
        base: dict[str, Held] = {}
        grown: dict[str, int] = {}
        cold: list[str] = []
        for stream in streams:
            held = self._held.get(stream)
            if held is not None:
                base[stream] = held
            else:
                base[stream] = (0, self._aggregates[prefix(stream)].initial)
                if self._aggregates[prefix(stream)].snapshot_every:
                    cold.append(stream)
        if cold:
            for stream, snapshot in self._log.snapshots(cold).items():
                self._thaw_into(base, stream, snapshot)
                grown[stream] = len(snapshot.state)
        rows = self._log.events_of_many([(stream, base[stream][0]) for stream in streams])
        if lacking := [stream for stream, newer in rows.items() if not follows(newer, base[stream][0])]:
            self._begin_behind_archives(base, rows, lacking)
        for stream, newer in rows.items():
            aggregate = self._aggregates[prefix(stream)]
            version, state = base[stream]
            for row in newer:
                state = aggregate.evolve(state, self._registry.read(row.type, row.state))
                version = row.version
            base[stream] = (version, state)
            grown[stream] = grown.get(stream, 0) + sum(len(row.state) for row in newer)
        return base, grown

    def _begin_behind_archives(
        self, base: dict[str, Held], rows: dict[str, list[LogRow]], streams: Sequence[str]
    ) -> None:
        """Of these streams events are archived: what they had come to with them stands in their place."""
        found = self._log.base_states(streams)
        for stream in streams:
            kept, aggregate = found.get(stream), self._aggregates[prefix(stream)]
            if kept is None or kept.kind != shape_of(aggregate):
                raise BrokenStreamError(f"{stream} behind version {base[stream][0]}")
            base[stream] = (kept.version, thaw(aggregate, kept.state))
            rows[stream] = [row for row in rows[stream] if row.version > kept.version]
            if not follows(rows[stream], kept.version):
                raise BrokenStreamError(f"{stream} behind version {kept.version}")

    def _thaw_into(self, base: dict[str, Held], stream: str, snapshot: StoredSnapshot) -> None:
        aggregate = self._aggregates[prefix(stream)]
        if snapshot.kind == shape_of(aggregate):
            base[stream] = (snapshot.version, thaw(aggregate, snapshot.state))


def valid_stream(kind: str, stream: StreamId) -> bool:
    """Whether a text can be the id of a stream of that kind; anything else never exists and is never looked up."""
    return stream.startswith(kind + "_") and len(stream) == len(kind) + 27 and stream.isascii() and stream.isprintable()
