"""What the reactor could not send because the store was away, it sends later: no need is left unsettled."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from domain.catalogue import AGGREGATES, POLICIES, REGISTRY
from domain.kernel.errors import Unreplayable
from domain.kernel.ids import Instant
from domain.kernel.message import Command, Stamp
from domain.task.commands import SettleNeed
from infrastructure.log.mapper import recorded
from infrastructure.log.memory import MemoryLog
from infrastructure.log.port import LogRow, StoreUnavailable
from infrastructure.runtime.hot import HotStates
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
    reactor = Reactor(
        log, AGGREGATES, POLICIES, lambda row: recorded(row, REGISTRY), HotStates(log, AGGREGATES, REGISTRY)
    )
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


async def test_a_page_is_looked_at_with_what_memory_holds_and_one_read_for_all_that_it_lacks() -> None:
    fleet = Fleet()
    for number in range(20):
        fleet.plan(a_task(f"first{number}"), a_task(f"second{number}", f"first{number}"))
    session = fleet.a_session(capacity=20)
    for number in range(20):
        claimed = fleet.claimed(session, f"first{number}")
        fleet.complete(claimed.task, claimed.token)
    versions: list[int] = []
    reads = 0

    class Counted(MemoryLog):
        def events_of_many(self, wanted: Sequence[tuple[str, int]]) -> dict[str, list[LogRow]]:
            nonlocal reads
            reads += 1
            versions.extend(version for _, version in wanted)
            return super().events_of_many(wanted)

    log = Counted()
    append(log, [one._replace(command_id=f"c{one.position}") for one in fleet.log])
    hot = HotStates(log, AGGREGATES, REGISTRY)
    cold = Reactor(log, AGGREGATES, POLICIES, lambda row: recorded(row, REGISTRY), hot)
    found = cold.look(Instant(fleet.now))
    assert len(found) == 20
    assert reads <= 3, "not once for each of them"
    assert set(versions) == {0}
    hot.adopt(*hot.load([one.stream for one in fleet.log], ()))
    versions.clear()
    warm = Reactor(log, AGGREGATES, POLICIES, lambda row: recorded(row, REGISTRY), hot)
    assert warm.look(Instant(fleet.now)) == found
    assert min(versions) > 0, "only what memory does not know yet is read"
