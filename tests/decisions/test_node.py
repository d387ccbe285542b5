"""Servers: who joins, is well, is lost in time and never early, and what a goodbye leaves."""

from typing import Any

import pytest

from domain.kernel.decider import Decision, LeaseChange
from domain.kernel.decisions import Rules
from domain.kernel.ids import SECOND, Instant, StreamId
from domain.node.commands import EndOutage, JoinNode, LeaveNode, LoseNode, ReportNode
from domain.node.decider import NODE, OUTAGES, end_outage, join, leave, lose, report, silent
from domain.node.errors import NodeStillHeard
from domain.node.events import NodeJoined, NodeLeft, NodeLost, NodeStatusChanged
from domain.node.health import COMMANDS_WAITING_MAX, LOG_LAG_EVENTS_MAX, NodeReport, troubles_of
from infrastructure.log.port import Lease
from projections.kernel.replay import replay
from projections.node_roster.projection import NODE_ROSTER
from projections.node_roster.rows import NodeRosterRow
from tests.support.world import World

NODE_1 = StreamId("node_00000000000000000000000001")
LEASE = 5


@pytest.fixture
def world() -> World:
    rules = Rules({JoinNode: join, ReportNode: report, LoseNode: lose, LeaveNode: leave, EndOutage: end_outage})
    return World({one.prefix: one for one in (NODE, OUTAGES)}, rules)


def joined(world: World, incarnation: int = 1) -> Decision:
    said: Any = {"url": "http://one", "host": "h", "process": 7, "version": "1", "store": "postgres"}
    return world.when(JoinNode(node=NODE_1, incarnation=incarnation, lease_seconds=LEASE, **said))


def events(decision: Decision) -> list[type]:
    return [type(event) for write in decision.writes for event in write.events]


def row(world: World) -> NodeRosterRow:
    (found,) = replay(NODE_ROSTER, world.log).values()
    return found


def test_a_node_joins_with_a_lease_and_once(world: World) -> None:
    first = joined(world)
    assert events(first) == [NodeJoined]
    assert first.leases == (LeaseChange("open", NODE_1, 1, LEASE),)
    assert (row(world).status, row(world).url) == ("healthy", "http://one")
    assert joined(world) == Decision()


def test_the_log_hears_of_a_status_only_where_it_changes(world: World) -> None:
    joined(world)
    ill = ReportNode(node=NODE_1, incarnation=1, troubles=("log_lag",), duties=("ticker",))
    assert events(world.when(ill)) == [NodeStatusChanged]
    assert (row(world).status, row(world).troubles, row(world).duties) == ("unhealthy", '["log_lag"]', '["ticker"]')
    assert world.when(ill) == Decision()
    assert events(world.when(ill.model_copy(update={"troubles": ()}))) == [NodeStatusChanged]
    assert row(world).status == "healthy"


def test_a_silent_node_is_lost_after_its_lease_and_never_early(world: World) -> None:
    joined(world)
    renewed_at = int(world.now)
    command = LoseNode(node=NODE_1, incarnation=1, renewed_at=renewed_at)
    world.advance(LEASE - 0.001)
    early = world.when(command)
    assert early.rejection == NodeStillHeard(node=NODE_1, until=renewed_at + LEASE * SECOND)
    world.advance(0.001)
    lost = world.when(command)
    assert events(lost) == [NodeLost]
    assert lost.leases == (LeaseChange("expire", NODE_1, 1, stamp=Instant(renewed_at)),)
    assert (row(world).status, row(world).duties) == ("lost", "[]")
    assert world.when(command) == Decision()


def test_an_outage_gives_nodes_the_grace_that_sessions_have(world: World) -> None:
    joined(world)
    renewed_at = int(world.now)
    world.advance(60)
    world.when(EndOutage(began_at=renewed_at))
    command = LoseNode(node=NODE_1, incarnation=1, renewed_at=renewed_at)
    assert isinstance(world.when(command).rejection, NodeStillHeard)
    world.advance(LEASE)
    assert events(world.when(command)) == [NodeLost]


def test_who_was_taken_for_lost_joins_again_and_its_former_life_says_nothing_more(world: World) -> None:
    joined(world)
    renewed_at = int(world.now)
    world.advance(LEASE)
    world.when(LoseNode(node=NODE_1, incarnation=1, renewed_at=renewed_at))
    assert events(joined(world, 2)) == [NodeJoined]
    assert world.when(ReportNode(node=NODE_1, incarnation=1, troubles=("log_lag",), duties=())) == Decision()
    assert world.when(LeaveNode(node=NODE_1, incarnation=1)) == Decision()
    assert (row(world).status, row(world).incarnation) == ("healthy", 2)


def test_a_goodbye_ends_the_lease_and_nobody_loses_the_node_then(world: World) -> None:
    joined(world)
    goodbye = world.when(LeaveNode(node=NODE_1, incarnation=1))
    assert events(goodbye) == [NodeLeft]
    assert goodbye.leases == (LeaseChange("end", NODE_1, 1),)
    world.advance(60)
    assert world.when(LoseNode(node=NODE_1, incarnation=1, renewed_at=int(world.now) - 60 * SECOND)) == Decision()
    assert world.when(LeaveNode(node=NODE_1, incarnation=1)) == Decision()
    assert row(world).status == "left"


def test_only_silence_beyond_the_lease_and_the_latest_outage_is_due() -> None:
    pulses = [Lease(f"node_{number}", 1, LEASE, number * SECOND, ended=False) for number in range(3)]
    due = silent(pulses, Instant(0), Instant(6 * SECOND))
    assert [one.node for one in due] == ["node_0", "node_1"]
    assert silent(pulses, Instant(3 * SECOND), Instant(6 * SECOND)) == ()
    assert len(silent(pulses, Instant(0), Instant(60 * SECOND), most=2)) == 2


def test_health_is_what_a_node_counts_not_what_its_store_is_set_to() -> None:
    well = NodeReport(
        at=Instant(1),
        ready=True,
        head=9,
        log_lag_events=LOG_LAG_EVENTS_MAX,
        projector_lag_events=0,
        commands_waiting=COMMANDS_WAITING_MAX,
        sessions_waiting=0,
        warnings=("fsync is off",),
    )
    assert troubles_of(well) == ()
    ill = {
        "log_lag_events": LOG_LAG_EVENTS_MAX + 1,
        "stopped_projections": ("timeline: halted",),
        "projector_error": "disk",
        "commands_waiting": COMMANDS_WAITING_MAX + 1,
    }
    assert troubles_of(well.model_copy(update=ill)) == (
        "log_lag",
        "projection_stopped",
        "projector_failing",
        "commands_waiting",
    )
