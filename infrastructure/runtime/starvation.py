"""Starvation in time: tasks that are passed over for long are looked for now and then, and queue for their locks."""

from collections.abc import Awaitable, Callable
from typing import Final

from domain.dispatch.starving import Starved, starved
from domain.kernel.decider import View
from domain.kernel.ids import SECOND, Instant, PrincipalId, ProjectId, command_id_of
from domain.kernel.message import Command, Stamp
from domain.lock.commands import ReserveLocks
from infrastructure.runtime.hints import Hints
from infrastructure.runtime.looking import Looker
from infrastructure.runtime.outcome import Outcome

LOOK_SECONDS: Final = 5
"""Between two looks at all that is ready."""
POLICY: Final = "reserve_starved"


class Starvation:
    """Asked by the sweep of the node on duty. Whoever takes over the duty looks anew."""

    def __init__(
        self,
        hints: Hints,
        looker: Looker,
        execute: Callable[[Command, Stamp], Awaitable[Outcome]],
        busy: Callable[[], bool],
    ) -> None:
        self._hints = hints
        self._looker = looker
        self._execute = execute
        self._busy = busy
        self._next_at = Instant(0)

    async def sweep(self, now: Instant) -> None:
        """Look, where it is time; each task that starves is asked about by a command of its own."""
        if now < self._next_at:
            return
        self._next_at = Instant(now + LOOK_SECONDS * SECOND)
        for project in self._hints.ready.counts():
            for one in await self._starved(project, now):
                await self._reserve(project, one, now)

    async def _starved(self, project: ProjectId, now: Instant) -> tuple[Starved, ...]:
        hints = self._hints

        def work(view: View) -> tuple[Starved, ...]:
            # While a thread of the committer walks the ready index, nobody else may: the next look finds it.
            return () if self._busy() else starved(project, hints.ready, hints.serving, now, view)

        return await self._looker.look(work)

    async def _reserve(self, project: ProjectId, one: Starved, now: Instant) -> None:
        # What causes it is that time has passed: the look stands in for an event.
        identifier = command_id_of(POLICY, one.task, now // (LOOK_SECONDS * SECOND), one.session)
        stamp = Stamp(
            command_id=identifier,
            project=project,
            principal=PrincipalId(f"policy:{POLICY}"),
            time=now,
            correlation_id=identifier,
        )
        await self._execute(ReserveLocks(project=project, task=one.task, session=one.session), stamp)
