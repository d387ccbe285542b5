"""Whose outage gives grace: none where one node of several is away, one TTL where all were or the clock jumped."""

from dataclasses import dataclass, field

import pytest

from domain import catalogue
from domain.kernel.decider import Recorded
from domain.kernel.ids import SECOND, Instant
from domain.kernel.message import Command, Stamp
from domain.node.events import OutageEnded
from domain.session.commands import OpenSession
from domain.session.events import SessionLost, SessionSuspected
from infrastructure.keys import Keys
from infrastructure.log.mapper import recorded
from infrastructure.log.memory import MemoryLog
from infrastructure.log.port import LogRow
from infrastructure.runtime.hints import HintFolds, Hints
from infrastructure.runtime.hot import HotStates
from infrastructure.runtime.outcome import Outcome, accepted, refused
from infrastructure.runtime.reactor import Reactor
from infrastructure.runtime.ticker import OUTAGE_SECONDS, Ticker
from tests.contracts.groups import member
from tests.support.fleet import Fleet

TTL = 60


class Clock(MemoryLog):
    time = 1_700_000_000 * SECOND
    clock_jumped = 0

    def now(self) -> int:
        return self.time


def decode(row: LogRow) -> Recorded:
    return recorded(row, catalogue.REGISTRY)


@dataclass
class Nodes:
    """Nodes on one log, under one clock, with the decisions of the server; a node that is not swept is away."""

    log: Clock = field(default_factory=Clock)
    world: Fleet = field(default_factory=Fleet)
    hints: list[Hints] = field(default_factory=list[Hints])
    session: str = ""

    def node(self, name: str) -> Ticker:
        hints = Hints(self.log, decode, Keys(b"k"), HintFolds(), 0)
        for one in self.world.log:
            hints.standings.observe(one.stream, one.event)
        self.hints.append(hints)
        reactor = Reactor(
            self.log,
            catalogue.AGGREGATES,
            catalogue.POLICIES,
            decode,
            HotStates(self.log, catalogue.AGGREGATES, catalogue.REGISTRY),
        )
        return Ticker(self.log, hints, reactor, self.execute, node=name)

    async def execute(self, command: Command, stamp: Stamp) -> Outcome:
        self.world.now = Instant(self.log.time)
        before = len(self.world.log)
        decision = self.world.when(command, stamp)
        self.log.append([member(stamp.command_id, leases=decision.leases)], now=self.log.time)
        for one in self.world.log[before:]:
            for hints in self.hints:
                hints.standings.observe(one.stream, one.event)
        if isinstance(command, OpenSession) and decision.rejection is None:
            self.session = str(decision.answer.model_dump()["session"])
        return Outcome(accepted(decision.answer) if decision.rejection is None else refused(decision.rejection), 1)

    async def open(self) -> None:
        self.world.now = Instant(self.log.time)
        command = OpenSession(projects=("shop",), ttl_seconds=TTL)
        assert (await self.execute(command, self.world.stamp("fleet", "key_owner"))).ok

    async def sweep(self, seconds: int, *nodes: Ticker) -> None:
        """Let so many seconds pass, in each of which these nodes sweep."""
        for _ in range(seconds):
            self.log.time += SECOND
            for node in nodes:
                await node.sweep()

    def seconds_of(self, kind: type) -> list[int]:
        """When such events were decided, in seconds since the session was opened."""
        opened = next(one for one in self.world.log if one.stream == self.session)
        return [(one.recorded_at - opened.recorded_at) // SECOND for one in self.world.log if type(one.event) is kind]


@pytest.fixture
async def nodes() -> Nodes:
    return Nodes()


async def test_a_node_that_crashes_beside_another_gives_no_grace(nodes: Nodes) -> None:
    crashing, other = nodes.node("node_1"), nodes.node("node_2")
    await nodes.sweep(3, crashing, other)
    await nodes.open()
    await nodes.sweep(20, crashing, other)
    await nodes.sweep(30, other)
    restarted = nodes.node("node_3")
    await nodes.sweep(20, other, restarted)
    assert nodes.seconds_of(OutageEnded) == []
    assert nodes.seconds_of(SessionSuspected) == [TTL // 2]
    assert nodes.seconds_of(SessionLost) == [TTL]


async def test_the_one_on_duty_may_be_the_one_that_crashes(nodes: Nodes) -> None:
    crashing, other = nodes.node("node_1"), nodes.node("node_2")
    await nodes.sweep(3, crashing, other)
    await nodes.open()
    await nodes.sweep(TTL - 1, crashing, other)
    await nodes.sweep(10, other)
    (lost,) = nodes.seconds_of(SessionLost)
    assert TTL <= lost <= TTL + 4, "its duty passes on within three seconds and a sweep"
    assert nodes.seconds_of(OutageEnded) == []


async def test_an_outage_of_all_gives_one_ttl_from_its_end_and_is_recorded_once(nodes: Nodes) -> None:
    one, other = nodes.node("node_1"), nodes.node("node_2")
    await nodes.sweep(3, one, other)
    await nodes.open()
    await nodes.sweep(20, one, other)
    await nodes.sweep(100)
    again = nodes.node("node_3"), nodes.node("node_4")
    await nodes.sweep(TTL + 10, *again)
    ended = 121
    assert nodes.seconds_of(OutageEnded) == [ended]
    assert nodes.seconds_of(SessionSuspected) == [ended + TTL // 2]
    assert nodes.seconds_of(SessionLost) == [ended + TTL]


async def test_a_pause_of_all_that_is_shorter_than_the_bound_is_none(nodes: Nodes) -> None:
    one = nodes.node("node_1")
    await nodes.sweep(3, one)
    await nodes.open()
    await nodes.sweep(20, one)
    await nodes.sweep(OUTAGE_SECONDS - 1)
    await nodes.sweep(TTL, one)
    assert nodes.seconds_of(OutageEnded) == []
    assert nodes.seconds_of(SessionLost) == [TTL]


async def test_whoever_was_heard_after_the_outage_counts_from_there(nodes: Nodes) -> None:
    one = nodes.node("node_1")
    await nodes.sweep(3, one)
    await nodes.open()
    await nodes.sweep(10)
    await nodes.sweep(1, one)
    nodes.log.time += 30 * SECOND
    nodes.log.renew([(nodes.session, 1)], now=nodes.log.time)
    nodes.log.beat(now=nodes.log.time)
    await nodes.sweep(TTL + 5, one)
    assert nodes.seconds_of(OutageEnded) == [11]
    assert nodes.seconds_of(SessionLost) == [11 + 30 + TTL]


@pytest.mark.parametrize("jump", [3_600, -600])
async def test_a_clock_that_jumps_gives_one_ttl_from_there(nodes: Nodes, jump: int) -> None:
    one, other = nodes.node("node_1"), nodes.node("node_2")
    await nodes.sweep(3, one, other)
    await nodes.open()
    await nodes.sweep(20, one, other)
    nodes.log.time += jump * SECOND
    nodes.log.clock_jumped += 1
    await nodes.sweep(2 * TTL + 700 if jump < 0 else 2 * TTL, one, other)
    assert len(nodes.seconds_of(OutageEnded)) == 1, "both nodes noticed it"
    (ended,) = nodes.seconds_of(OutageEnded)
    (lost,) = nodes.seconds_of(SessionLost)
    assert ended == 20 + jump + 1
    # A clock that was set back stands before the last renewal: silence counts from the later of the two.
    assert max(ended, 0) + TTL <= lost <= max(ended, 0) + TTL + 1
