"""What the reactor could not send because the store was away, it sends later: no need is left unsettled."""

from collections.abc import Callable
from typing import Any

import pytest

from domain.catalogue import AGGREGATES, POLICIES, REGISTRY
from domain.kernel.errors import Unreplayable
from domain.kernel.ids import Instant
from domain.kernel.message import Command, Stamp
from domain.task.commands import SettleNeed
from infrastructure.log.mapper import recorded
from infrastructure.log.memory import MemoryLog
from infrastructure.log.port import StoreUnavailable
from infrastructure.runtime.outcome import Outcome
from infrastructure.runtime.reactor import Reactor
from tests.projections.histories import append
from tests.support.fleet import Fleet, a_task


@pytest.mark.parametrize("fault", [StoreUnavailable("away"), RuntimeError("overloaded"), Unreplayable("ours")])
async def test_a_derived_command_is_sent_until_it_is_answered(fault: Exception) -> None:
    fleet = Fleet()
    fleet.plan(a_task("first"), a_task("second", "first"))
    claimed = fleet.claimed(fleet.a_session())
    fleet.complete(claimed.task, claimed.token)
    log = MemoryLog()
    append(
        log,
        [one._replace(command_id=f"given-{one.position}") if one.command_id == "given" else one for one in fleet.log],
    )
    reactor = Reactor(log, AGGREGATES, REGISTRY, POLICIES, lambda row: recorded(row, REGISTRY))
    asked: list[Command] = []
    faults = [fault]

    async def execute(command: Command, stamp: Stamp) -> Outcome:
        asked.append(command)
        if faults:
            raise faults.pop()
        return Outcome(b'{"ok":true,"answer":{}}', log.head())

    async def in_thread(work: Callable[[], Any]) -> Any:
        return work()

    for _ in range(3):
        try:
            await reactor.sweep(execute, in_thread, Instant(fleet.now))
        except (StoreUnavailable, RuntimeError):
            continue
    # A fault of ours is told and passed over; everything else is asked again, and only until it was answered.
    assert len(asked) == (1 if isinstance(fault, Unreplayable) else 2)
    assert all(isinstance(command, SettleNeed) for command in asked)
