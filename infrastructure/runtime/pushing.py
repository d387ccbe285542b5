"""Pushing work: ready tasks are given to sessions that listen and have room, as soon as either is there."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from domain.dispatch.manners import Manners
from domain.dispatch.ready import ReadyIndex
from domain.dispatch.strategies import Match
from domain.kernel.ids import Instant, PrincipalId, ProjectId, StreamId, command_id_of
from domain.kernel.message import Command, Event, Stamp
from domain.lock.events import LocksGranted, LocksReleased
from domain.project.events import ProjectUnfrozen
from domain.session.events import SessionAttemptEnded, SessionDrainEnded, SessionOpened, SessionStatusChanged
from domain.task.derived import PushTask
from domain.task.events import TaskReadied
from infrastructure.runtime.outcome import Outcome
from infrastructure.runtime.settle import Place
from infrastructure.runtime.windows import Matchmaker, Timing

POLICY: Final = "push_assignment"
AGAIN_SECONDS: Final = 0.02
"""Until the next look where nothing could be looked at just now."""
_OF_PROJECTS: Final[frozenset[type[Event]]] = frozenset({TaskReadied, LocksReleased, LocksGranted, ProjectUnfrozen})
_OF_SESSIONS: Final[frozenset[type[Event]]] = frozenset(
    {SessionOpened, SessionAttemptEnded, SessionDrainEnded, SessionStatusChanged}
)


class Pusher:
    """Follows what this node commits; the sweep of the node on duty finds what was overlooked.

    While no session listens it costs one look per group.
    """

    def __init__(
        self,
        manners: Manners,
        ready: ReadyIndex,
        matchmaker: Matchmaker,
        execute: Callable[[Command, Stamp], Awaitable[Outcome]],
        now: Callable[[], Instant],
    ) -> None:
        self._manners = manners
        self._ready = ready
        self._matchmaker = matchmaker
        self._execute = execute
        self._now = now
        self._timing = Timing(manners)
        self._turns: dict[str, int] = {}

    def restored(self, stream: StreamId, state: Any) -> None:
        """The next sweep finds what that made possible."""

    def committed(self, places: Sequence[Place], position: int) -> None:
        """Give out what the events made possible, once they are all told."""
        if not self._manners.listened:
            return
        for stream, _, event, project in places:
            if type(event) in _OF_PROJECTS:
                self._look(project)
            elif type(event) in _OF_SESSIONS:
                for served in self._manners.projects(stream):
                    self._look(served)

    async def sweep(self, _: Instant) -> None:
        """Look at every project that has ready tasks."""
        if self._manners.listened:
            for project in self._ready.counts():
                self._look(project)

    def stop(self) -> None:
        """Give out nothing any more."""
        self._timing.stop()

    def _look(self, project: str, *, at_least_seconds: float = 0.0) -> None:
        if self._ready.has_ready(ProjectId(project)) and self._manners.listeners(project):
            self._timing.open(project, self._give_out, at_least_seconds=at_least_seconds)

    async def _give_out(self, project: str) -> None:
        sessions = self._manners.listeners(project)
        if not sessions:
            return
        # Each time another one is the first, so that no session with room stays behind the bound of a market for ever.
        turn = self._turns[project] = (self._turns.get(project, -1) + 1) % len(sessions)
        closed = await self._matchmaker.match(ProjectId(project), (*sessions[turn:], *sessions[:turn]))
        given = await asyncio.gather(*(self._give(ProjectId(project), match) for match in closed.matches))
        if any(given):
            self._look(project)
        elif closed.early:
            # An auction that is not over takes its window; a thread that walks the ready index must not be spun around.
            self._look(project, at_least_seconds=AGAIN_SECONDS)

    async def _give(self, project: ProjectId, match: Match) -> bool:
        now = self._now()
        identifier = command_id_of(POLICY, match.task, now, match.seeker.session)
        stamp = Stamp(
            command_id=identifier,
            project=project,
            principal=PrincipalId(f"policy:{POLICY}"),
            time=now,
            correlation_id=identifier,
        )
        asked = PushTask(
            project=project,
            task=match.task,
            session=match.seeker.session,
            strategy=match.strategy,
            choice=match.choice,
        )
        return (await self._execute(asked, stamp)).ok
