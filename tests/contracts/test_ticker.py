"""Sweeps: an outage is on record before anybody can overlook it, and one command that fails holds up no other."""

from typing import Any

import pytest

from domain import catalogue
from domain.kernel.decider import LeaseChange
from domain.kernel.decisions import Rules
from domain.kernel.errors import NotDueYet
from domain.kernel.ids import SECOND, Instant, ProjectId, StreamId
from domain.kernel.message import Command, Stamp
from domain.kernel.policy import Cause
from domain.node.commands import EndOutage
from domain.node.decider import OUTAGES, end_outage
from domain.session.commands import LoseSession
from domain.session.liveness import Standing
from domain.task.commands import LapseDelivery
from domain.task.decider import DELIVERY_SECONDS_MAX
from domain.task.events import TaskBackedOff, TaskClaimed, TaskStarted
from infrastructure.keys import Keys
from infrastructure.log.mapper import recorded
from infrastructure.log.memory import MemoryLog
from infrastructure.log.port import LogRow, StoreUnavailable
from infrastructure.runtime.hints import HintFolds, Hints
from infrastructure.runtime.hot import HotStates
from infrastructure.runtime.outcome import Outcome, refused
from infrastructure.runtime.reactor import Reactor
from infrastructure.runtime.retention import KEPT_SECONDS
from infrastructure.runtime.ticker import CLOCK_SECONDS, Ticker
from tests.contracts.groups import asked, member
from tests.support.world import World

DONE = Outcome(b'{"ok":true,"answer":{}}', 1)
EARLY = Outcome(refused(NotDueYet(until=0)), 0)


class Desk:
    """Takes commands; the ids in ``failing`` fail."""

    def __init__(self) -> None:
        self.asked: list[Command] = []
        self.broken = False
        self.failing: set[str] = set()
        self.answer = DONE

    async def execute(self, command: Command, stamp: Stamp) -> Outcome:
        self.asked.append(command)
        if self.broken or getattr(command, "task", "") in self.failing:
            raise StoreUnavailable("away")
        return self.answer


class Clock(MemoryLog):
    """Its clock jumps as one does that is measured: the count of jumps is raised with it."""

    time = 1_000 * SECOND
    clock_jumped = 0

    def now(self) -> int:
        return self.time

    def jump(self, seconds: int) -> None:
        self.time += seconds * SECOND
        self.clock_jumped += 1


def decode(row: LogRow) -> Any:
    return recorded(row, catalogue.REGISTRY)


def ticker(log: MemoryLog, desk: Desk) -> tuple[Ticker, Hints]:
    hints = Hints(log, decode, Keys(b"secret"), HintFolds(), 0)
    reactor = Reactor(
        log, catalogue.AGGREGATES, catalogue.POLICIES, decode, HotStates(log, catalogue.AGGREGATES, catalogue.REGISTRY)
    )
    return Ticker(log, hints, reactor, desk.execute, node="node_1"), hints


async def test_an_outage_whose_record_failed_is_found_again_also_by_the_next_process() -> None:
    log, desk = Clock(), Desk()
    await ticker(log, desk)[0].sweep()
    log.time += 100 * SECOND
    desk.broken = True
    with pytest.raises(StoreUnavailable):
        await ticker(log, desk)[0].sweep()
    desk.broken = False
    log.time += SECOND
    again = ticker(log, desk)[0]
    await again.sweep()
    ended = EndOutage(began_at=1_000 * SECOND)
    assert desk.asked == [ended, ended]
    log.time += SECOND
    await again.sweep()
    assert desk.asked == [ended, ended]


async def test_a_command_that_always_fails_holds_up_no_other() -> None:
    log, desk = Clock(), Desk()
    swept, hints = ticker(log, desk)
    tasks = [StreamId(f"task_{number:026d}") for number in range(3)]
    for stream in tasks:
        event = TaskBackedOff(until=Instant(log.time), reason="retry", then="retry_due", at=Instant(log.time))
        hints.agenda.observe(Cause(stream, 1, event, ProjectId("proj_1")))
    desk.failing = {tasks[0]}
    await swept.sweep()
    await swept.sweep()
    assert [getattr(one, "task", "") for one in desk.asked] == [*tasks, tasks[0]]


