"""Everything that only time will bring about: a fold of the log that says what is due and when to look again."""

from heapq import heapify, heappop, heappush
from typing import Final

from domain.kernel.decider import Recorded
from domain.kernel.ids import Instant, ProjectId, StreamId
from domain.kernel.message import Event, Message
from domain.kernel.policy import Cause, Derived
from domain.policies.timers import STARTS, STOPS, stopped_by, waits_of
from domain.policies.waits import Subject, Wait
from domain.task.events import TaskCancelled, TaskCompleted, TaskPlanned

DUE_MAX: Final = 500
"""Commands that one look answers at most, unless told otherwise."""

TIMED: Final[frozenset[type[Event]]] = frozenset({*STARTS, *STOPS, TaskPlanned})
"""Events that an agenda can learn anything from."""
_STARTING: Final = frozenset(STARTS)
_STARTS_BY_TYPE: Final = {event.TYPE: event for event in STARTS}


class WaitRow(Message):
    """A wait as plain JSON: the event that started it, with its place."""

    stream: str
    version: int
    project: str
    type: str
    event: str
    policy: str = ""
    """Whose wait it is; empty in rows of a former program, whose events started one wait each."""


class AgendaRows(Message):
    """An agenda as plain JSON."""

    waits: tuple[WaitRow, ...]
    timeouts: dict[str, float]


class Agenda:
    """Waits by subject. It is a hint: each command is decided again, so one that is stale changes nothing.

    Whoever asks the commands calls ``forget`` with what was answered, whether it was accepted or refused, and
    ``postpone`` with what was asked too early; what could not be decided stays. Events may arrive more than once, as
    long as each stream's come in order.
    """

    def __init__(self) -> None:
        self._waits: dict[Subject, Wait] = {}
        self._order: list[tuple[Instant, Subject, int]] = []
        self._timeouts: dict[str, float] = {}
        """Seconds per attempt of tasks that have a timeout and are neither completed nor cancelled."""

    def __len__(self) -> int:
        return len(self._waits)

    def observe(self, recorded: Recorded | Cause) -> None:
        """Take note of an event: waits end, waits begin. O(log waits)."""
        cause = _cause(recorded)
        self._note_timeout(cause)
        kind = type(cause.event)
        if kind in STOPS:
            for subject in stopped_by(cause):
                self._waits.pop(subject, None)
        if kind in _STARTING:
            for wait in waits_of(cause, self._timeouts.get(cause.stream)):
                self._put(wait)

    def due(self, now: Instant, *, most: int = DUE_MAX) -> tuple[tuple[str, Cause, Derived], ...]:
        """The longest due waits, at most ``most``: policy, cause and command. They stay until forgotten or moot."""
        found: dict[Subject, Wait] = {}
        while self._order and self._order[0][0] <= now and len(found) < most:
            place = heappop(self._order)
            wait = self._waits.get(place[1])
            if wait is not None and _place(wait) == place:
                found[wait.subject] = wait
        for wait in found.values():
            heappush(self._order, _place(wait))
        return tuple((wait.subject.policy, wait.cause, wait.derived) for wait in found.values())

    def next_at(self) -> Instant | None:
        """The earliest instant at which something is due; None when nothing waits."""
        while self._order:
            place = self._order[0]
            wait = self._waits.get(place[1])
            if wait is not None and _place(wait) == place:
                return wait.at
            heappop(self._order)
        return None

    def forget(self, policy: str, cause: Cause) -> None:
        """The command of that policy and cause was answered; a wait that began since stays."""
        for subject in _subjects(policy, cause):
            wait = self._waits.get(subject)
            if wait is not None and wait.cause.version == cause.version:
                del self._waits[subject]

    def postpone(self, policy: str, cause: Cause, until: Instant) -> None:
        """The command of that policy and cause is not due before ``until``; a wait that began since stays as it is."""
        for subject in _subjects(policy, cause):
            wait = self._waits.get(subject)
            if wait is not None and wait.cause.version == cause.version:
                self._put(wait._replace(at=until))

    def dump(self) -> AgendaRows:
        """The agenda as plain JSON, in a fixed order."""
        rows = (_row(self._waits[subject]) for subject in sorted(self._waits))
        return AgendaRows(waits=tuple(rows), timeouts=dict(sorted(self._timeouts.items())))

    @classmethod
    def load(cls, rows: AgendaRows) -> "Agenda":
        """The agenda that ``dump`` wrote; rows of events that start no wait today are left out."""
        agenda = cls()
        agenda._timeouts = dict(rows.timeouts)
        for row in rows.waits:
            if row.type in _STARTS_BY_TYPE:
                cause = _thawed(row, _STARTS_BY_TYPE[row.type])
                for wait in waits_of(cause, agenda._timeouts.get(cause.stream)):
                    if row.policy in ("", wait.subject.policy):
                        agenda._waits[wait.subject] = wait
        agenda._order = [_place(wait) for wait in agenda._waits.values()]
        heapify(agenda._order)
        return agenda

    def _note_timeout(self, cause: Cause) -> None:
        match cause.event:
            case TaskPlanned(timeout_seconds=seconds) if seconds is not None:
                self._timeouts[cause.stream] = seconds
            case TaskCompleted() | TaskCancelled():
                self._timeouts.pop(cause.stream, None)
            case _:
                pass

    def _put(self, wait: Wait) -> None:
        """Superseded places stay in the heap until they come up, at most as many as waits, then it is built anew."""
        before = self._waits.get(wait.subject)
        self._waits[wait.subject] = wait
        if before is None or _place(before) != _place(wait):
            heappush(self._order, _place(wait))
        if len(self._order) > 2 * len(self._waits) + 64:
            self._order = [_place(kept) for kept in self._waits.values()]
            heapify(self._order)


def _place(wait: Wait) -> tuple[Instant, Subject, int]:
    return wait.at, wait.subject, wait.cause.version


def _subjects(policy: str, cause: Cause) -> tuple[Subject, ...]:
    """What the policy waits for since that cause, whatever timeout its task has."""
    return tuple(wait.subject for wait in waits_of(cause, 0.0) if wait.subject.policy == policy)


def _cause(recorded: Recorded | Cause) -> Cause:
    if isinstance(recorded, Cause):
        return recorded
    return Cause(recorded.stream, recorded.version, recorded.event, recorded.project)


def _row(wait: Wait) -> WaitRow:
    cause = wait.cause
    return WaitRow(
        stream=cause.stream,
        version=cause.version,
        project=cause.project,
        type=cause.event.TYPE,
        event=cause.event.stored().decode(),
        policy=wait.subject.policy,
    )


def _thawed(row: WaitRow, kind: type[Event]) -> Cause:
    return Cause(StreamId(row.stream), row.version, kind.read(row.event.encode()), ProjectId(row.project))
