"""After the append: who is answered, who decides again, what the node's memory has to learn."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final, Protocol, runtime_checkable

import structlog

from domain.kernel.decider import AggregateByPrefix
from domain.kernel.errors import CommandIdReused, RefusalKind, Rejection
from domain.kernel.ids import StreamId, prefix
from domain.kernel.message import Event
from infrastructure.log.port import Appended, MemberResult, Moved, Repeated
from infrastructure.runtime.answered import AnsweredStretches
from infrastructure.runtime.group import ROUNDS_MAX, Decided, Group, Pending
from infrastructure.runtime.hot import HotStates
from infrastructure.runtime.outcome import Outcome, from_receipt, is_the_same, refused
from infrastructure.runtime.view import GroupView

MISMATCHES_MAX = 25
_logger = structlog.get_logger("signalbox.committer")

Place = tuple[StreamId, int, Event, str]
"""(stream, version, event, project)."""


class LeaseRenewed(Rejection):
    """The session was heard since the decision was prepared; nothing expires.

    Read the lease again.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.CONFLICT


class ContendedError(Exception):
    """Fault: the command lost the race on its streams too often; nothing was written, try again."""


class Observer(Protocol):
    """What keeps hints beside the states: the ready index, the agenda, the waiters, the snapshots."""

    def restored(self, stream: StreamId, state: Any) -> None:
        """The state of a stream whose decided events fell."""
        ...

    def committed(self, places: Sequence[Place], position: int) -> None:
        """Events that are in the log now, the last one at ``position``."""
        ...


@runtime_checkable
class EarlyObserver(Observer, Protocol):
    """One that hears of events before they are durable, behind each decision: only what the next one has to know."""

    def decided(self, places: Sequence[Place]) -> None:
        """Events of a group that is about to be appended."""
        ...


@dataclass(slots=True)
class Settlement:
    """What follows from the results of one append."""

    answers: list[tuple[Pending, Outcome]] = field(default_factory=list[tuple[Pending, Outcome]])
    faults: list[tuple[Pending, Exception]] = field(default_factory=list[tuple[Pending, Exception]])
    again: list[Pending] = field(default_factory=list[Pending])
    forward: set[str] = field(default_factory=set[str])
    """Streams to read newer events of before anything is decided again."""
    forget_names: bool = False


def again_after_doubt(pendings: Sequence[Pending]) -> Settlement:
    """Send all of them again, up to the bound."""
    settlement = Settlement()
    for pending in pendings:
        _again(settlement, pending)
    return settlement


