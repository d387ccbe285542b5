"""Deciding a recorded command once more, by today's rules, on the states that it saw then."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import orjson
from pydantic import ValidationError

from domain import catalogue
from domain.dispatch.ready import ReadyIndex
from domain.kernel.decider import StreamsMissing
from domain.kernel.errors import Rejection
from domain.kernel.ids import FLEET, CommandId, Instant, PrincipalId, ProjectId, StreamId, command_id_of
from domain.kernel.message import Command, Event, Stamp
from domain.kernel.policy import Cause, Derived, Policy
from domain.lock.events import LocksGranted, LocksTransferred, LockTransferReverted
from domain.principal.allow import principal_of
from domain.principal.decider import KEY
from domain.principal.state import Key
from infrastructure.expressions.conditions import CelExpressions
from infrastructure.history.port import History, KeptCommand
from infrastructure.history.reading import event_at
from infrastructure.log.archived import BaseState
from infrastructure.log.erasures import FORGOTTEN_BODY
from infrastructure.log.mapper import recorded
from infrastructure.log.port import LogRow, StoredSnapshot
from infrastructure.runtime.group import Decided, Group, GroupDecider, Pending
from infrastructure.runtime.hot import HotStates, Name, valid_stream
from infrastructure.runtime.view import GroupView

LOADS_MAX: Final = 1_000
"""Times that one decision may ask for further states."""
PAGE_EVENTS: Final = 2_000
FLEET_PREFIXES: Final = frozenset(one.prefix for one in catalogue.AGGREGATES.values() if one.fleet)
_ALL_KEPT: Final = {name: replace(one, snapshot_every=1) for name, one in catalogue.AGGREGATES.items()}
"""A stream of any kind may have begun in what is archived: its state is asked for before its events."""
POLICY: Final = "policy:"
ERA_SHIFT: Final = 40
"""Bits of a token below its era."""
_MINTING: Final = {
    LocksGranted.TYPE: "token",
    LocksTransferred.TYPE: "successor",
    LockTransferReverted.TYPE: "successor",
}
"""Events with a new token, and where it stands."""


class NotDecidable(Exception):
    """The recorded command cannot be asked again; the message says why."""


class AskedNoMore(NotDecidable):
    """What was asked was erased together with what was said of its subject."""


class LogAsOf:
    """The log as whoever decided at a position found it."""

    def __init__(self, history: History) -> None:
        self._history = history
        self._archived = bool(history.archives())
        self.position = 0

    def events_of_many(self, wanted: Sequence[tuple[str, int]]) -> dict[str, list[LogRow]]:
        """Events up to the position."""
        return {stream: self._events_of(stream, after) for stream, after in wanted}

    def keys(self, wanted: Sequence[Name]) -> dict[Name, str]:
        """Names that were taken by then: a name is taken when its stream begins."""
        found = self._history.keys(wanted)
        return {name: stream for name, stream in found.items() if self._has_begun(stream)}

    def snapshots(self, streams: Sequence[str]) -> dict[str, StoredSnapshot]:
        """What streams had come to with their archived events; all other states that are kept may be of later."""
        return {
            stream: StoredSnapshot(stream, one.version, one.kind, one.state)
            for stream, one in self.base_states(streams).items()
        }

    def base_states(self, streams: Sequence[str]) -> dict[str, BaseState]:
        """Those that had come so far by then."""
        found = self._history.base_states(streams) if self._archived else {}
        return {stream: one for stream, one in found.items() if one.position <= self.position}

    def _events_of(self, stream: str, after: int) -> list[LogRow]:
        found: list[LogRow] = []
        while rows := self._history.events_of(stream, after=after, limit=PAGE_EVENTS):
            found += (row for row in rows if row.position <= self.position)
            if rows[-1].position > self.position or len(rows) < PAGE_EVENTS:
                break
            after = rows[-1].version
        return found

    def _has_begun(self, stream: str) -> bool:
        if self.base_states([stream]):
            return True
        first = next(iter(self._history.events_of(stream, limit=1)), None)
        return first is not None and first.position <= self.position


@dataclass(frozen=True, slots=True)
class Again:
    """What today's rules make of a recorded command."""

    name: str
    command: Command
    events: tuple[tuple[StreamId, int, Event, str], ...]
    """(stream, version, event, project)."""
    rejection: Rejection | None
    reads: dict[str, int]
    """Version of every stream that the decision looked at."""