async def test_an_assignment_gets_the_time_in_which_nobody_could_acknowledge_it() -> None:
    log, desk = Clock(), Desk()
    swept, hints = ticker(log, desk)
    claimed = TaskClaimed(
        session="sess_1", incarnation=1, token=1, attempt=1, strategy="priority", at=Instant(log.time)
    )
    hints.agenda.observe(Cause(StreamId("task_1"), 1, claimed, ProjectId("proj_1")))
    log.time += 10 * DELIVERY_SECONDS_MAX * SECOND
    hints.standings.outage_ended_at = Instant(log.time)
    over = log.time + DELIVERY_SECONDS_MAX * SECOND
    while log.time + SECOND < over:
        await swept.sweep()
        log.time += SECOND
    assert desk.asked == []
    log.time = over
    await swept.sweep()
    assert [type(one) for one in desk.asked] == [LapseDelivery]


async def test_what_was_asked_too_early_for_an_outage_that_another_node_found_is_asked_again() -> None:
    log, desk = Clock(), Desk()
    swept, hints = ticker(log, desk)
    claimed = TaskClaimed(
        session="sess_1", incarnation=1, token=1, attempt=1, strategy="priority", at=Instant(log.time)
    )
    hints.agenda.observe(Cause(StreamId("task_1"), 1, claimed, ProjectId("proj_1")))
    log.beat(now=log.time + DELIVERY_SECONDS_MAX * SECOND)
    log.time += DELIVERY_SECONDS_MAX * SECOND
    desk.answer = EARLY
    await swept.sweep()
    desk.answer = DONE
    await swept.sweep()
    await swept.sweep()
    assert [type(one) for one in desk.asked] == [LapseDelivery] * 2


async def test_what_was_asked_too_early_is_asked_again_when_it_is_due_and_not_each_second() -> None:
    log, desk = Clock(), Desk()
    swept, hints = ticker(log, desk)
    started = TaskStarted(token=1, at=Instant(log.time), stalls_at=Instant(log.time))
    hints.agenda.observe(Cause(StreamId("task_1"), 1, started, ProjectId("proj_1")))
    desk.answer = Outcome(refused(NotDueYet(until=log.time + 4 * SECOND)), 0)
    asked_in = []
    for second in range(6):
        before = len(desk.asked)
        await swept.sweep()
        asked_in += [second] * (len(desk.asked) - before)
        log.time += SECOND
        desk.answer = desk.answer if second < 3 else DONE
    assert asked_in == [0, 4]


@pytest.mark.parametrize("seconds", [3, 3_600, -3, -3_600])
async def test_a_clock_that_jumped_is_an_outage_on_record_before_anything_expires(seconds: int) -> None:
    log, desk = Clock(), Desk()
    swept, hints = ticker(log, desk)
    opened = LeaseChange("open", StreamId("sess_1"), 1, 60)
    log.append([member("open", leases=(opened,))], now=log.time - 58 * SECOND)
    hints.standings.by_session["sess_1"] = Standing(1, "suspect")
    await swept.sweep()
    assert desk.asked == []
    log.jump(seconds)
    desk.broken = True
    with pytest.raises(StoreUnavailable):
        await swept.sweep()
    desk.broken = False
    await swept.sweep()
    assert desk.asked == [EndOutage(began_at=log.time - CLOCK_SECONDS * SECOND)] * 2
    assert log.alive_through() == log.time, "a mark that lies ahead would hide the next outage"
    hints.standings.outage_ended_at = Instant(log.time)
    await swept.sweep()
    await swept.sweep()
    kinds = [type(one) for one in desk.asked]
    assert kinds.count(EndOutage) == 2, "one jump is one outage"
    assert LoseSession not in kinds


def test_nodes_that_notice_the_same_jump_record_one_outage() -> None:
    world = World({"outage": OUTAGES}, Rules({EndOutage: end_outage}))
    jumped_at = world.now
    first = world.when(EndOutage(began_at=jumped_at - CLOCK_SECONDS * SECOND))
    assert len(first.writes) == 1
    world.now = Instant(jumped_at + CLOCK_SECONDS * SECOND - 1)
    assert not world.when(EndOutage(began_at=world.now - CLOCK_SECONDS * SECOND)).writes


async def test_the_node_on_duty_forgets_old_receipts_and_the_others_do_not() -> None:
    log, desk = Clock(), Desk()
    log.append([member("cmd_1")._replace(time=log.time - (KEPT_SECONDS + 1) * SECOND)], now=log.time)
    log.hold_duty("ticker", "node_2", now=log.time, seconds=3)
    swept, _ = ticker(log, desk)
    await swept.sweep()
    assert log.receipt(asked("cmd_1")) is not None
    log.time += 3 * SECOND
    await swept.sweep()
    assert log.receipt(asked("cmd_1")) is None
