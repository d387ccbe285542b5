"""A node among the others: it joins once, tells what lasts, and begins anew where it was taken for lost."""

import asyncio
import json

from domain import catalogue
from domain.dispatch.ready import ReadyIndex
from domain.kernel.decider import LeaseChange
from domain.kernel.ids import SECOND, Instant, StreamId
from domain.kernel.message import Command, Stamp
from domain.node.commands import JoinNode, LeaveNode, LoseNode, ReportNode
from domain.node.health import LOG_LAG_EVENTS_MAX, NodeReport
from infrastructure.log.memory import MemoryLog
from infrastructure.log.port import Log
from infrastructure.runtime.outcome import Outcome, accepted, refused
from infrastructure.runtime.presence import LEASE_SECONDS, LOOKS_MIN, NodeFacts, Presence
from tests.contracts.groups import NOW, member
from tests.support.world import World

NODE = StreamId("node_00000000000000000000000001")


class Clock(MemoryLog):
    time = 1_000 * SECOND

    def now(self) -> int:
        return self.time


class Store:
    """The decisions of nodes over a log in memory, with a lag that the test sets."""

    def __init__(self) -> None:
        self.log = Clock()
        self.world = World(catalogue.AGGREGATES, catalogue.rules(ReadyIndex()))
        self.asked: list[Command] = []
        self.lag = 0
        self.joined = asyncio.Event()
        self.presence = Presence(self.log, NODE, NodeFacts("1", "memory"), self.execute, self.examine)

    async def execute(self, command: Command, stamp: Stamp) -> Outcome:
        self.asked.append(command)
        decision = self.world.when(command, stamp)
        changed = member(stamp.command_id, leases=decision.leases)
        self.log.append([changed], now=self.log.time)
        self.joined.set()
        text = accepted(decision.answer) if decision.rejection is None else refused(decision.rejection)
        return Outcome(text, 1)

    def examine(self, head: int) -> NodeReport:
        said = {"log_lag_events": self.lag, "projector_lag_events": 0, "commands_waiting": 0, "sessions_waiting": 0}
        return NodeReport.model_validate({"at": self.log.time, "ready": True, "head": head, **said})

    async def beats(self, count: int) -> None:
        for _ in range(count):
            self.log.time += SECOND
            await self.presence.beat()


async def test_a_node_joins_once_and_says_each_time_how_it_is() -> None:
    store = Store()
    await store.beats(3)
    assert [type(one) for one in store.asked] == [JoinNode]
    (told,) = await store.presence.reports()
    assert (told.node, json.loads(told.report)["at"]) == (NODE, store.log.time)
    assert not store.presence.is_cut_off(Instant(store.log.time))


async def test_a_trouble_is_told_once_it_lasts_and_its_end_too() -> None:
    store = Store()
    await store.beats(1)
    store.lag = LOG_LAG_EVENTS_MAX + 1
    await store.beats(LOOKS_MIN - 1)
    store.lag = 0
    await store.beats(1)
    assert [type(one) for one in store.asked] == [JoinNode], "a moment is no trouble"
    store.lag = LOG_LAG_EVENTS_MAX + 1
    await store.beats(LOOKS_MIN + 2)
    store.lag = 0
    await store.beats(LOOKS_MIN + 2)
    told = [one.troubles for one in store.asked if isinstance(one, ReportNode)]
    assert told == [("log_lag",), ()]


async def test_a_node_that_was_taken_for_lost_joins_again() -> None:
    store = Store()
    await store.beats(1)
    renewed_at = store.log.leases()[0].renewed_at
    store.log.time += (LEASE_SECONDS + 1) * SECOND
    store.world.now = Instant(store.log.time)
    assert store.presence.is_cut_off(Instant(store.log.time)), "the others may call it lost"
    stamp = store.world.stamp()
    outcome = await store.execute(LoseNode(node=NODE, incarnation=1, renewed_at=renewed_at), stamp)
    assert outcome.ok
    await store.beats(2)
    assert [one.incarnation for one in store.asked if isinstance(one, JoinNode)] == [1, 2]
    assert [one.incarnation for one in store.log.leases()] == [2]
    assert not store.presence.is_cut_off(Instant(store.log.time))


async def test_a_node_that_never_joined_says_no_goodbye() -> None:
    store = Store()
    await store.presence.leave()
    assert store.asked == []
    store.presence.announce("http://one")
    store.presence.announce("http://one")
    async with asyncio.timeout(30):
        await store.joined.wait()
    await store.presence.leave()
    assert isinstance(store.asked[-1], LeaveNode)
    assert store.log.leases() == []


def test_every_store_keeps_what_each_node_said_last(log_store: Log) -> None:
    log_store.tell_node("node_b", 1, b"1", now=NOW)
    log_store.tell_node("node_a", 1, b"2", now=NOW + 1)
    log_store.tell_node("node_b", 1, b"3", now=NOW + 2)
    assert [(one.node, one.at, one.report) for one in log_store.node_reports()] == [
        ("node_a", NOW + 1, b"2"),
        ("node_b", NOW + 2, b"3"),
    ]
    log_store.forget_node_reports(before=NOW + 2)
    assert [one.node for one in log_store.node_reports()] == ["node_b"]


def test_who_speaks_of_itself_renews_its_lease(log_store: Log) -> None:
    assert log_store.tell_node(NODE, 1, b"{}", now=NOW) is None, "it has none yet"
    opened = LeaseChange("open", NODE, 1, LEASE_SECONDS)
    log_store.append([member("join", leases=(opened,))], now=NOW)
    assert log_store.tell_node(NODE, 1, b"{}", now=NOW) == NOW + 1, "the stamp always changes"
    assert log_store.tell_node(NODE, 1, b"{}", now=NOW + SECOND) == NOW + SECOND
    assert log_store.tell_node(NODE, 2, b"{}", now=NOW + SECOND) is None
    assert [one.renewed_at for one in log_store.leases()] == [NOW + SECOND]
    log_store.append([member("leave", leases=(LeaseChange("end", NODE, 1),))], now=NOW)
    assert log_store.tell_node(NODE, 1, b"last", now=NOW + 2 * SECOND) is None
    assert [one.report for one in log_store.node_reports()] == [b"last"], "what it says is heard all the same"
