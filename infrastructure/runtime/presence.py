"""A node among the others: it joins, shows once a second that it is there and how it is, and says goodbye."""

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

import structlog

from domain.kernel.ids import FLEET, Instant, PrincipalId, StreamId, command_id_of
from domain.kernel.message import Command, Stamp
from domain.node.commands import JoinNode, LeaveNode, NodeCommand, ReportNode
from domain.node.events import Duty, Trouble
from domain.node.health import NodeReport, troubles_of
from infrastructure.log.port import Log, ToldReport
from infrastructure.runtime.outcome import Outcome

BEAT_SECONDS: Final = 1.0
LEASE_SECONDS: Final = 5
"""Longer than the node on duty may take to be followed by another, so that who is lost is noticed in time."""
GOODBYE_SECONDS_MAX: Final = 2.0
LOOKS_MIN: Final = 3
"""A trouble, or its end, is told after so many looks in a row: a moment of much work is none."""

_logger = structlog.get_logger("signalbox.presence")
Execute = Callable[[Command, Stamp], Awaitable[Outcome]]
Condition = tuple[tuple[Trouble, ...], tuple[Duty, ...]]


@dataclass(frozen=True, slots=True)
class NodeFacts:
    """What does not change while the node runs."""

    version: str
    store: str


class Presence:
    """Begins with ``announce``; a node that nobody can call is not told of."""

    def __init__(
        self, log: Log, node: StreamId, facts: NodeFacts, execute: Execute, examine: Callable[[int], NodeReport]
    ) -> None:
        self._log = log
        self._node = node
        self._facts = facts
        self._execute = execute
        self._examine = examine
        self._url = ""
        self._incarnation = 0
        self._told: Condition = ((), ())
        self._found: Condition = ((), ())
        self._looks = 0
        self._renewed_at: int | None = None
        self._task: asyncio.Task[None] | None = None

    def announce(self, url: str) -> None:
        """Join the others, on the running event loop; ``url`` is how programs call this node."""
        if self._task is None:
            self._url = url
            self._task = asyncio.get_running_loop().create_task(self._run(), name="presence")

    async def leave(self) -> None:
        """Say goodbye; what cannot be said now shows as lost."""
        if self._task is None:
            return
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        if self._incarnation:
            goodbye = LeaveNode(node=self._node, incarnation=self._incarnation)
            try:
                async with asyncio.timeout(GOODBYE_SECONDS_MAX):
                    await self._ask(goodbye, self._incarnation)
            except Exception as error:
                _logger.warning("the goodbye of this node was not written", error=repr(error))

    def is_cut_off(self, now: Instant) -> bool:
        """Whether the others may call this node lost: it joined, and could not renew for longer than its lease."""
        return self._renewed_at is not None and now - self._renewed_at > LEASE_SECONDS * 1_000_000

    async def reports(self) -> Sequence[ToldReport]:
        """What every node said of itself last."""
        return await asyncio.to_thread(self._log.node_reports)

    async def _run(self) -> None:
        while True:
            try:
                await self.beat()
            except Exception as error:
                _logger.warning("this node could not show itself and tries again", error=repr(error))
            await asyncio.sleep(BEAT_SECONDS)

    async def beat(self) -> None:
        """One sign of life, with what it has to say."""
        if not self._incarnation:
            await self._join(1)
        head = await asyncio.to_thread(self._log.head)
        report = self._examine(head)
        if not await asyncio.to_thread(self._show, report):
            # Somebody called it lost, and was right as far as the others can see: it begins anew.
            await self._join(self._incarnation + 1)
        await self._tell((troubles_of(report), report.duties))

    async def _join(self, incarnation: int) -> None:
        command = JoinNode(
            node=self._node,
            incarnation=incarnation,
            url=self._url,
            host=socket.gethostname()[:200],
            process=os.getpid(),
            version=self._facts.version,
            store=self._facts.store,
            lease_seconds=LEASE_SECONDS,
        )
        outcome = await self._ask(command, incarnation)
        if outcome.ok:
            self._incarnation = incarnation
            self._told, self._looks = ((), ()), 0
            self._renewed_at = self._log.now()

    def _show(self, report: NodeReport) -> bool:
        """Renew and tell, on a thread; False where the lease is over."""
        text = report.model_dump_json().encode()
        stamp = self._log.tell_node(self._node, self._incarnation, text, now=self._log.now())
        self._renewed_at = stamp or self._renewed_at
        return stamp is not None

    async def _tell(self, condition: Condition) -> None:
        """The log hears of changes that last. A duty is none to wait for: it is taken once, not now and again."""
        self._looks = self._looks + 1 if condition == self._found else 1
        self._found = condition
        steady = self._looks >= LOOKS_MIN or condition[0] == self._told[0]
        if condition == self._told or not steady:
            return
        command = ReportNode(node=self._node, incarnation=self._incarnation, troubles=condition[0], duties=condition[1])
        if (await self._ask(command, self._log.now())).ok:
            self._told = condition

    async def _ask(self, command: NodeCommand, cause: int) -> Outcome:
        identifier = command_id_of(command.NAME, self._node, cause, self._node)
        stamp = Stamp(
            command_id=identifier,
            project=FLEET,
            principal=PrincipalId("policy:presence"),
            time=Instant(self._log.now()),
            correlation_id=identifier,
        )
        return await self._execute(command, stamp)
