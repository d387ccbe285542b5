"""A world in memory for given / when / then: the same view and fold as the server, no store, no clock."""

from typing import Any

from domain.kernel.decider import Aggregate, AggregateByPrefix, Decision, Recorded, S
from domain.kernel.decisions import Rules
from domain.kernel.ids import CommandId, Instant, PrincipalId, ProjectId, StreamId, Version, derived_id, prefix
from domain.kernel.message import Command, Event, Stamp


class World:
    """States by stream, unique names, and the log that led there. Every decision is applied unless it was refused."""

    def __init__(self, aggregates: AggregateByPrefix, rules: Rules | None = None) -> None:
        self.aggregates = aggregates
        self.rules = rules
        self.now = Instant(1_700_000_000_000_000)
        self.era = 1
        self.states: dict[StreamId, Any] = {}
        self.versions: dict[StreamId, int] = {}
        self.names: dict[tuple[str, str, str], StreamId] = {}
        self.log: list[Recorded] = []
        self.commands = 0

    def read(self, aggregate: Aggregate[S], stream: StreamId) -> S:
        state: S = self.states.get(stream, aggregate.initial)
        return state

    def version(self, stream: StreamId) -> Version:
        return Version(self.versions.get(stream, 0))

    def key(self, scope: ProjectId, kind: str, name: str) -> StreamId | None:
        return self.names.get((scope, kind, name))

    def stamp(self, project: str = "fleet", principal: str = "key_test", command_id: str | None = None) -> Stamp:
        """A stamp at the world's present."""
        self.commands += 1
        identifier = command_id or derived_id("cmd", self.now, ("test", str(self.commands)))
        return Stamp(
            command_id=CommandId(identifier),
            project=ProjectId(project),
            principal=PrincipalId(principal),
            time=self.now,
            correlation_id=identifier,
        )

    def given(self, stream: str, *events: Event, project: str = "fleet") -> "World":
        """Apply events as they are."""
        for event in events:
            self._apply(StreamId(stream), event, project, "given")
        return self

    def when(self, command: Command, stamp: Stamp | None = None) -> Decision:
        """Decide a command and apply what it decided (also the events that a refusal carries)."""
        assert self.rules is not None, "give the world its rules first"
        chosen = stamp or self.stamp()
        decision = self.rules.decide(command, chosen, self)
        self.apply(decision, chosen)
        return decision

    def apply(self, decision: Decision, stamp: Stamp) -> None:
        for row in decision.keys:
            assert (row.scope, row.kind, row.name) not in self.names, "a unique name was taken twice"
            self.names[row.scope, row.kind, row.name] = row.stream
        behind: dict[StreamId, Any] = {}
        for write in decision.writes:
            for event in write.events:
                self._apply(write.stream, event, write.project or stamp.project, stamp.command_id)
            behind.setdefault(write.stream, self.states.get(write.stream))
        for stream, state in decision.folded.items():
            assert stream not in behind or state == behind[stream], f"{stream} was folded otherwise"

    def advance(self, seconds: float) -> Instant:
        """Let time pass."""
        self.now = Instant(self.now + int(seconds * 1_000_000))
        return self.now

    def _apply(self, stream: StreamId, event: Event, project: str, command_id: str) -> None:
        aggregate = self.aggregates[prefix(stream)]
        self.states[stream] = aggregate.evolve(self.states.get(stream, aggregate.initial), event)
        self.versions[stream] = self.versions.get(stream, 0) + 1
        self.log.append(
            Recorded(
                position=len(self.log) + 1,
                stream=stream,
                version=self.versions[stream],
                event=event,
                recorded_at=self.now,
                project=ProjectId(project),
                actor="test",
                command_id=command_id,
                correlation_id=command_id,
            )
        )
