"""Clients of the simulation: sessions that claim, report and beat, and what they were told of it."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import Any, Final

from api.ports import Heard, ProjectToken, ServiceFault
from domain.kernel.ids import FLEET, CommandId, Instant, PrincipalId, ProjectId
from domain.kernel.message import Command, ProjectCommand, Stamp
from domain.principal.allow import Principal
from domain.session.commands import OpenSession
from domain.task.commands import ClaimTask, CompleteTask, FailTask, ReleaseTask, ReportProgress
from infrastructure.log.port import OutcomeUnknown, StoreUnavailable
from infrastructure.runtime.committer import OverloadedError
from infrastructure.runtime.outcome import Outcome
from infrastructure.runtime.settle import ContendedError
from tests.simulation.loop import SimulatedLoop
from tests.simulation.nodes import Nodes, Process

ANSWER_SECONDS_MAX: Final = 2.0
TTL_SECONDS: Final = 10
BEAT_SECONDS: Final = 2.5
LOSING: Final = frozenset({"session_was_lost", "session_fenced", "session_has_ended"})
PRINCIPAL: Final = Principal(PrincipalId("key_simulated"), "worker", None, human=False)


@dataclass(slots=True)
class Sent:
    """One command as its client sees it, however often it was sent."""

    command: Command
    invoked_at: float
    copies: int = 0
    refused: int = 0
    ended: bool = False
    """Whether a refusal told that the attempt has ended with it: its task was cancelled, and the grace ran."""
    answers: list[tuple[float, Outcome]] = field(default_factory=list[tuple[float, Outcome]])

    @property
    def token(self) -> str | None:
        """The token that it carries."""
        token: str | None = getattr(self.command, "token", None)
        return token


@dataclass(slots=True)
class Told:
    """Everything that clients were told, by command id; renewals by (session, incarnation)."""

    sent: dict[str, Sent] = field(default_factory=dict[str, Sent])
    renewed: dict[tuple[str, int], int] = field(default_factory=dict[tuple[str, int], int])
    faults: list[str] = field(default_factory=list[str])


@dataclass(slots=True)
class _Attempt:
    """One round of copies of a command, and what came of it."""

    unrefused: int
    outcome: asyncio.Future[Outcome] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class Network:
    """Carries requests to nodes: late, more than once, out of order, or not at all."""

    def __init__(self, loop: SimulatedLoop, nodes: Nodes, told: Told, chance: Random) -> None:
        self.loop = loop
        self.told = told
        self.chance = chance
        self.faulty = True
        self.project = ProjectId("")
        self._nodes = nodes
        self._count = 0
        self._burst_seconds = chance.choice((0.0, 0.05, 0.25))

    async def command(self, command: Command, *, wait_seconds: float = 0.0) -> Outcome:
        """The outcome of a command, sent under one id until it is known."""
        self._count += 1
        identifier = CommandId(f"cmd_{self._count:06d}")
        sent = self.told.sent[identifier] = Sent(command, self.loop.time())
        while True:
            attempt = _Attempt(1 + (self.chance.randint(1, 2) if self.faulty and self.chance.random() < 0.15 else 0))
            for _ in range(attempt.unrefused):
                sent.copies += 1
                self._send(self._executed(sent, identifier, wait_seconds), partial(self._heard, sent, attempt))
            try:
                async with asyncio.timeout(ANSWER_SECONDS_MAX + wait_seconds):
                    return await attempt.outcome
            except TimeoutError:
                continue

    async def beat(self, session: str, incarnation: int, tokens: tuple[ProjectToken, ...]) -> Heard | None:
        """One heartbeat; None where no answer came."""
        found: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

        async def ask(process: Process) -> Any:
            assert process.heartbeats is not None
            return await process.heartbeats.beat(PRINCIPAL, session, incarnation, tokens)

        self._send(ask, lambda one: None if found.done() else found.set_result(one))
        try:
            async with asyncio.timeout(ANSWER_SECONDS_MAX):
                heard = await found
        except TimeoutError:
            return None
        if not isinstance(heard, Heard):
            return None
        if heard.renewed_at:
            self.told.renewed[session, incarnation] = max(
                self.told.renewed.get((session, incarnation), 0), heard.renewed_at
            )
        return heard

    def _executed(self, sent: Sent, identifier: CommandId, wait_seconds: float) -> Callable[[Process], Awaitable[Any]]:
        async def execute(process: Process) -> Any:
            node, command = process.node, sent.command
            assert node is not None
            stamp = Stamp(
                command_id=identifier,
                project=self.project if isinstance(command, ProjectCommand) else FLEET,
                principal=PRINCIPAL.id,
                time=Instant(node.log.now()),
                correlation_id=identifier,
            )
            if wait_seconds:
                return await node.claim(command, stamp, wait_seconds=wait_seconds)
            return await node.committer.execute(command, stamp)

        return execute

    def _send(self, ask: Callable[[Process], Awaitable[Any]], hear: Callable[[Any], None]) -> None:
        """Deliver to a node that is chosen now; whatever it answers comes back some time later."""
        process = self._nodes.any()

        async def serve() -> None:
            try:
                answer: Any = await ask(process)
            except (OutcomeUnknown, StoreUnavailable, ContendedError, OverloadedError, ServiceFault):
                return  # an unknown outcome is as good as no answer
            except Exception as error:
                self.told.faults.append(f"{process.name}: {error!r}")
                return
            self.loop.in_world(self._transit(), hear, answer)

        def arrive() -> None:
            if process.node is not None and self.loop.alive(process.name):
                _ = self.loop.at_home(process.name, serve())

        if not self._lost():
            self.loop.in_world(self._transit(), arrive)

    def _heard(self, sent: Sent, attempt: "_Attempt", outcome: Outcome) -> None:
        if outcome.ok:
            sent.answers.append((self.loop.time(), outcome))
        else:
            sent.refused += 1
            sent.ended = sent.ended or _code(outcome) == "task_was_cancelled"
            attempt.unrefused -= 1
        # A refusal of one copy does not say that another one is not accepted.
        if not attempt.outcome.done() and (outcome.ok or attempt.unrefused == 0):
            attempt.outcome.set_result(outcome)

    def _transit(self) -> float:
        if not self.faulty:
            return 0.002
        delay = self.loop.delay()
        # Some networks deliver in bursts: then a node decides many commands in one group.
        return (
            delay if not self._burst_seconds else self._burst_seconds - (self.loop.time() + delay) % self._burst_seconds
        )

    def _lost(self) -> bool:
        return self.faulty and self.chance.random() < 0.03


class Client:
    """One agent: a session, life after life; it works on one task at a time and believes nothing but answers."""

    def __init__(self, network: Network, chance: Random) -> None:
        self._network = network
        self._chance = chance
        self._session: str | None = None
        self._incarnation = 0
        self.done = False

    async def live(self) -> None:
        """Claim and report until ``done``."""
        await self._open()
        while not self.done:
            claim = ClaimTask(project="shop", session=self._session or "", incarnation=self._incarnation)
            outcome = await self._network.command(claim, wait_seconds=self._chance.choice((0.0, 1.0)))
            if outcome.ok:
                await self._work(json.loads(outcome.text)["answer"])
            elif _code(outcome) in LOSING:
                await self._open()
            else:
                await self._beat(())
                await asyncio.sleep(self._chance.uniform(0.5, 2.5))

    async def _open(self) -> None:
        opening = OpenSession(projects=("shop",), capacity=3, ttl_seconds=TTL_SECONDS, resume=self._session)
        outcome = await self._network.command(opening)
        while not outcome.ok:
            outcome = await self._network.command(opening)
        answer = json.loads(outcome.text)["answer"]
        self._session, self._incarnation = answer["session"], answer["incarnation"]

    async def _work(self, work: dict[str, Any]) -> None:
        fields: dict[str, Any] = {"project": "shop", "task": work["task"], "token": work["token"]}
        if not await self._beat((ProjectToken("shop", work["token"]),)) and self._chance.random() < 0.5:
            return
        kind = self._chance.random()
        if self._network.faulty and kind < 0.06:
            # A process that stands still for longer than its lease, and then reports as if nothing had been.
            await asyncio.sleep(self._chance.uniform(TTL_SECONDS, 2 * TTL_SECONDS))
        else:
            await self._spend(self._chance.uniform(0.1, 2.0), work["token"])
        if kind < 0.3:
            await self._network.command(ReportProgress(**fields, percent=50.0))
        if self._network.faulty and kind < 0.1:
            outcome = await self._network.command(FailTask(**fields, reason="by chance"))
        elif self._network.faulty and kind < 0.2:
            outcome = await self._network.command(ReleaseTask(**fields, note="by chance"))
        else:
            outcome = await self._network.command(CompleteTask(**fields))
        if not outcome.ok and _code(outcome) in LOSING:
            await self._open()

    async def _spend(self, seconds: float, token: str) -> None:
        while seconds > 0:
            pause = min(seconds, BEAT_SECONDS)
            await asyncio.sleep(pause)
            seconds -= pause
            await self._beat((ProjectToken("shop", token),))

    async def _beat(self, tokens: tuple[ProjectToken, ...]) -> bool:
        """Whether the session lives and holds what it named, for all that is known."""
        heard = await self._network.beat(self._session or "", self._incarnation, tokens)
        if heard is not None and heard.status not in ("live", "suspect"):
            await self._open()
            return False
        return heard is None or not heard.revoked


def _code(outcome: Outcome) -> str:
    code: str = json.loads(outcome.text)["error"]["code"]
    return code
