"""Time as commands: once a second the node on duty sweeps leases and the agenda and sends what is due."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import orjson
import structlog

from domain.kernel.ids import FLEET, SECOND, Instant, PrincipalId, StreamId, command_id_of, prefix
from domain.kernel.message import Command, Stamp
from domain.kernel.policy import derived_stamp
from domain.node.commands import EndOutage, LoseNode
from domain.node.decider import NODE, silent
from domain.node.state import OUTAGE_STREAM
from domain.policies.timers import LAPSED_DELIVERY
from domain.session import liveness
from domain.session.commands import SessionCommand
from domain.task.decider import DELIVERY_SECONDS_MAX
from infrastructure.log.port import Lease, Log
from infrastructure.runtime.hints import Hints
from infrastructure.runtime.outcome import Outcome
from infrastructure.runtime.reactor import Reactor
from infrastructure.runtime.retention import Retention

SWEEP_SECONDS: Final = 1.0
CLOCK_SECONDS: Final = 10
"""The store's clock was measured at most so long before a jump is noticed."""
OUTAGE_SECONDS: Final = 5
"""A sign of life that is older than this means that nobody could renew: every lease gets a grace."""
DUTY_SECONDS: Final = 3
DUTY: Final = "ticker"
_TOO_EARLY: Final = b'"code":"not_due_yet"'
"""Of an outage, say, that this node has not heard of yet: it is asked again once it is due."""

_logger = structlog.get_logger("signalbox.ticker")
Execute = Callable[[Command, Stamp], Awaitable[Outcome]]
Parts = Mapping[str, Callable[[Instant], Awaitable[None]]]
NOTHING_FURTHER: Final[Parts] = {}


@dataclass(frozen=True, slots=True)
class Signs:
    """What one blocking look at the store found."""

    now: Instant
    on_duty: bool
    leases: tuple[Lease, ...]
    """Of sessions."""
    nodes: tuple[Lease, ...]


