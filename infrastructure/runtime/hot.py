"""The committer's memory: immutable states of hot streams and unique names, bounded, brought forward from the log."""

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import Any

from domain.kernel.decider import AggregateByPrefix
from domain.kernel.ids import StreamId, prefix
from domain.kernel.registry import Registry
from infrastructure.log.port import Log, StoredSnapshot
from infrastructure.runtime.state_codec import shape_of, thaw

Name = tuple[str, str, str]
Held = tuple[int, Any]
"""(version, state)."""
Loaded = tuple[Mapping[str, Held], Mapping[Name, str | None]]


class HotStates:
    """States by last change, at most ``streams_max`` between groups; owned by one committer, changed on its loop only.

    A state that is only read goes when its turn comes and is loaded again: cheaper than noting every read.
    """

    def __init__(
        self,
        log: Log,
        aggregates: AggregateByPrefix,
        registry: Registry,
        *,
        streams_max: int = 50_000,
        names_max: int = 50_000,
    ) -> None:
        self._log = log
        self._aggregates = aggregates
        self._registry = registry
        self._streams_max = streams_max
        self._names_max = names_max
        self._held: OrderedDict[str, Held] = OrderedDict()
        self._names: OrderedDict[Name, str | None] = OrderedDict()

    def get(self, stream: str) -> Held | None:
        """The state in memory, or None where it has to be loaded first."""
        return self._held.get(stream)

    def put(self, stream: str, version: int, state: Any) -> None:
        """Remember the state after a commit."""
        self._held[stream] = (version, state)
        self._held.move_to_end(stream)

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

    def trim(self) -> None:
        """Drop what was not used for longest. Called between groups, so that no decision loses what it read."""
        while len(self._held) > self._streams_max:
            self._held.popitem(last=False)
        while len(self._names) > self._names_max:
            self._names.popitem(last=False)

    def load(self, streams: Iterable[str], names: Iterable[Name]) -> Loaded:
        """Fold streams from their snapshots or from the state in memory; blocking, without changing the memory."""
        wanted = list(dict.fromkeys(streams))
        names_wanted = list(dict.fromkeys(names))
        fresh = self._fold(wanted) if wanted else {}
        found = self._log.keys(names_wanted) if names_wanted else {}
        return fresh, {name: found.get(name) for name in names_wanted}

    def adopt(self, states: Mapping[str, Held], names: Mapping[Name, str | None]) -> None:
        """Take in what was loaded."""
        for stream, (version, state) in states.items():
            self.put(stream, version, state)
        for name, stream_of_name in names.items():
            self._names[name] = stream_of_name

    def empty(self) -> "HotStates":
        """A memory of the same kind with nothing in it: to read everything anew under the log's lock."""
        return HotStates(self._log, self._aggregates, self._registry)

    def everything(self) -> Mapping[str, Held]:
        """All states in memory."""
        return self._held

    def clear(self) -> None:
        """Drop everything: after a doubt about what was committed."""
        self._held.clear()
        self._names.clear()

    def forget(self, streams: Iterable[str], *, names: bool = False) -> None:
        """Drop states, and what is believed absent among the names."""
        for stream in streams:
            self._held.pop(stream, None)
        if names:
            for name in [name for name, stream in self._names.items() if stream is None]:
                del self._names[name]

    def _fold(self, streams: list[str]) -> dict[str, Held]:
        base: dict[str, Held] = {}
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
        rows = self._log.events_of_many([(stream, base[stream][0]) for stream in streams])
        for stream, newer in rows.items():
            aggregate = self._aggregates[prefix(stream)]
            version, state = base[stream]
            for row in newer:
                state = aggregate.evolve(state, self._registry.read(row.type, row.state))
                version = row.version
            base[stream] = (version, state)
        return base

    def _thaw_into(self, base: dict[str, Held], stream: str, snapshot: StoredSnapshot) -> None:
        aggregate = self._aggregates[prefix(stream)]
        if snapshot.kind == shape_of(aggregate):
            base[stream] = (snapshot.version, thaw(aggregate, snapshot.state))


def valid_stream(kind: str, stream: StreamId) -> bool:
    """Whether a text can be the id of a stream of that kind; anything else never exists and is never looked up."""
    return stream.startswith(kind + "_") and len(stream) == len(kind) + 27 and stream.isascii() and stream.isprintable()
