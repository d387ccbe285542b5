"""What a decision leads to in the lock spaces that it touched: owners that ended leave, and what is free is given on.

It runs behind every decision, so that nobody who frees a lock has to think of those who wait for it.
"""

from collections.abc import Iterator
from typing import Any, Final

from domain.dispatch.lock_held import given_up, grant_taken
from domain.dispatch.lookup import lock_stream
from domain.kernel.decider import Decision, View, Write, fold
from domain.kernel.decisions import Decide
from domain.kernel.ids import SECOND, Instant, ProjectId, StreamId
from domain.kernel.message import Command, Event, Stamp
from domain.lock.decider import LOCKS, ReleaseReason, linger, release
from domain.lock.entries import Owner
from domain.lock.events import (
    LingerReason,
    LockRequestWithdrawn,
    LocksBroken,
    LocksDowngraded,
    LocksGranted,
    LocksReleased,
    LocksRequested,
    LocksTransferred,
    LockTransferReverted,
    PoolMemberReturned,
    PoolSet,
)
from domain.lock.evolve import LockEvent
from domain.lock.family_events import LockOwnersMoved
from domain.lock.plans import soft_conflicts
from domain.lock.requesting import WithdrawReason, hand_on, withdraw
from domain.lock.state import LockSpace
from domain.project.decider import PROJECT
from domain.project.state import Project
from domain.session.decider import SESSION, is_live
from domain.session.events import (
    SessionAttemptEnded,
    SessionEnded,
    SessionGrantGone,
    SessionLost,
    SessionOpened,
)
from domain.session.state import Session

_FREEING: Final = (
    LocksReleased,
    LockRequestWithdrawn,
    LocksDowngraded,
    LocksBroken,
    LocksTransferred,
    LockTransferReverted,
    LockOwnersMoved,
    PoolSet,
    PoolMemberReturned,
)
"""What may make room for somebody."""
_ENDING: Final = (SessionAttemptEnded, SessionLost, SessionEnded, SessionOpened)
_BINDING: Final = (LocksGranted, LocksRequested)
"""What makes somebody wait for somebody else, who then goes before others that wait for him: see ``GrantRule``."""
_LEADING: Final[frozenset[type[Event]]] = frozenset({*_FREEING, *_ENDING, *_BINDING})
_REPORTED: Final[dict[str, ReleaseReason]] = {"completed": "completed", "failed": "failed", "released": "released"}
_SILENT: Final[dict[str, LingerReason]] = {
    "lost": "lost",
    "cancelled": "cancelled",
    "timeout": "timeout",
    "lost_delivery": "lost_delivery",
    "reassigned": "reassigned",
}


def handing_over(decide: Decide) -> Decide:
    """The same decision, with what follows from it in the lock spaces."""

    def decided(command: Command, stamp: Stamp, view: View) -> Decision:
        return handed_over(decide(command, stamp, view), stamp, view)

    return decided


def handed_over(decision: Decision, stamp: Stamp, view: View) -> Decision:
    """The decision with the grants that it makes possible, and without the requests of owners that it ended."""
    leading = [(write, event) for write in decision.writes for event in write.events if type(event) in _LEADING]
    if not leading:
        return decision
    follow = _Following(decision, stamp, view)
    for write, event in leading:
        if isinstance(event, _ENDING):
            follow.end(write.stream, event)
        elif write.project is not None and isinstance(event, _BINDING):
            follow.bind(write.project, event)
        elif write.project is not None:
            follow.touch(write.project)
    return follow.decision()


