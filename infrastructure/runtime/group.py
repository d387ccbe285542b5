"""Deciding one group: commands in arrival order, each seeing the ones before, with what their policies derive."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from domain.kernel.decider import Decision, StreamsMissing, Write
from domain.kernel.decisions import Rules
from domain.kernel.errors import Unreplayable
from domain.kernel.ids import FLEET, ProjectId, StreamId
from domain.kernel.message import Command, CommandKey, Event, Stamp
from domain.kernel.policy import Cause, Policy, derived_stamp
from domain.kernel.registry import schema_version
from domain.refusal.decider import REFUSALS, is_kept, refusals_stream
from domain.refusal.errors import RefusalCounted
from domain.refusal.events import CommandRefused
from infrastructure.log.port import Member, NewEvent, OutcomeUnknown
from infrastructure.runtime.outcome import Outcome, accepted, refused
from infrastructure.runtime.view import GroupView

ROUNDS_MAX: Final = 8
"""How deep policies may answer policies inside one group; the reactor finds what lies deeper."""

Joined = tuple[bytes, "asyncio.Future[Outcome]"]
"""The digest of a further arrival of an id, and who waits for its answer."""


@dataclass(slots=True, eq=False)
class Pending:
    """A command under way, with the caller that waits for it (none for a derived one)."""

    command: Command
    stamp: Stamp
    body: bytes
    digest: bytes
    caller: asyncio.Future[Outcome] | None = None
    joined: list[Joined] = field(default_factory=list[Joined])
    mismatches: int = 0
    doubted: bool = False
    """Whether an append of it broke off: it may be in the log, so no fault may say that nothing was written."""
    counted: bool = False
    """Whether its refusal was counted instead of recorded."""
    key: CommandKey = field(init=False)

    def __post_init__(self) -> None:
        self.key = self.stamp.key

    def fail(self, error: Exception) -> None:
        """Tell whoever waits that there is no answer."""
        fault = OutcomeUnknown(repr(error)) if self.doubted else error
        for caller in (self.caller, *(joined for _, joined in self.joined)):
            if caller is not None and not caller.done():
                caller.set_exception(fault)
                # Looked at here, so that the loop does not complain where the caller has gone.
                caller.exception()


@dataclass(slots=True, eq=False)
class Decided:
    """A pending command with its decision and the member that asks the log to write it."""

    pending: Pending
    decision: Decision
    member: Member
    reads: tuple[str, ...]
    events: tuple[tuple[StreamId, int, Event, str], ...] = ()
    """(stream, version, event, project) of what it writes."""
    depth: int = 0


@dataclass(slots=True)
class Group:
    """What was decided so far, in order."""

    decided: list[Decided] = field(default_factory=list[Decided])
    faults: list[tuple[Pending, Exception]] = field(default_factory=list[tuple[Pending, Exception]])
    keys: set[CommandKey] = field(default_factory=set[CommandKey])
    members_max: int | None = None
    later: list[tuple[Pending, int | None]] = field(default_factory=list[tuple[Pending, int | None]])
    """What found no room, with the index of the member whose event it answers (None for what a caller asked)."""

    def members(self) -> list[Member]:
        return [one.member for one in self.decided]

    @property
    def only_asks(self) -> bool:
        """Whether no member changes anything or leaves a receipt."""
        return all(one.pending.command.ASKS and not one.member.events for one in self.decided)


class GroupDecider:
    """Turns pending commands into members. Pure but for the view that it fills."""

    def __init__(
        self,
        rules: Rules,
        policies: Sequence[Policy],
        fleet_prefixes: frozenset[str],
        *,
        counted: Callable[[str], None] = lambda _code: None,
    ) -> None:
        self._rules = rules
        self._counted = counted
        self._fleet = fleet_prefixes
        self._policies: Mapping[type[Event], tuple[Policy, ...]] = by_event(policies)

    def decide(self, pending: Pending, view: GroupView, group: Group) -> None:
        """Decide one command and everything that follows from it in this group.

        Raises StreamsMissing with the group and the view as they were, so that the caller loads and asks again.
        """
        decided, faults, later = len(group.decided), len(group.faults), len(group.later)
        try:
            self._decide_tree(pending, view, group)
        except StreamsMissing:
            group.keys.difference_update(one.pending.key for one in group.decided[decided:])
            del group.decided[decided:]
            del group.faults[faults:]
            del group.later[later:]
            raise

    def probe(self, pending: Pending, view: GroupView) -> StreamsMissing:
        """What deciding this command now would lack first; nothing of it stays."""
        view.begin()
        try:
            self._rules.decide(pending.command, pending.stamp, view)
        except StreamsMissing as missing:
            return missing
        except Exception:  # decided in its turn, where it is told
            return StreamsMissing()
        return StreamsMissing()

    def _decide_tree(self, pending: Pending, view: GroupView, group: Group) -> None:
        undone: list[GroupView.Journal] = []
        queue: list[tuple[Pending, int | None, int]] = [(pending, None, 0)]
        try:
            while queue:
                now, cause, depth = queue.pop(0)
                if group.members_max is not None and len(group.decided) >= group.members_max:
                    group.later.append((now, cause))
                    continue
                if now.key in group.keys:
                    # Derived here and asked by the reactor at once: the second one finds the receipt of the first.
                    group.later.append((now, None))
                    continue
                decided = self._decide_one(now, view, cause, depth, group)
                undone.append(view.journal())
                if decided is None:
                    continue
                derived = self._derived(decided, view, len(group.decided), depth, group)
                if derived is None:
                    # What nobody could react to must not be stored; the rest of the group stands without it.
                    view.take_back(undone.pop())
                    continue
                group.decided.append(decided)
                group.keys.add(now.key)
                queue += derived
        except StreamsMissing:
            view.undo()
            for journal in reversed(undone):
                view.take_back(journal)
            raise

    def _decide_one(
        self, pending: Pending, view: GroupView, cause: int | None, depth: int, group: Group
    ) -> Decided | None:
        view.begin()
        try:
            decision = self._rules.decide(pending.command, pending.stamp, view)
            decision = self._with_audit(pending, decision, view)
            before = view.apply(decision)
            return self._member(pending, decision, view, before, cause, depth)
        except StreamsMissing:
            raise
        except Exception as error:
            view.undo()
            group.faults.append((pending, _fault(pending, error)))
            return None

    def _with_audit(self, pending: Pending, decision: Decision, view: GroupView) -> Decision:
        """The decision with the record of a refusal that matters, unless its like was recorded just before."""
        rejection = decision.rejection
        if isinstance(rejection, RefusalCounted):
            self._count(pending, rejection.code_of_refusal)
        if rejection is None or not rejection.AUDITED:
            return decision
        stamp = pending.stamp
        stream = refusals_stream(stamp.project)
        event = CommandRefused(
            command=pending.command.NAME,
            code=rejection.code(),
            message=rejection.message(),
            principal=stamp.principal,
            at=stamp.time,
        )
        if not is_kept(view.read(REFUSALS, stream), event):
            self._count(pending, event.code)
            return decision
        return decision._replace(writes=(*decision.writes, Write(stream, (event,), stamp.project)))

    def _count(self, pending: Pending, code: str) -> None:
        # Decided again, it is still one refusal.
        if not pending.counted:
            pending.counted = True
            self._counted(code)

    def _member(
        self,
        pending: Pending,
        decision: Decision,
        view: GroupView,
        before: dict[str, int],
        cause: int | None,
        depth: int,
    ) -> Decided:
        stamp = pending.stamp
        rows: list[NewEvent] = []
        events: list[tuple[StreamId, int, Event, str]] = []
        for write in decision.writes:
            project = self._project_of(write, stamp)
            version = before[write.stream]
            for event in write.events:
                version += 1
                kind = type(event).TYPE
                rows.append(NewEvent(write.stream, version, kind, schema_version(kind), event.stored(), project))
                events.append((write.stream, version, event, project))
            before[write.stream] = version
        refusal = decision.rejection
        member = Member(
            command_id=stamp.command_id,
            project=stamp.project,
            principal=stamp.principal,
            time=stamp.time,
            correlation_id=stamp.correlation_id,
            causation_id=stamp.causation_id,
            traceparent=stamp.traceparent,
            digest=pending.digest,
            body=pending.body,
            outcome=accepted(decision.answer) if refusal is None else refused(refusal),
            reads=tuple(view.reads.items()),
            events=tuple(rows),
            keys=decision.keys,
            absent_keys=tuple(view.absent),
            leases=decision.leases,
            cause=cause,
            receipt=bool(rows) or (refusal is None and not pending.command.ASKS),
        )
        return Decided(pending, decision, member, tuple(view.reads), tuple(events), depth)

    def _project_of(self, write: Write, stamp: Stamp) -> str:
        if write.project is not None:
            return write.project
        return FLEET if write.stream.partition("_")[0] in self._fleet else stamp.project

    def _derived(
        self, decided: Decided, view: GroupView, index: int, depth: int, group: Group
    ) -> list[tuple[Pending, int | None, int]] | None:
        """What the policies answer to the events of a member; None where one of them failed, which is a fault."""
        try:
            return self._derive(decided, view, index, depth) if depth < ROUNDS_MAX else []
        except StreamsMissing:
            raise
        except Exception as error:
            group.faults.append((decided.pending, _fault(decided.pending, error)))
            return None

    def _derive(
        self, decided: Decided, view: GroupView, index: int, depth: int
    ) -> list[tuple[Pending, int | None, int]]:
        found: list[tuple[Pending, int | None, int]] = []
        stamp = decided.pending.stamp
        for stream, version, event, project in decided.events:
            for policy in self._policies.get(type(event), ()):
                view.begin()
                cause = Cause(stream, version, event, ProjectId(project))
                for derived in policy.react(cause, view):
                    its_stamp = derived_stamp(policy.name, cause, derived, stamp.time, stamp.correlation_id)
                    found.append((derived_pending(derived.command, its_stamp), index, depth + 1))
        return found


def _fault(pending: Pending, error: Exception) -> Unreplayable:
    fault = Unreplayable(f"{type(pending.command).__name__}: {error!r}")
    fault.__cause__ = error
    return fault


def derived_pending(command: Command, stamp: Stamp) -> Pending:
    """A pending command that nobody waits for; its id is a hash of its content's cause, so it needs no digest."""
    return Pending(command, stamp, b"", b"")


def by_event(policies: Sequence[Policy]) -> dict[type[Event], tuple[Policy, ...]]:
    """Policies by the events that they answer."""
    found: dict[type[Event], tuple[Policy, ...]] = {}
    for policy in policies:
        for kind in policy.answers:
            found[kind] = (*found.get(kind, ()), policy)
    return found
