"""Between clients and nodes of the simulation: messages, late, repeated or lost, and what the clients were told."""

import asyncio
import json
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import Any, Final

from api.ports import Heard, ProjectToken, ServiceFault
from domain.kernel.ids import FLEET, CommandId, Instant, PrincipalId, ProjectId
from domain.kernel.message import Command, ProjectCommand, Stamp
from domain.principal.allow import Principal
from infrastructure.log.port import OutcomeUnknown, StoreUnavailable
from infrastructure.runtime.committer import OverloadedError
from infrastructure.runtime.outcome import Outcome
from infrastructure.runtime.settle import ContendedError
from tests.simulation.loop import SimulatedLoop
from tests.simulation.nodes import Nodes, Process

ANSWER_SECONDS_MAX: Final = 2.0
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
    graces: set[str] = field(default_factory=set[str])
    """Tokens of which their holder heard that it loses them soon."""
    confirmed: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    """When heartbeats told the holder that the token is its own still, by token and by the clock of the store."""
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

    async def beat(
        self, session: str, incarnation: int, tokens: tuple[ProjectToken, ...], *, wait_seconds: float = 0.0
    ) -> Heard | None:
        """One heartbeat, which may wait for news; None where no answer came."""
        found: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

        async def ask(process: Process) -> Any:
            assert process.heartbeats is not None
            return await process.heartbeats.beat(PRINCIPAL, session, incarnation, tokens, wait_seconds=wait_seconds)

        self._send(ask, lambda one: None if found.done() else found.set_result(one))
        try:
            async with asyncio.timeout(ANSWER_SECONDS_MAX + wait_seconds):
                heard = await found
        except TimeoutError:
            return None
        if not isinstance(heard, Heard):
            return None
        if heard.renewed_at:
            self.told.renewed[session, incarnation] = max(
                self.told.renewed.get((session, incarnation), 0), heard.renewed_at
            )
        for one in set(tokens).difference(heard.revoked):
            self.told.confirmed[one.token].append(heard.renewed_at)
        self.told.graces |= {held.token for held in heard.held if held.revoked_seconds is not None}
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
            # As the doors do: who does not wait still waits for the windows of its project.
            waited = max(wait_seconds, node.dispatching.window_seconds(command, stamp))
            if waited:
                return await node.claim(command, stamp, wait_seconds=waited)
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
            sent.ended = sent.ended or code_of(outcome) == "task_was_cancelled"
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


def code_of(outcome: Outcome) -> str:
    """The code of a refusal."""
    code: str = json.loads(outcome.text)["error"]["code"]
    return code
