"""One follower of the log for everybody who waits: the last position of each project, and wake-ups."""

import asyncio
from typing import Final

import structlog

from api.ports import EventPort
from domain.kernel.ids import ProjectId

SCAN_PAGE_EVENTS: Final = 1_000
PAUSE_SECONDS: Final = 0.5
"""Before following again after the store failed."""
_LOG: Final = structlog.stdlib.get_logger("signalbox.changes")


class Changes:
    """Follows from the moment that somebody first waits; what lies before that is looked up when it is asked for."""

    def __init__(self, events: EventPort) -> None:
        self._events = events
        self._since = -1
        self._reached = -1
        self._last: dict[ProjectId, int] = {}
        self._without: dict[ProjectId, int] = {}
        """Position per project from which up to ``_since`` there is no event of it."""
        self._waiting: dict[ProjectId | None, set[asyncio.Event]] = {}
        self._follower: asyncio.Task[None] | None = None

    async def wait_beyond(self, project: ProjectId | None, after: int) -> int:
        """The position of a later event of the project (of any project where None); waits for ever if need be."""
        self._start()
        woken = asyncio.Event()
        waiting = self._waiting.setdefault(project, set())
        waiting.add(woken)
        try:
            position = await self._position(project, after)
            while position <= after:
                woken.clear()
                await woken.wait()
                position = self._known(project)
            return position
        finally:
            waiting.discard(woken)
            if not waiting:
                self._waiting.pop(project, None)

    def reached(self) -> int:
        """Position up to which everything was seen."""
        return max(self._reached, 0)

    async def close(self) -> None:
        """Stop following."""
        if self._follower is not None:
            self._follower.cancel()
            await asyncio.gather(self._follower, return_exceptions=True)

    def _start(self) -> None:
        if self._follower is None:
            self._since = self._reached = self._events.head()
            self._follower = asyncio.get_running_loop().create_task(self._follow(), name="changes")

    async def _follow(self) -> None:
        while True:
            try:
                async for page in self._events.follow(after=self._reached):
                    for one in page:
                        self._last[one.project] = self._reached = one.position
                    for project in {None, *(one.project for one in page)}:
                        for woken in self._waiting.get(project, ()):
                            woken.set()
            except Exception as error:
                _LOG.warning("following_failed", reason=repr(error))
            await asyncio.sleep(PAUSE_SECONDS)

    def _known(self, project: ProjectId | None) -> int:
        return self._reached if project is None else self._last.get(project, 0)

    async def _position(self, project: ProjectId | None, after: int) -> int:
        known = self._known(project)
        if known > after or project is None or after >= self._since or after >= self._without.get(project, self._since):
            return known
        return max(known, await self._scan(project, after))

    async def _scan(self, project: ProjectId, after: int) -> int:
        """The first event of the project in what came before the follower."""
        place = after
        while place < self._since:
            page = await self._events.page(after=place, limit=SCAN_PAGE_EVENTS)
            found = next((one.position for one in page if one.project == project), None)
            if found is not None:
                return found
            if not page:
                break
            place = page[-1].position
        self._without[project] = min(after, self._without.get(project, after))
        return 0
