"""A node follows what others append, and reads nothing anew of what it appended itself."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress

import pytest

from domain.kernel.decider import Recorded
from infrastructure.keys import Keys
from infrastructure.log.mapper import recorded
from infrastructure.log.memory import MemoryLog
from infrastructure.log.port import LogRow, Member, MemberResult
from infrastructure.runtime import following
from infrastructure.runtime.following import Following
from infrastructure.runtime.hints import HintFolds, Hints
from infrastructure.runtime.settle import Place
from tests.contracts.groups import NOW, member
from tests.contracts.test_committer import A, Bank
from tests.support.accounts import REGISTRY, Move
from tests.support.waiting import happens

NEVER = 3_600.0


class Watched(MemoryLog):
    """Counts the pages that are read; others may append right in front of a group."""

    shared = True
    pages = 0
    silent = False
    intruders: list[Member]

    def __init__(self) -> None:
        super().__init__()
        self.intruders = []

    def page(self, *, after: int, limit: int) -> list[LogRow]:
        self.pages += 1
        return super().page(after=after, limit=limit)

    def append(self, members: Sequence[Member], *, now: int) -> list[MemberResult]:
        before, self.intruders = self.intruders, []
        super().append(before, now=now)
        return super().append(members, now=now)

    def tell_growth(self, told: Callable[[int], None]) -> None:
        if not self.silent:
            super().tell_growth(told)


class Node:
    """A bank with hints that follow its log."""

    def __init__(self, log: Watched) -> None:
        self.log = log
        self.hints = Hints(log, self._decode, Keys(b"secret"), HintFolds(), 0)
        self.bank = Bank(log, self.hints)
        self.heard: list[str] = []
        self.following = Following(log, self.hints, self.bank.committer, self._heard, self._kept)

    def _decode(self, row: LogRow) -> Recorded:
        return recorded(row, REGISTRY)

    def _heard(self, places: Sequence[Place]) -> None:
        self.heard += [stream for stream, *_ in places]

    async def _kept(self) -> None:
        """Nothing is kept here."""


@asynccontextmanager
async def followed(log: Watched) -> AsyncIterator[Node]:
    node = Node(log)
    node.bank.committer.start()
    task = asyncio.create_task(node.following.run())
    yield node
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    await node.bank.committer.stop()
    node.bank.snapshotter.stop()


def foreign(number: int) -> Member:
    return member(f"foreign {number}", (f"thing_{number}", 1))


@pytest.fixture(autouse=True)
def nobody_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "LOOK_SECONDS", NEVER)


async def test_what_a_node_appended_itself_is_not_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "SETTLING_SECONDS", NEVER)
    async with followed(Watched()) as node:
        for _ in range(20):
            assert (await node.bank.do(Move(account=A, amount=1))).ok
        assert node.hints.position == node.log.head() == 20
        assert (node.log.pages, node.heard) == (0, [])


async def test_what_others_append_is_heard_at_once() -> None:
    async with followed(Watched()) as node:
        node.log.append([foreign(1), foreign(2)], now=NOW)
        await happens(lambda: node.hints.position == 2)
        assert node.log.pages > 0


async def test_what_others_append_in_front_of_a_group_under_way_is_read_with_it() -> None:
    async with followed(Watched()) as node:
        node.log.intruders = [foreign(1)]
        assert (await node.bank.do(Move(account=A, amount=1))).ok
        await happens(lambda: node.hints.position == 2)
        assert node.heard == [A], "an event that cannot be read is passed over"


async def test_what_nobody_told_of_is_found_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "LOOK_SECONDS", 0.01)
    log = Watched()
    log.silent = True
    async with followed(log) as node:
        node.log.append([foreign(1)], now=NOW)
        await happens(lambda: node.hints.position == 1)


async def test_more_than_one_page_is_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infrastructure.runtime.hints.PAGE_EVENTS", 2)
    async with followed(Watched()) as node:
        node.log.append([foreign(number) for number in range(7)], now=NOW)
        await happens(lambda: node.hints.position == 7)
