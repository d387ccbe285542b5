"""Many who follow the log read each page of it once, together."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Sequence
from pathlib import Path

import pytest

from domain.kernel.decider import Recorded
from infrastructure.log.memory import MemoryLog
from infrastructure.log.port import LogRow
from tests.support.running_node import Fleet, running_fleet

FOLLOWERS = 40


@pytest.fixture
async def fleet(tmp_path: Path) -> AsyncIterator[Fleet]:
    async with running_fleet(tmp_path) as fleet:
        yield fleet


async def test_followers_that_are_woken_together_share_what_is_read(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fleet.plan(30)
    head, events = fleet.services.events.head(), fleet.services.events
    read: list[int] = []
    page = MemoryLog.page

    def counted(log: MemoryLog, *, after: int, limit: int) -> list[LogRow]:
        read.append(after)
        return page(log, after=after, limit=limit)

    monkeypatch.setattr(MemoryLog, "page", counted)
    pages: Sequence[Sequence[Recorded]] = await asyncio.gather(
        *(events.page(after=0, limit=200) for _ in range(FOLLOWERS))
    )
    assert {len(one) for one in pages} == {head}
    assert read.count(0) == 1
    assert len(await events.page(after=0, limit=200)) == head
    assert read.count(0) == 2, "what was read is not kept"


async def test_who_leaves_takes_the_page_from_nobody_and_who_wrote_since_reads_anew(fleet: Fleet) -> None:
    await fleet.plan(5)
    events = fleet.services.events
    before = events.head()
    leaving = asyncio.create_task(_length(events.page(after=0, limit=200)))
    staying = asyncio.create_task(_length(events.page(after=0, limit=200)))
    await asyncio.sleep(0)
    leaving.cancel()
    await fleet.plan(5, prefix="later")
    assert events.head() > before
    assert await _length(events.page(after=0, limit=200)) >= events.head()
    assert await staying >= before
    with pytest.raises(asyncio.CancelledError):
        await leaving


async def _length(page: Awaitable[Sequence[Recorded]]) -> int:
    return len(await page)