class Decider:
    """Decides commands in the order of the log; ``absorb`` moves the states on. Takes constant memory."""

    def __init__(self, history: History, policies: Sequence[Policy] = catalogue.POLICIES) -> None:
        self._history = history
        self._source = LogAsOf(history)
        self._policies = {policy.name: policy for policy in policies}
        self._era = history.era()
        self.hot = HotStates(self._source, _ALL_KEPT, catalogue.REGISTRY)
        self.ready = ReadyIndex()
        self._expressions = CelExpressions()

    def again(self, kept: KeptCommand, run: Sequence[LogRow], ready: ReadyIndex | None = None) -> Again:
        """Decide what wrote a run of events, on the states before them. Raises NotDecidable."""
        self._source.position = run[0].position - 1
        view = GroupView(self.hot, catalogue.AGGREGATES, self._era_of(run))
        command, stamp = self._asked(kept, run[0], view)
        group = Group()
        rules = catalogue.rules(self.ready if ready is None else ready, expressions=self._expressions)
        decided = self._decided(GroupDecider(rules, (), FLEET_PREFIXES), Pending(command, stamp, b"", b""), view, group)
        return Again(command.NAME, command, decided.events, decided.decision.rejection, dict(decided.member.reads))

    def absorb(self, row: LogRow, event: Event) -> None:
        """The event happened: states in memory and the index of what is ready know it from here on."""
        held = self.hot.get(row.stream)
        if held is not None and held[0] == row.version - 1:
            aggregate = catalogue.AGGREGATES[row.stream.rpartition("_")[0]]
            self.hot.put(row.stream, row.version, aggregate.evolve(held[1], event))
            self.hot.add_weights({row.stream: len(row.state)})
        if row.version == 1:
            # A name that was absent may be taken now.
            self.hot.forget((), names=True)
        self.ready.observe(ProjectId(row.project or FLEET), StreamId(row.stream), event)

    def pinned(self, run: Sequence[LogRow]) -> ReadyIndex:
        """An index in which only those tasks are ready that a run of events claims, each as it was before."""
        index = ReadyIndex()
        index.footprints = self.ready.footprints
        for row in run:
            if row.type == "task.claimed.v1":
                held = self.hot.get(row.stream) or self.hot.load([row.stream], []).states[row.stream]
                index.restore(StreamId(row.stream), held[1])
        return index

    def _era_of(self, run: Sequence[LogRow]) -> int:
        """The era that a token was made in stands in it; the log may have been restored or forked since."""
        for row in run:
            if row.type in _MINTING:
                return int(orjson.loads(row.state)[_MINTING[row.type]]) >> ERA_SHIFT
        return self._era

    def _asked(self, kept: KeptCommand, first: LogRow, view: GroupView) -> tuple[Command, Stamp]:
        stamp = Stamp(
            command_id=CommandId(kept.command_id),
            project=ProjectId(kept.project),
            principal=PrincipalId(kept.principal),
            time=Instant(kept.time),
            correlation_id=first.correlation_id or "",
            causation_id=first.causation_id,
            traceparent=first.traceparent,
            sees=self._sees(kept.principal),
        )
        if kept.body:
            return _parsed(kept.body), stamp
        derived = self._derived(kept, first, view)
        return derived.command, stamp._replace(project=derived.project)

    def _derived(self, kept: KeptCommand, first: LogRow, view: GroupView) -> Derived:
        """What a policy asked in the group of its cause, of which no body is kept: the policy is asked again."""
        policy = self._policies.get(kept.principal.removeprefix(POLICY))
        stream, _, version = (first.causation_id or "").rpartition("@")
        row = event_at(self._history, stream, int(version)) if version.isdigit() else None
        if policy is None or row is None:
            raise NotDecidable(f"{kept.principal} or the event that it answered is not there any more")
        known = recorded(row, catalogue.REGISTRY)
        cause = Cause(known.stream, known.version, known.event, known.project)
        for derived in self._reacted(policy, cause, view):
            if command_id_of(policy.name, cause.stream, cause.version, derived.target) == kept.command_id:
                return derived
        raise NotDecidable(f"{kept.principal} does not ask it any more of {first.causation_id}")

    def _reacted(self, policy: Policy, cause: Cause, view: GroupView) -> tuple[Derived, ...]:
        for _ in range(LOADS_MAX):
            try:
                return policy.react(cause, view)
            except StreamsMissing as missing:
                self.hot.adopt(*self.hot.load(missing.streams, missing.keys))
        raise NotDecidable("it asks for states without end")

    def _decided(self, decider: GroupDecider, pending: Pending, view: GroupView, group: Group) -> Decided:
        for _ in range(LOADS_MAX):
            try:
                decider.decide(pending, view, group)
            except StreamsMissing as missing:
                self.hot.adopt(*self.hot.load(missing.streams, missing.keys))
                continue
            if group.faults:
                raise NotDecidable(str(group.faults[0][1]))
            return group.decided[0]
        raise NotDecidable("it asks for states without end")

    def _sees(self, principal: str) -> frozenset[ProjectId] | None:
        if not valid_stream(KEY.prefix, StreamId(principal)):
            return None
        state = (self.hot.get(principal) or self.hot.load([principal], []).states[principal])[1]
        return principal_of(PrincipalId(principal), state).projects if isinstance(state, Key) else None


def _parsed(body: bytes) -> Command:
    said = orjson.loads(body)
    if body == FORGOTTEN_BODY:
        raise AskedNoMore("what was asked was erased")
    kind = catalogue.COMMANDS.get(said["type"])
    if kind is None:
        raise NotDecidable(f"there is no command {said['type']} any more")
    try:
        return kind.model_validate_json(orjson.dumps(said["command"]))
    except ValidationError as error:
        raise NotDecidable(f"{said['type']} has another form by now: {error.error_count()} of its fields") from error