class _Following:
    """Gathers what follows, in the order in which it is found."""

    def __init__(self, decision: Decision, stamp: Stamp, view: View) -> None:
        self._decision = decision
        self._stamp = stamp
        self._view = view
        self._spaces: dict[ProjectId, LockSpace] = {}
        self._writes: dict[StreamId, list[Event]] = {}

    def touch(self, project: ProjectId) -> LockSpace:
        """The lock space after all that is decided so far."""
        known = self._spaces.get(project)
        if known is None:
            stream = lock_stream(project)
            writes = [write.events for write in self._decision.writes if write.stream == stream]
            if len(writes) == 1 and stream in self._decision.folded:
                known = self._decision.folded[stream]
            else:
                known = fold(
                    LOCKS, tuple(event for events in writes for event in events), self._view.read(LOCKS, stream)
                )
            self._spaces[project] = known
        return known

    def end(self, stream: StreamId, event: Event) -> None:
        """An attempt or a life is over: it waits for nothing and holds nothing on."""
        state = self._view.read(SESSION, stream)
        if not isinstance(state, Session):
            return
        match event:
            case SessionAttemptEnded():
                self._end_attempt(stream, state, event)
            case SessionLost() | SessionEnded() | SessionOpened():
                for project in state.opened.projects:
                    self._end_waits(ProjectId(project), stream, "lost" if isinstance(event, SessionLost) else "ended")
            case _:
                pass

    def bind(self, project: ProjectId, event: LocksGranted | LocksRequested) -> None:
        """Somebody may be kept waiting who was not; while nobody waits, nobody looks."""
        if isinstance(event, LocksGranted):
            self._note_plans(project, event)
        if self._view.read(LOCKS, lock_stream(project)).waiters:
            self.touch(project)

    def _note_plans(self, project: ProjectId, granted: LocksGranted) -> None:
        """Where a declared plan meets a writer both are told; while nobody declares one, nobody looks."""
        if not granted.claims:
            return
        declares = any(claim.mode == "intent" for claim in granted.claims)
        if declares or self._view.read(LOCKS, lock_stream(project)).coverage.intents:
            self._put(project, *soft_conflicts(self.touch(project), granted))

    def decision(self) -> Decision:
        """The whole, with every lock given on that can be."""
        for project in tuple(self._spaces):
            self._hand_on(project)
        if not self._spaces and not self._writes:
            return self._decision
        writes = tuple(self._joined()) if self._writes else self._decision.writes
        return self._decision._replace(writes=writes, folded=self._folded())

    def _folded(self) -> dict[StreamId, Any]:
        """States that were folded on the way, of streams that have one write: then it is all there is to fold."""
        written = [write.stream for write in self._decision.writes]
        kept = {stream: state for stream, state in self._decision.folded.items() if stream not in self._writes}
        spaces = {lock_stream(project): space for project, space in self._spaces.items()}
        return kept | {stream: space for stream, space in spaces.items() if written.count(stream) <= 1}

    def _end_attempt(self, stream: StreamId, session: Session, event: SessionAttemptEnded) -> None:
        project = ProjectId(event.project)
        attempt = session.attempts.get((project, event.token))
        if attempt is None:
            return
        name = Owner(stream, session.opened.incarnation, attempt.task).name
        space = self.touch(project)
        for token in sorted(space.coverage.by_owner.get(name, ())):
            self._put(project, *self._ended(space, project, token, event.outcome))
            if (project, token) in session.grants:
                self._writes.setdefault(stream, []).append(SessionGrantGone(project=project, token=token))
        number = space.coverage.queue.by_owner.get(name)
        if number is not None:
            self._put(project, *withdraw(space, number, "ended", self._stamp.time))

    def _ended(self, space: LockSpace, project: ProjectId, token: int, outcome: str) -> tuple[LockEvent, ...]:
        at = self._stamp.time
        if outcome in _REPORTED:
            return release(space, token, _REPORTED[outcome], at)
        state = self._view.read(PROJECT, StreamId(project))
        delay = state.lock_delay_seconds if isinstance(state, Project) else 0
        return linger(space, token, _SILENT[outcome], Instant(at + delay * SECOND), at)

    def _end_waits(self, project: ProjectId, session: StreamId, reason: WithdrawReason) -> None:
        space = self.touch(project)
        for number in sorted(space.waiters):
            if space.waiters[number].owner.session == session:
                self._put(project, *withdraw(space, number, reason, self._stamp.time))

    def _hand_on(self, project: ProjectId) -> None:
        """In key order until nothing changes; each step ends one wait, so there are at most as many as waiters."""
        while (granted := hand_on(self._spaces[project], self._view.era, self._stamp.time)) is not None:
            if granted.session and not self._is_live(granted):
                number = granted.request or 0
                self._put(project, *withdraw(self._spaces[project], number, "lost", self._stamp.time))
                continue
            replaced = self._spaces[project].grants.get(granted.replaces or 0)
            self._put(project, granted)
            self._put(project, *soft_conflicts(self._spaces[project], granted))
            if replaced is not None:
                for write in given_up(self._view, replaced, project):
                    self._writes.setdefault(write.stream, []).extend(write.events)
            if granted.session:
                taken = grant_taken(granted.token, project, self._stamp.time)
                self._writes.setdefault(StreamId(granted.session), []).append(taken)

    def _is_live(self, granted: LocksGranted) -> bool:
        """Puts the session in the read set: no grant follows the end of a life."""
        state = self._view.read(SESSION, StreamId(granted.session))
        return isinstance(state, Session) and is_live(state) and state.opened.incarnation == granted.incarnation

    def _put(self, project: ProjectId, *events: LockEvent) -> None:
        for event in events:
            self._spaces[project] = LOCKS.evolve(self._spaces[project], event)
            self._writes.setdefault(lock_stream(project), []).append(event)

    def _joined(self) -> Iterator[Write]:
        """One write per stream. What follows comes last in a lock space, and before a session's own last word."""
        more = dict(self._writes)
        spaces = {lock_stream(project): project for project in self._spaces}
        for write in self._decision.writes:
            following = tuple(more.pop(write.stream, ()))
            events = (*write.events, *following) if write.stream in spaces else (*following, *write.events)
            yield Write(write.stream, events, write.project)
        for stream, rest in more.items():
            yield Write(stream, tuple(rest), spaces.get(stream))
