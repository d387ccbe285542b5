"""Dispatch in time: who waits for work, whose windows are open, who is given work unasked, and which tasks starve."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from domain.dispatch.fit import kind_of
from domain.dispatch.market import Seeker
from domain.dispatch.proposals import Proposals
from domain.kernel.ids import Instant, StreamId
from domain.kernel.message import Command, Stamp
from domain.session.state import Session
from domain.task.commands import ClaimTask, ClaimTasks, ClaimWork
from infrastructure.runtime.hints import Hints
from infrastructure.runtime.looking import Looker
from infrastructure.runtime.outcome import Outcome
from infrastructure.runtime.pushing import Pusher
from infrastructure.runtime.settle import Observer
from infrastructure.runtime.starvation import Starvation
from infrastructure.runtime.waiting import OwnCommits, WaitingRoom
from infrastructure.runtime.windows import Matchmaker, Windows

WINDOWS_WAITED: Final = 3
"""Windows that a claim waits for although its caller does not wait: two may pass until an auction is over."""
WINDOW_WAIT_SECONDS_MAX: Final = 5.0
"""No longer than this: the doors give every command a bounded time."""


class Dispatching:
    """The parts of a node that give out work. All of them only ask; what the committer appends decides.

    ``walks`` tells whether the ready index is walked on another thread right now, ``known`` the state of a stream where
    it is in memory.
    """

    def __init__(
        self,
        hints: Hints,
        looker: Looker,
        execute: Callable[[Command, Stamp], Awaitable[Outcome]],
        now: Callable[[], Instant],
        walks: Callable[[], bool],
        known: Callable[[StreamId], Any],
    ) -> None:
        matchmaker = Matchmaker(looker, hints.ready, hints.manners, now, walks)
        self._hints = hints
        self._known = known
        self.proposals: Final = Proposals()
        self._windows: Final = Windows(hints.manners, matchmaker, self.proposals)
        self._pusher: Final = Pusher(hints.manners, hints.ready, matchmaker, execute, now)
        self._starvation: Final = Starvation(hints, looker, execute, walks)
        self.waiting: Final = WaitingRoom(hints.has_ready, self._windows, kind_of=self._kind_of)

    @property
    def observers(self) -> tuple[Observer, ...]:
        """Who has to hear what is committed."""
        return (OwnCommits(self.waiting), self._pusher)

    @property
    def sweeps(self) -> Mapping[str, Callable[[Instant], Awaitable[None]]]:
        """What the node on duty has to look at now and then."""
        return {"starvation": self._starvation.sweep, "pushing": self._pusher.sweep}

    def close(self) -> None:
        """Answer who waits, and give out nothing any more."""
        self.waiting.close()
        self._pusher.stop()

    async def claim(
        self, command: Command, stamp: Stamp, attempt: Callable[[], Awaitable[Outcome]], *, wait_seconds: float
    ) -> Outcome:
        """Attempt a claim, and again with every change that may serve it."""
        rooms, seeker = self._rooms_of(command, stamp), _seeker_of(command)
        return await self.waiting.claim(rooms, attempt, wait_seconds=wait_seconds, seeker=seeker)

    def window_seconds(self, command: Command, stamp: Stamp) -> float:
        """How long a claim has to wait for its window at least; 0 where its projects give to whoever asks."""
        if not isinstance(command, ClaimTask | ClaimTasks | ClaimWork) or _seeker_of(command) is None:
            return 0.0
        longest = max((self._windows.seconds(one) for one in self._rooms_of(command, stamp)), default=0.0)
        return min(WINDOW_WAIT_SECONDS_MAX, WINDOWS_WAITED * longest)

    def _kind_of(self, seeker: Seeker) -> str | None:
        session = self._known(StreamId(seeker.session))
        return kind_of(seeker.session, session) if isinstance(session, Session) else None

    def _rooms_of(self, command: Command, stamp: Stamp) -> tuple[str, ...]:
        """The projects whose changes the claim may wait for."""
        if isinstance(command, ClaimWork):
            return self._hints.serving.projects(StreamId(command.session))
        return (stamp.project,)


def _seeker_of(command: Command) -> Seeker | None:
    """Who asks for any work that there is; nobody where one task is asked for by name."""
    match command:
        case ClaimTask(task=None) | ClaimTasks() | ClaimWork():
            return Seeker(command.session, command.incarnation)
        case _:
            return None
