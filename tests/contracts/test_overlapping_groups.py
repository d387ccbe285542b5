"""A group is decided while the one before it is being written: it stands on what is not durable, and falls with it."""

import asyncio
import threading
from collections.abc import AsyncIterator

import pytest

from infrastructure.log.memory import MemoryLog
from infrastructure.log.port import Log, Member, MemberResult, StoreUnavailable
from infrastructure.runtime import log_thread
from infrastructure.runtime.committer import FIRST_GROUP_MIN, CommitterStoppedError
from infrastructure.runtime.outcome import Outcome
from tests.contracts.test_committer import A, B, Bank, Watching
from tests.support.accounts import Explode, Move, Transfer
from tests.support.waiting import happens

C = "acct_" + "c" * 26


class Gated:
    """A log whose appends wait until they are let through, or fail."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._open = threading.Event()
        self._open.set()
        self.begun: list[int] = []
        """Members of every append that began."""
        self.failures = 0
        """So many appends fail, those that are let through first."""

    def __getattr__(self, name: str) -> object:
        return getattr(self._log, name)

    def shut(self) -> None:
        self.begun.clear()
        self._open.clear()

    def let_through(self) -> None:
        self._open.set()

    def append(self, members: list[Member], *, now: int) -> list[MemberResult]:
        self.begun.append(len(members))
        self._open.wait()
        if self.failures:
            self.failures -= 1
            raise StoreUnavailable("away")
        return self._log.append(members, now=now)


@pytest.fixture
async def gate() -> AsyncIterator[Gated]:
    gated = Gated(MemoryLog())
    yield gated
    gated.let_through()


@pytest.fixture
async def bank(gate: Gated) -> AsyncIterator[Bank]:
    opened = Bank(gate, Watching())  # type: ignore[arg-type]
    opened.committer.start()
    yield opened
    gate.let_through()
    await opened.committer.stop()


def watching(bank: Bank) -> Watching:
    (found,) = (one for one in bank.committer._settler._observers if isinstance(one, Watching))
    return found


async def beside(bank: Bank, gate: Gated, first: Move, *others: Move | Transfer) -> list["asyncio.Task[Outcome]"]:
    """The first is being written while the others are decided."""
    gate.shut()
    tasks = [asyncio.create_task(bank.do(first))]
    await happens(lambda: bool(gate.begun))
    watching(bank).announced.clear()
    tasks += [asyncio.create_task(bank.do(one)) for one in others]
    await happens(lambda: bank.committer.waiting == 0 and bool(watching(bank).announced))
    return tasks


async def test_what_is_decided_beside_an_append_stands_on_it_and_is_written_and_answered_behind_it(
    bank: Bank, gate: Gated
) -> None:
    tasks = await beside(
        bank, gate, Move(account=A, amount=10), Transfer(source=A, target=B, amount=7), Move(account=B, amount=1)
    )
    assert gate.begun == [1]
    assert not any(task.done() for task in tasks)
    gate.let_through()
    outcomes = await asyncio.gather(*tasks)
    assert [one.ok for one in outcomes] == [True, True, True]
    assert gate.begun == [1, 2]
    assert [one.position for one in outcomes] == sorted(one.position for one in outcomes)
    assert (bank.account(A).balance, bank.account(B).balance) == (3, 8)


async def test_what_stood_on_a_group_that_the_log_refused_is_decided_anew(bank: Bank, gate: Gated) -> None:
    other = Bank(gate)  # type: ignore[arg-type]
    other.committer.start()
    await bank.do(Move(account=A, amount=5))
    gate.shut()
    foreign = asyncio.create_task(other.do(Transfer(source=A, target=C, amount=5)))
    await happens(lambda: bool(gate.begun))
    stale = asyncio.create_task(bank.do(Transfer(source=A, target=B, amount=5)))
    await happens(lambda: len(gate.begun) == 2)
    watching(bank).announced.clear()
    built_on_it = asyncio.create_task(bank.do(Transfer(source=B, target=C, amount=5)))
    beside_it = asyncio.create_task(bank.do(Move(account="acct_" + "d" * 26, amount=2)))
    await happens(lambda: {B, "acct_" + "d" * 26} <= set(watching(bank).announced))
    gate.let_through()
    outcomes = await asyncio.gather(foreign, stale, built_on_it, beside_it)
    # Which of the two nodes was first is the threads' affair; the other one's chain falls as a whole.
    assert outcomes[0].ok != outcomes[1].ok
    assert outcomes[1].ok == outcomes[2].ok
    assert outcomes[3].ok
    assert [bank.account(one).balance for one in (A, B, C)] == [0, 0, 5]
    if not outcomes[1].ok:
        assert {B, "acct_" + "d" * 26} <= set(watching(bank).taken_back)
    await other.committer.stop()


async def test_what_was_decided_beside_an_append_that_failed_is_decided_anew(
    bank: Bank, gate: Gated, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_thread, "UNAVAILABLE_SECONDS_MAX", 0.0)
    await bank.do(Move(account=A, amount=1))
    first, second, third = await beside(
        bank,
        gate,
        Move(account=A, amount=10),
        Transfer(source=A, target=B, amount=1),
        Transfer(source=A, target=B, amount=9),
    )
    gate.failures = 1
    gate.let_through()
    with pytest.raises(StoreUnavailable):
        await first
    assert [one.ok for one in await asyncio.gather(second, third)] == [True, False]
    assert (bank.account(A).balance, bank.account(B).balance) == (0, 1)


async def test_a_fault_beside_an_append_is_its_own(bank: Bank, gate: Gated) -> None:
    tasks = await beside(bank, gate, Move(account=A, amount=1), Move(account=A, amount=2))
    tasks.append(asyncio.create_task(bank.do(Explode())))
    await happens(lambda: bank.committer.waiting == 0)
    gate.let_through()
    first, second, bad = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(first, Outcome)
    assert isinstance(second, Outcome)
    assert isinstance(bad, Exception)
    assert bank.account(A).balance == 3


async def test_a_stop_ends_what_was_decided_and_refuses_the_rest(bank: Bank, gate: Gated) -> None:
    tasks = await beside(bank, gate, Move(account=A, amount=1), Move(account=A, amount=2))
    stopping = asyncio.create_task(bank.committer.stop())
    await asyncio.sleep(0)
    with pytest.raises(CommitterStoppedError):
        await bank.do(Move(account=A, amount=4))
    gate.let_through()
    await stopping
    assert [one.ok for one in await asyncio.gather(*tasks)] == [True, True]
    assert bank.account(A).balance == 3


async def test_of_many_that_came_at_once_half_is_written_while_the_rest_is_decided(bank: Bank, gate: Gated) -> None:
    many = 4 * FIRST_GROUP_MIN
    gate.shut()
    tasks = [asyncio.create_task(bank.do(Move(account=A, amount=1))) for _ in range(many)]
    await happens(lambda: bank.committer.waiting == 0 and bool(gate.begun))
    assert gate.begun == [many // 2]
    gate.let_through()
    assert all(one.ok for one in await asyncio.gather(*tasks))
    assert bank.account(A).balance == many
