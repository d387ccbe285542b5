"""What the decisions of one group see: the hot states below, the effects of earlier members above."""

from dataclasses import dataclass
from typing import Any

from domain.kernel.decider import Aggregate, AggregateByPrefix, Decision, S, StreamsMissing, Write
from domain.kernel.errors import Unreplayable
from domain.kernel.ids import ProjectId, StreamId, Version, prefix
from infrastructure.runtime.hot import Held, HotStates, Name, valid_stream


class GroupView:
    """Reads through the overlay into the hot states, and notes each read of the decision at hand.

    ``begin`` starts a decision, ``apply`` lays its effects over the hot states, ``undo`` takes the last one back.
    """

    def __init__(self, hot: HotStates, aggregates: AggregateByPrefix, era: int) -> None:
        self.hot = hot
        self._aggregates = aggregates
        self._era = era
        self._overlay: dict[str, Held] = {}
        self._names: dict[Name, str] = {}
        self._journal: GroupView.Journal | None = None
        self.reads: dict[str, int] = {}
        self.absent: dict[Name, None] = {}

    @property
    def era(self) -> int:
        return self._era

    @dataclass(slots=True)
    class Journal:
        """How to take back one decision."""

        states: list[tuple[str, Held | None]]
        names: list[Name]

    def begin(self) -> None:
        """Forget the reads of the decision before."""
        self.reads = {}
        self.absent = {}
        self._journal = None

    def read(self, aggregate: Aggregate[S], stream: StreamId) -> S:
        found = self._overlay.get(stream) or self.hot.get(stream)
        if found is None or not stream.startswith(aggregate.prefix):
            if not valid_stream(aggregate.prefix, stream):
                return aggregate.initial
            raise StreamsMissing(streams=(stream,))
        version, state = found
        self.reads.setdefault(stream, version)
        result: S = state
        return result

    def version(self, stream: StreamId) -> Version:
        return Version(self._held(stream)[0])

    def key(self, scope: ProjectId, kind: str, name: str) -> StreamId | None:
        wanted = (scope, kind, name)
        found = self._names.get(wanted)
        if found is None:
            if not self.hot.has_name(wanted):
                raise StreamsMissing(keys=((scope, kind, name),))
            found = self.hot.name(wanted)
        if found is None:
            self.absent[wanted] = None
            return None
        return StreamId(found)

    def held(self, stream: str) -> Any:
        """The state as this group sees it now; only for streams that were read."""
        return self._held(stream)[1]

    def apply(self, decision: Decision) -> dict[str, int]:
        """Evolve what was decided before it is stored; answers the version of each written stream before it.

        Raises Unreplayable for events that cannot be folded.
        """
        before: dict[str, int] = {}
        folded, journal = decision.folded, self.journal()
        for write in decision.writes:
            version, state = self._held_or_new(write.stream)
            known = folded.get(write.stream) if write.stream not in before else None
            before.setdefault(write.stream, version)
            self.reads.setdefault(write.stream, version)
            journal.states.append((write.stream, self._overlay.get(write.stream)))
            after = self._evolved(write, state) if known is None else known
            self._overlay[write.stream] = (version + len(write.events), after)
        for row in decision.keys:
            wanted = (row.scope, row.kind, row.name)
            self._names[wanted] = row.stream
            journal.names.append(wanted)
            self.absent.pop(wanted, None)
        return before

    def journal(self) -> "GroupView.Journal":
        """How to take back the decision at hand, later."""
        if self._journal is None:
            # Not before somebody asks: policies only look, and they are asked several times for each decision.
            self._journal = GroupView.Journal([], [])
        return self._journal

    def undo(self) -> None:
        """Take back the decision at hand."""
        self.take_back(self.journal())
        self._journal = None

    def take_back(self, journal: "GroupView.Journal") -> None:
        """Take back a decision; the later ones have to be taken back before."""
        for stream, former in reversed(journal.states):
            if former is None:
                self._overlay.pop(stream, None)
            else:
                self._overlay[stream] = former
        for name in journal.names:
            self._names.pop(name, None)

    def promote(self) -> None:
        """Everything was committed: the overlay becomes hot."""
        for stream, (version, state) in self._overlay.items():
            self.hot.put(stream, version, state)
        for name, stream in self._names.items():
            self.hot.put_name(name, stream)

    def _evolved(self, write: Write, state: Any) -> Any:
        evolve = self._aggregates[prefix(write.stream)].evolve
        try:
            for event in write.events:
                state = evolve(state, event)
        except Exception as error:
            raise Unreplayable(f"{write.stream}: {error!r}") from error
        return state

    def _held_or_new(self, stream: str) -> Held:
        """A stream that is written without having been read is taken for new; the append looks whether it is."""
        return self._overlay.get(stream) or self.hot.get(stream) or (0, self._aggregates[prefix(stream)].initial)

    def _held(self, stream: str) -> Held:
        found = self._overlay.get(stream) or self.hot.get(stream)
        if found is None:
            raise StreamsMissing(streams=(StreamId(stream),))
        return found