class Ticker:
    """Every node writes the sign of life; only the one on duty sweeps, so each item has one worker.

    A node that dies is followed by another within the duty's lease and one second.
    """

    def __init__(
        self,
        log: Log,
        hints: Hints,
        reactor: Reactor,
        execute: Execute,
        *,
        node: str,
        further: Parts = NOTHING_FURTHER,
    ) -> None:
        self._log = log
        self._hints = hints
        self._reactor = reactor
        self._execute = execute
        self._node = node
        self._further = further
        self._retention = Retention(log)
        self._outage_began = Instant(0)
        self._jumps_seen = self._jumps_told = 0
        self.on_duty = False
        """Whether this node sweeps for all, as of the last look."""

    async def run(self) -> None:
        """Sweep until cancelled; a sweep that fails is told and tried again."""
        while True:
            try:
                await self.sweep()
            except Exception as error:
                _logger.warning("a sweep failed and is repeated", error=repr(error))
            await asyncio.sleep(SWEEP_SECONDS)

    async def sweep(self) -> None:
        """One look at everything that time brings about."""
        signs = await asyncio.to_thread(self._look)
        if self._outage_began:
            await self._end_outage(signs)
            # The leases get their grace before anything expires; the next sweep sees it.
            return
        if not signs.on_duty:
            return
        await _apart("nodes", self._sweep_nodes(signs))
        await _apart("sessions", self._sweep_sessions(signs))
        await _apart("agenda", self._sweep_agenda(signs.now))
        for what, part in self._further.items():
            await _apart(what, part(signs.now))
        await _apart("reactor", self._reactor.sweep(self._execute, asyncio.to_thread, signs.now))
        await _apart("retention", asyncio.to_thread(self._retention.step, signs.now))

    def _look(self) -> Signs:
        now = Instant(self._log.now())
        self._jumps_seen = self._log.clock_jumped
        self._beat(now)
        self.on_duty = self._log.hold_duty(DUTY, self._node, now=now, seconds=DUTY_SECONDS)
        leases = self._log.leases() if self.on_duty else []
        nodes = tuple(one for one in leases if prefix(one.session) == NODE.prefix)
        sessions = tuple(one for one in leases if prefix(one.session) != NODE.prefix)
        return Signs(now, self.on_duty, sessions, nodes)

    def _beat(self, now: Instant) -> None:
        """Write the sign of life, unless the former one shows an outage that is not on record yet.

        A clock that jumped is an outage, too: renewals stamped before it tell nothing about the time since.
        """
        self._outage_began = Instant(0)
        alive_through = self._log.alive_through()
        if self._jumps_seen > self._jumps_told:
            self._outage_began = Instant(now - CLOCK_SECONDS * SECOND)
        elif alive_through and now - alive_through > OUTAGE_SECONDS * SECOND:
            # The mark moves on only behind the record, so that whoever comes next finds the outage, too.
            self._outage_began = Instant(alive_through)
        else:
            self._log.beat(now=now)

    async def _end_outage(self, signs: Signs) -> None:
        began_at, jumps = self._outage_began, self._jumps_seen
        await self._execute(EndOutage(began_at=began_at), self._stamp("outage", OUTAGE_STREAM, began_at, signs.now))
        await asyncio.to_thread(self._log.beat, now=signs.now, anew=jumps > self._jumps_told)
        self._jumps_told = jumps

    async def _sweep_nodes(self, signs: Signs) -> None:
        due = silent(signs.nodes, self._hints.standings.outage_ended_at, signs.now)
        _all_told(await asyncio.gather(*(self._lose(command, signs.now) for command in due), return_exceptions=True))

    async def _lose(self, command: LoseNode, now: Instant) -> None:
        stream = StreamId(command.node)
        await self._execute(command, self._stamp(f"lose_node/{command.incarnation}", stream, command.renewed_at, now))

    async def _sweep_sessions(self, signs: Signs) -> None:
        standings = self._hints.standings
        due = liveness.due(signs.leases, standings.by_session, standings.outage_ended_at, signs.now)
        _all_told(await asyncio.gather(*(self._tell(command, signs) for command in due), return_exceptions=True))

    async def _tell(self, command: SessionCommand, signs: Signs) -> None:
        renewed_at = next(one.renewed_at for one in signs.leases if one.session == command.session)
        policy = f"{command.NAME}/{command.incarnation}"
        await self._execute(command, self._stamp(policy, StreamId(command.session), renewed_at, signs.now))

    async def _sweep_agenda(self, now: Instant) -> None:
        agenda = self._hints.agenda
        due = [one for one in agenda.due(now) if not self._might_still_arrive(one[0], now)]
        stamps = [
            derived_stamp(policy, cause, one, now, f"{cause.stream}@{cause.version}") for policy, cause, one in due
        ]
        # Sent together, so that they share groups of the committer.
        told = await asyncio.gather(
            *(self._execute(one.command, stamp) for (_, _, one), stamp in zip(due, stamps, strict=True)),
            return_exceptions=True,
        )
        for (policy, cause, _), outcome in zip(due, told, strict=True):
            if isinstance(outcome, BaseException):
                continue
            if _TOO_EARLY in outcome.text[:60]:
                agenda.postpone(policy, cause, Instant(orjson.loads(outcome.text)["error"]["data"]["until"]))
            else:
                agenda.forget(policy, cause)
        _all_told(told)

    def _might_still_arrive(self, policy: str, now: Instant) -> bool:
        """Whether an assignment gets the time that nobody could acknowledge it in: those who hold it may work on it."""
        return policy == LAPSED_DELIVERY and now < self._hints.standings.outage_ended_at + DELIVERY_SECONDS_MAX * SECOND

    def _stamp(self, policy: str, stream: StreamId, cause: int, now: Instant) -> Stamp:
        """What time asks has no causing event; the renewal or sign of life that it saw stands in for it."""
        command_id = command_id_of(policy, stream, cause, stream)
        return Stamp(
            command_id=command_id,
            project=FLEET,
            principal=PrincipalId(f"policy:{policy.partition('/')[0]}"),
            time=now,
            correlation_id=command_id,
        )


async def _apart(what: str, part: Awaitable[object]) -> None:
    """One part of a sweep; what fails in it, perhaps for ever, must not keep the other parts from their work."""
    try:
        await part
    except Exception as error:
        _logger.warning("a part of a sweep failed and is repeated", part=what, error=repr(error))


def _all_told(outcomes: Iterable[object]) -> None:
    """Raises the first failure, once all the others were served."""
    failed = next((one for one in outcomes if isinstance(one, BaseException)), None)
    if failed is not None:
        raise failed