class Settler:
    """Applies results to the hot states and tells the observers."""

    def __init__(
        self,
        hot: HotStates,
        aggregates: AggregateByPrefix,
        observers: Sequence[Observer],
        moved: Callable[[], None] = lambda: None,
    ) -> None:
        """``moved`` is told of each command that is decided again because a stream had moved on."""
        self._hot = hot
        self._aggregates = aggregates
        self._observers = observers
        self._early = tuple(one for one in observers if isinstance(one, EarlyObserver))
        self._told_moved = moved
        self.answered: Final = AnsweredStretches()
        """What the reactor need not look at."""

    def announce(self, decided: Sequence[Decided]) -> None:
        """Tell the hints at once what was decided, so that the next command does not choose it again."""
        places = [place for one in decided for place in one.events]
        if places:
            for observer in self._early:
                observer.decided(places)

    def withdraw(self, group: Group) -> None:
        """Take the announcement back: the group was not appended.

        A stream that is not in memory was taken for new; left announced, its tasks would look ready for ever.
        """
        for stream in {place[0] for one in group.decided for place in one.events}:
            held = self._hot.get(stream)
            self._restored(stream, self._aggregates[prefix(stream)].initial if held is None else held[1])

    def restore(self, streams: Iterable[str]) -> None:
        """Tell the hints the states as they are."""
        for stream in streams:
            held = self._hot.get(stream)
            if held is not None:
                self._restored(stream, held[1])

    def _restored(self, stream: str, state: Any) -> None:
        for observer in self._observers:
            observer.restored(StreamId(stream), state)

    def settle(self, group: Group, view: GroupView, results: Sequence[MemberResult]) -> Settlement:
        """One settlement from one result per member, in order."""
        settlement = Settlement(faults=list(group.faults))
        for pending, error in group.faults:
            _logger.error("a command failed", command=pending.command.NAME, id=pending.stamp.command_id, exc_info=error)
        clean = all(type(result) is Appended for result in results)
        if clean:
            view.promote()
            self._hot.add_weights(_grown(group.decided))
        for index, (one, result) in enumerate(zip(group.decided, results, strict=True)):
            if isinstance(result, Appended):
                self._appended(settlement, one, result, clean)
            elif isinstance(result, Repeated):
                self._repeated(settlement, one, result)
            else:
                self._moved(settlement, group, results, index, result)
        for pending, cause in group.later:
            if cause is None or isinstance(results[cause], Appended):
                settlement.again.append(pending)
        places, position = self._tell(group, results)
        if clean and places and _answers_itself(group):
            # One append, so nobody else's events lie between them.
            self.answered.note(position - places, position)
        return settlement

    def _appended(self, settlement: Settlement, one: Decided, result: Appended, clean: bool) -> None:
        settlement.answers.append((one.pending, Outcome(one.member.outcome, result.position)))
        if clean:
            return
        for row, (stream, version, event, _) in zip(one.member.events, one.events, strict=True):
            held = self._hot.get(stream)
            if held is None or held[0] != version - 1:
                settlement.forward.add(stream)
                continue
            self._hot.put(stream, version, self._aggregates[prefix(stream)].evolve(held[1], event))
            self._hot.add_weights({stream: len(row.state)})
        for key in one.member.keys:
            self._hot.put_name((key.scope, key.kind, key.name), key.stream)

    def _repeated(self, settlement: Settlement, one: Decided, result: Repeated) -> None:
        settlement.forward.update(one.reads)
        settlement.forget_names = settlement.forget_names or bool(one.member.keys or one.member.absent_keys)
        kept = result.receipt
        same = kept.digest == one.member.digest or is_the_same(kept.body, one.pending.command)
        reused = Outcome(refused(CommandIdReused(command_id=one.member.command_id)), kept.position)
        settlement.answers.append((one.pending, from_receipt(kept) if same else reused))

    def _moved(
        self, settlement: Settlement, group: Group, results: Sequence[MemberResult], index: int, result: Moved
    ) -> None:
        one = group.decided[index]
        settlement.forward.update(result.streams, one.reads)
        settlement.forget_names = settlement.forget_names or result.keys
        if result.lease:
            text = refused(LeaseRenewed())
            settlement.answers.append((one.pending, Outcome(text, 0)))
        elif one.member.cause is None or isinstance(results[one.member.cause], Appended):
            self._told_moved()
            _again(settlement, one.pending)
        # A derived command whose cause fell is dropped: it is derived again if the cause is decided so again.

    def _tell(self, group: Group, results: Sequence[MemberResult]) -> tuple[int, int]:
        """How many events are in the log now, and the position of the last one."""
        places: list[Place] = []
        position = 0
        for one, result in zip(group.decided, results, strict=True):
            if isinstance(result, Appended):
                places += one.events
                position = max(position, result.position)
        if places:
            for observer in self._observers:
                observer.committed(places, position)
        return len(places), position


def _grown(decided: Sequence[Decided]) -> dict[str, int]:
    """By how many bytes the streams of a group have grown."""
    grown: dict[str, int] = {}
    for one in decided:
        for row in one.member.events:
            grown[row.stream] = grown.get(row.stream, 0) + len(row.state)
    return grown


def _answers_itself(group: Group) -> bool:
    """Whether every policy that its events call for was decided, and accepted, among its members."""
    return not (group.faults or group.later) and all(
        one.depth == 0 or (one.depth < ROUNDS_MAX and one.decision.rejection is None) for one in group.decided
    )


def _again(settlement: Settlement, pending: Pending) -> None:
    pending.mismatches += 1
    if pending.mismatches > MISMATCHES_MAX:
        settlement.faults.append((pending, ContendedError()))
    else:
        settlement.again.append(pending)
