"""The committer's memory is bounded by what its states weigh, and no state is lost by that."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from domain.kernel.decider import AggregateByPrefix
from domain.kernel.ids import FLEET, CommandId, Instant, PrincipalId
from domain.kernel.message import Command, Stamp
from infrastructure.log.memory import MemoryLog
from infrastructure.runtime import snapshots
from infrastructure.runtime.committer import Committer
from infrastructure.runtime.group import GroupDecider
from infrastructure.runtime.hot import STREAM_BYTES, HotStates
from infrastructure.runtime.settle import Settler
from infrastructure.runtime.snapshots import Snapshotter
from tests.support.accounts import ACCOUNT, AGGREGATES, POLICIES, REGISTRY, RULES, Account, Move, Note

BYTES_MAX = 100_000


def is_empty(state: Account) -> bool:
    return state.balance == 0


RESTING: AggregateByPrefix = {"acct": replace(ACCOUNT, rests=is_empty)}


class Bank:
    def __init__(self, log: MemoryLog, aggregates: AggregateByPrefix = AGGREGATES, **bounds: int) -> None:
        self.log = log
        self.hot = HotStates(log, aggregates, REGISTRY, **bounds)
        self.snapshotter = Snapshotter(log, self.hot, AGGREGATES)
        decider = GroupDecider(RULES, POLICIES, frozenset({"acct"}))
        settler = Settler(self.hot, AGGREGATES, [self.snapshotter])
        self.committer = Committer(log, self.hot, AGGREGATES, decider, settler, secret=b"secret")
        self.committer.start()
        self.count = 0

    async def do(self, command: Command) -> None:
        self.count += 1
        identifier = CommandId(f"cmd_{self.count}")
        stamp = Stamp(
            command_id=identifier,
            project=FLEET,
            principal=PrincipalId("tester"),
            time=Instant(1),
            correlation_id=identifier,
        )
        assert (await self.committer.execute(command, stamp)).ok

    def state(self, account: str) -> Any:
        return self.hot.load([account], []).states[account][1]

    async def stop(self) -> None:
        await self.committer.stop()
        self.snapshotter.stop()


@pytest.fixture
async def bank() -> AsyncIterator[Bank]:
    made = Bank(MemoryLog(), bytes_max=BYTES_MAX)
    yield made
    await made.stop()


def account(number: int) -> str:
    return f"acct_{number:026d}"


async def test_large_states_leave_before_there_are_many_of_them(bank: Bank) -> None:
    for number in range(100):
        await bank.do(Note(account=account(number), note=f"{number}" * 2_500))
    await bank.do(Move(account=account(100), amount=1))
    bank.hot.trim()
    assert BYTES_MAX / 2 < bank.hot.bytes <= BYTES_MAX
    assert bank.hot.get(account(0)) is None
    assert bank.hot.get(account(99)) is not None, "what was changed last stays"
    assert bank.state(account(0)).notes == ("0" * 2_500,)


async def test_a_state_weighs_the_same_whether_it_was_decided_here_or_read(bank: Bank) -> None:
    await asyncio.gather(*(bank.do(Move(account=account(one % 3), amount=1)) for one in range(6)))
    await bank.do(Note(account=account(0), note="n" * 500))
    other = HotStates(bank.log, {"acct": ACCOUNT}, REGISTRY)
    other.adopt(*other.load([account(one) for one in range(3)], []))
    assert other.bytes == bank.hot.bytes
    assert other.bytes > 2 * STREAM_BYTES + 500


async def test_what_has_come_to_its_end_leaves_first_and_comes_back_when_it_is_asked_for() -> None:
    hot = HotStates(MemoryLog(), RESTING, REGISTRY, resting_max=2)
    for number in range(6):
        hot.put(account(number), 1, Account(balance=number % 2))
        hot.weigh(account(number), 100)
    hot.put(account(0), 2, Account(balance=7))
    hot.put(account(6), 1, Account())
    hot.trim()
    held = [number for number in range(7) if hot.get(account(number)) is not None]
    assert held == [0, 1, 3, 4, 5, 6], "the oldest of three empty ones went; the first one lives again"
    assert hot.bytes == 6 * STREAM_BYTES + 500
    hot.forget([account(4), account(6)])
    hot.put(account(2), 1, Account())
    hot.trim()
    assert hot.get(account(2)) is not None, "what was forgotten takes no place"


async def test_states_that_left_memory_are_decided_upon_as_before() -> None:
    bank = Bank(MemoryLog(), RESTING, resting_max=0)
    for amount in (1, -1, 1):
        for number in range(3):
            await bank.do(Move(account=account(number), amount=amount))
    assert [bank.state(account(number)).balance for number in range(3)] == [1, 1, 1]
    await bank.stop()


async def test_nothing_held_weighs_nothing(bank: Bank) -> None:
    for number in range(3):
        await bank.do(Note(account=account(number), note="n" * 1_000))
    bank.hot.forget([account(0), "acct_unknown"])
    assert bank.hot.bytes < 2_500
    bank.hot.weigh(account(0), 1_000_000)
    assert bank.hot.bytes < 2_500
    bank.hot.forget([account(1), account(2)])
    assert bank.hot.bytes == 0
    await bank.do(Note(account=account(0), note="m" * 1_000))
    bank.hot.clear()
    assert bank.hot.bytes == 0


class AtOnce:
    """An executor without a thread."""

    def __init__(self, *_: Any, **__: Any) -> None:
        """Nothing to start."""

    def submit(self, work: Any, *arguments: Any) -> None:
        work(*arguments)

    def shutdown(self, *, wait: bool) -> None:
        """Nothing to wait for."""


async def test_a_long_stream_weighs_what_its_snapshot_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshots, "ThreadPoolExecutor", AtOnce)
    bank = Bank(MemoryLog())
    for _ in range(200):
        await bank.do(Move(account=account(1), amount=1))
    assert bank.hot.bytes < STREAM_BYTES + 150, "200 events of 12 bytes, weighed anew with every fourth"
    await bank.stop()


async def test_one_state_that_is_too_large_for_the_memory_is_served_all_the_same() -> None:
    bank = Bank(MemoryLog(), bytes_max=1_000)
    for number in range(5):
        await bank.do(Note(account=account(1), note=f"{number}" * 1_000))
    assert len(bank.state(account(1)).notes) == 5
    await bank.stop()


async def test_a_large_state_is_kept_less_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshots, "ThreadPoolExecutor", AtOnce)
    bank = Bank(MemoryLog())
    kept: list[int] = []
    for number in range(16):
        await bank.do(Note(account=account(1), note=f"{number:0500}"))
        found = bank.log.snapshots([account(1)])
        kept.append(found[account(1)].version if found else 0)
    assert sorted(set(kept)) == [0, 4, 8, 12], "the third weighs so much that sixteen comes too early"
    await bank.stop()
