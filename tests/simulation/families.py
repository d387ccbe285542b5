"""Sessions of the simulation that lock inside of each other's locks, and are moved in the hierarchy while they do."""

import asyncio
import json
from collections.abc import Sequence
from random import Random
from typing import Any, Final

from api.ports import ProjectToken
from domain.kernel.values import ScopeClaim
from domain.lock.commands import AcquireLocks, AwaitLocks, ReleaseLocks
from domain.session.commands import OpenSession, ReparentSession
from infrastructure.runtime.outcome import Outcome
from tests.simulation.clients import BEAT_SECONDS, LOSING, TTL_SECONDS, Client
from tests.simulation.network import Network, code_of

PATTERNS: Final = ("a", "a/b", "a/**", "b/*", "b/c", "**/c", "ab", "c")
ASKED_MAX: Final = 8
"""How often somebody asks what became of its request, before it leaves it to its time-out."""


class Relative:
    """One agent that locks what it likes, below whoever it was told to be; it works on no tasks."""

    def __init__(self, network: Network, chance: Random, family: "Family") -> None:
        self._network = network
        self._chance = chance
        self._family = family
        self._incarnation = 0
        self.session: str | None = None
        self.done = False

    async def live(self) -> None:
        """Lock and release until ``done``."""
        await self._open()
        while not self.done:
            await self._lock()
            await asyncio.sleep(self._chance.uniform(0.0, 0.5))

    async def _open(self) -> None:
        parent = self._family.somebody(but=self.session) if self._chance.random() < 0.7 else None
        again = self._chance.random() < 0.5
        while True:
            opening = OpenSession(projects=("shop",), ttl_seconds=TTL_SECONDS, resume=self.session, parent=parent)
            outcome = await self._network.command(opening)
            if outcome.ok:
                break
            # The one above may be gone, or below this one, or the locks of those below bar the move.
            parent = self._family.somebody(but=self.session) if again else None
            again = False
        answer = json.loads(outcome.text)["answer"]
        self.session, self._incarnation = answer["session"], answer["incarnation"]

    async def _lock(self) -> None:
        chance = self._chance
        outcome = await self._network.command(
            AcquireLocks(
                **self._life(),
                claims=tuple(
                    ScopeClaim(claim=f"path:r//{pattern}", mode=chance.choice(("shared", "exclusive", "exclusive")))
                    for pattern in sorted(chance.sample(PATTERNS, chance.choice((1, 1, 2))))
                ),
                wait=chance.choice(("none", "queue")),
                wait_timeout_seconds=3.0,
            )
        )
        token = await self._granted(outcome)
        if token is None:
            return
        if self._network.faulty and chance.random() < 0.05:
            await asyncio.sleep(chance.uniform(TTL_SECONDS, 2 * TTL_SECONDS))
        else:
            await self._hold(chance.uniform(0.1, 4.0), token)
        await self._heed(await self._network.command(ReleaseLocks(**self._life(), token=token)))

    async def _granted(self, outcome: Outcome) -> str | None:
        """The token, once there is one; None where there will be none."""
        for _ in range(ASKED_MAX):
            if not await self._heed(outcome):
                return None
            answer = json.loads(outcome.text)["answer"]
            if answer["outcome"] != "waiting":
                token: str | None = answer["token"]
                return token
            await asyncio.sleep(0.5)
            outcome = await self._network.command(AwaitLocks(**self._life(), request=answer["request"]))
        return None

    async def _hold(self, seconds: float, token: str) -> None:
        while seconds > 0:
            heard = await self._network.beat(self.session or "", self._incarnation, (ProjectToken("shop", token),))
            if heard is not None and heard.status not in ("live", "suspect"):
                await self._open()
                return
            await asyncio.sleep(min(seconds, BEAT_SECONDS))
            seconds -= BEAT_SECONDS

    async def _heed(self, outcome: Outcome) -> bool:
        """Whether it was accepted; who hears that its life is over begins the next one."""
        if not outcome.ok and code_of(outcome) in LOSING:
            await self._open()
        return outcome.ok

    def _life(self) -> dict[str, Any]:
        return {"project": "shop", "session": self.session or "", "incarnation": self._incarnation}


class Family:
    """Everybody who may stand above and below each other: those who lock, and those who work on tasks."""

    def __init__(self, network: Network, chance: Random, workers: Sequence[Client], count: int) -> None:
        self._network = network
        self._chance = chance
        self._workers = workers
        self.relatives = [Relative(network, chance, self) for _ in range(count)]

    def somebody(self, *, but: str | None) -> str | None:
        """A session that is there, mostly of those who lock; None where there is none."""
        found = [one.session for one in self.relatives if one.session not in (None, but)]
        return self._chance.choice(found) if found else None

    async def move_about(self) -> None:
        """Put somebody below somebody else, or below nobody, again and again until ``dismiss``."""
        while not all(one.done for one in self.relatives):
            await asyncio.sleep(self._chance.uniform(0.0, 0.6))
            sessions = [one.session for one in (*self.relatives, *self.relatives)]
            moving = self._chance.choice([*sessions, *(one.session for one in self._workers)])
            if moving is not None:
                parent = self.somebody(but=moving) if self._chance.random() < 0.75 else None
                await self._network.command(ReparentSession(session=moving, parent=parent))

    def dismiss(self) -> None:
        """Let what is under way come to its end."""
        for one in self.relatives:
            one.done = True
