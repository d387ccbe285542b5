"""Windows in time: sessions and tasks are gathered for a while, then a strategy proposes who claims what."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, NamedTuple

import structlog

from domain.dispatch.manners import Manners
from domain.dispatch.market import Market, Seeker, gather
from domain.dispatch.proposals import Proposals
from domain.dispatch.ready import ReadyIndex
from domain.dispatch.strategies import Match, assign
from domain.kernel.decider import View
from domain.kernel.ids import Instant, ProjectId
from infrastructure.runtime.looking import Looker

NOT_NOW: Final = Market((), (), {}, {}, early=True)
_logger = structlog.get_logger("signalbox.windows")


class Closed(NamedTuple):
    """What a window came to."""

    matches: tuple[Match, ...]
    early: bool
    """Whether there is more to look at soon: tasks whose auction is not over yet."""


class Matchmaker:
    """Asks the strategy of a project about sessions that want work, on the states as they are."""

    def __init__(
        self, looker: Looker, ready: ReadyIndex, manners: Manners, now: Callable[[], Instant], busy: Callable[[], bool]
    ) -> None:
        self._looker = looker
        self._ready = ready
        self._manners = manners
        self._now = now
        self._busy = busy

    async def match(self, project: ProjectId, sessions: Sequence[str]) -> Closed:
        """The proposals for these sessions, in the order in which they came."""
        manner, now = self._manners.of(project), self._now()
        auctioned = manner.strategy == "auction"

        def work(view: View) -> Market:
            # While a thread of the committer walks the ready index, nobody else may: the next window looks again.
            return NOT_NOW if self._busy() else gather(project, sessions, self._ready, now, view, auctioned=auctioned)

        market = await self._looker.look(work)
        return Closed(assign(market, manner.strategy), market.early)


class Timing:
    """One open window per project at most; each is closed once its time is up."""

    def __init__(self, manners: Manners) -> None:
        self._manners = manners
        self._open: dict[str, asyncio.Task[None]] = {}

    def gathers(self, project: str) -> bool:
        """Whether the project gathers before it gives out."""
        return self._manners.windowed(project)

    def seconds(self, project: str) -> float:
        """How long a window stays open; no longer than what is at hand takes where nothing is gathered."""
        manner = self._manners.of(project)
        return 0.0 if manner.strategy == "priority" else manner.window_milliseconds / 1_000

    def open(self, project: str, close: Callable[[str], Awaitable[None]], *, at_least_seconds: float = 0.0) -> None:
        """Open one, unless one is open; ``close`` is asked when its time is up."""
        if project not in self._open:
            seconds = max(self.seconds(project), at_least_seconds)
            work = self._run(project, close, seconds)
            self._open[project] = asyncio.get_running_loop().create_task(work, name="window")

    def stop(self) -> None:
        """Close no window any more."""
        for task in self._open.values():
            task.cancel()

    async def _run(self, project: str, close: Callable[[str], Awaitable[None]], seconds: float) -> None:
        try:
            await asyncio.sleep(seconds)
        finally:
            del self._open[project]
        try:
            await close(project)
        except Exception as error:
            # Who waits goes on waiting: the next change, or the next who comes, opens another one.
            _logger.warning("a window could not be closed", project=project, error=repr(error))


class Windows(Timing):
    """Windows whose proposals are for those who wait with a claim."""

    def __init__(self, manners: Manners, matchmaker: Matchmaker, proposals: Proposals) -> None:
        super().__init__(manners)
        self._matchmaker = matchmaker
        self._proposals = proposals

    async def propose(self, project: str, sessions: Sequence[str]) -> Closed:
        """What the strategy has for the sessions; their claims find it."""
        closed = await self._matchmaker.match(ProjectId(project), sessions)
        self._proposals.put(ProjectId(project), closed.matches)
        return closed

    def answered(self, project: str, seeker: Seeker) -> None:
        """A claim of the session was decided: what was proposed to it is of no further use."""
        self._proposals.drop(ProjectId(project), seeker)
