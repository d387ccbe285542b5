"""Clients of the simulation: sessions that claim or are given work, report and beat."""

import asyncio
import json
from dataclasses import dataclass
from random import Random
from typing import Any, Final

from api.ports import ProjectToken
from domain.session.commands import OpenSession
from domain.task.commands import BidForTask, ClaimTask, CompleteTask, FailTask, ReleaseTask, ReportProgress
from tests.simulation.network import Network, code_of

TTL_SECONDS: Final = 10
BEAT_SECONDS: Final = 2.5
LOSING: Final = frozenset({"session_was_lost", "session_fenced", "session_has_ended"})


@dataclass(frozen=True, slots=True)
class Habits:
    """What the clients of a run do beside claiming and reporting."""

    listening: float
    """How many of them take work unasked and wait for it instead of claiming."""
    bids_for: int
    """How many tasks there are to bid for; 0 where nobody bids."""


class Client:
    """One agent: a session, life after life; it works on one task at a time and believes nothing but answers."""

    def __init__(self, network: Network, chance: Random, habits: Habits) -> None:
        self._network = network
        self._chance = chance
        self._habits = habits
        self._listens = chance.random() < habits.listening
        self._deaf_until = 0.0
        self.session: str | None = None
        self._incarnation = 0
        self.done = False

    async def live(self) -> None:
        """Claim, or wait to be given something, and report until ``done``."""
        await self._open()
        while not self.done:
            await (self._listen() if self._listens else self._claim())

    async def _claim(self) -> None:
        await self._bid()
        claim = ClaimTask(project="shop", session=self.session or "", incarnation=self._incarnation)
        outcome = await self._network.command(claim, wait_seconds=self._chance.choice((0.0, 1.0)))
        if outcome.ok:
            answer = json.loads(outcome.text)["answer"]
            await self._work(answer["task"], answer["token"])
        elif code_of(outcome) in LOSING:
            await self._open()
        else:
            await self._beat(())
            await asyncio.sleep(self._chance.uniform(0.5, 2.5))

    async def _bid(self) -> None:
        for _ in range(3 if self._habits.bids_for else 0):
            bid = BidForTask(
                project="shop",
                task=f"t{self._chance.randrange(self._habits.bids_for)}",
                session=self.session or "",
                incarnation=self._incarnation,
                cost_microdollars=self._chance.choice((0, 500, 80_000)),
                confidence_percent=self._chance.choice((20, 50, 90)),
            )
            await self._network.command(bid)

    async def _listen(self) -> None:
        """Work on what heartbeats tell of. Some do not look for a while: what they were given is a lost delivery."""
        wait_seconds = self._chance.choice((0.0, 1.0))
        heard = await self._network.beat(self.session or "", self._incarnation, (), wait_seconds=wait_seconds)
        if heard is not None and heard.status not in ("live", "suspect"):
            await self._open()
        elif heard is not None and heard.pushed and self._network.loop.time() >= self._deaf_until:
            if self._network.faulty and self._chance.random() < 0.1:
                self._deaf_until = self._network.loop.time() + self._chance.uniform(10.0, 40.0)
                return
            await self._work(heard.pushed[0].task, heard.pushed[0].token)
        else:
            await asyncio.sleep(self._chance.uniform(0.2, BEAT_SECONDS))

    async def _open(self) -> None:
        opening = OpenSession(
            projects=("shop",),
            capacity=2 if self._listens else 3,
            ttl_seconds=TTL_SECONDS,
            resume=self.session,
            takes_pushed=self._listens,
        )
        outcome = await self._network.command(opening)
        while not outcome.ok:
            outcome = await self._network.command(opening)
        answer = json.loads(outcome.text)["answer"]
        self.session, self._incarnation = answer["session"], answer["incarnation"]

    async def _work(self, task: str, token: str) -> None:
        fields: dict[str, Any] = {"project": "shop", "task": task, "token": token}
        if not await self._beat((ProjectToken("shop", token),)) and self._chance.random() < 0.5:
            return
        kind = self._chance.random()
        if self._network.faulty and kind < 0.06:
            # A process that stands still for longer than its lease, and then reports as if nothing had been.
            await asyncio.sleep(self._chance.uniform(TTL_SECONDS, 2 * TTL_SECONDS))
        else:
            await self._spend(self._chance.uniform(0.1, 2.0) if kind < 0.9 else self._chance.uniform(4.0, 14.0), token)
        if kind < 0.3:
            await self._network.command(ReportProgress(**fields, percent=50.0))
        if self._network.faulty and kind < 0.1:
            outcome = await self._network.command(FailTask(**fields, reason="by chance"))
        elif (self._network.faulty and kind < 0.2) or (token in self._network.told.graces and kind < 0.95):
            outcome = await self._network.command(ReleaseTask(**fields, note="by chance"))
        else:
            outcome = await self._network.command(CompleteTask(**fields))
        if not outcome.ok and code_of(outcome) in LOSING:
            await self._open()

    async def _spend(self, seconds: float, token: str) -> None:
        while seconds > 0:
            pause = min(seconds, BEAT_SECONDS)
            await asyncio.sleep(pause)
            seconds -= pause
            await self._beat((ProjectToken("shop", token),))

    async def _beat(self, tokens: tuple[ProjectToken, ...]) -> bool:
        """Whether the session lives and holds what it named, for all that is known."""
        heard = await self._network.beat(self.session or "", self._incarnation, tokens)
        if heard is not None and heard.status not in ("live", "suspect"):
            await self._open()
            return False
        return heard is None or not heard.revoked
