"""Sweeps: an outage is on record before anybody can overlook it, and one command that fails holds up no other."""

from typing import Any

import pytest

from domain import catalogue
from domain.kernel.ids import SECOND, Instant, ProjectId, StreamId
from domain.kernel.message import Command, Stamp
from domain.kernel.policy import Cause
from domain.node.commands import EndOutage
from domain.task.events import TaskBackedOff
from infrastructure.keys import Keys
from infrastructure.log.mapper import recorded
from infrastructure.log.memory import MemoryLog
from infrastructure.log.port import LogRow, StoreUnavailable
from infrastructure.runtime.hints import HintFolds, Hints
from infrastructure.runtime.outcome import Outcome
from infrastructure.runtime.reactor import Reactor
from infrastructure.runtime.ticker import Ticker

DONE = Outcome(b'{"ok":true,"answer":{}}', 1)


class Desk:
    """Takes commands; the ids in ``failing`` fail."""

    def __init__(self) -> None:
        self.asked: list[Command] = []
        self.broken = False
        self.failing: set[str] = set()

    async def execute(self, command: Command, stamp: Stamp) -> Outcome:
        self.asked.append(command)
        if self.broken or getattr(command, "task", "") in self.failing:
            raise StoreUnavailable("away")
        return DONE


class Clock(MemoryLog):
    time = 1_000 * SECOND

    def now(self) -> int:
        return self.time


def decode(row: LogRow) -> Any:
    return recorded(row, catalogue.REGISTRY)


def ticker(log: MemoryLog, desk: Desk) -> tuple[Ticker, Hints]:
    hints = Hints(log, decode, Keys(b"secret"), HintFolds(), 0)
    reactor = Reactor(log, catalogue.AGGREGATES, catalogue.REGISTRY, catalogue.POLICIES, decode)
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
