"""Waiters for work: whoever cannot use a wake, or is gone when it comes, hands it on."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import pytest

from domain.dispatch.market import Seeker
from domain.kernel.ids import Instant, StreamId
from domain.lock.events import LocksReleased
from domain.task.events import TaskReadied
from domain.task.evolve import evolve
from domain.task.state import Absent
from infrastructure.runtime.outcome import Outcome
from infrastructure.runtime.waiting import WaitingRoom
from tests.support.planned import planned_task
from tests.support.waiting import soon

NOTHING = Outcome(b'{"ok":false,"error":{"code":"nothing_ready","data":{"unseen":0}}}', 0)
SERVED = Outcome(b'{"ok":true,"answer":{}}', 1)
PLANNED = planned_task()
READIED = (StreamId("task_1"), 2, TaskReadied(reason="planned", at=Instant(1)), "proj_1")


class Work:
    """One piece of work, for whom it fits."""

    def __init__(self) -> None:
        self.there = False
        self.stuck = asyncio.Event()

    async def fits(self) -> Outcome:
        return SERVED if self.there else NOTHING

    async def hangs_once_there(self) -> Outcome:
        if self.there:
            await self.stuck.wait()
        return NOTHING

    async def fails_once_there(self) -> Outcome:
        if self.there:
            raise RuntimeError("the store is away")
        return NOTHING


@pytest.mark.parametrize("first", ["hangs_once_there", "fails_once_there"])
async def test_a_wake_whose_waiter_hangs_up_or_fails_goes_to_the_next(first: str) -> None:
    work = Work()
    room = WaitingRoom(lambda _: True)
    gone = asyncio.ensure_future(room.claim(("proj_1",), getattr(work, first), wait_seconds=60))
    await asyncio.sleep(0)
    waiting = asyncio.ensure_future(room.claim(("proj_1",), work.fits, wait_seconds=60))
    await asyncio.sleep(0.01)
    work.there = True
    room.committed([READIED], 2)
    await asyncio.sleep(0.01)
    gone.cancel()
    with contextlib.suppress(asyncio.CancelledError, RuntimeError):
        await gone
    assert await soon(waiting, seconds=20) == SERVED


async def test_a_task_whose_claim_fell_in_the_group_that_readied_it_wakes_a_waiter() -> None:
    work, ready = Work(), set[str]()
    room = WaitingRoom(lambda _: bool(ready))
    waiting = asyncio.ensure_future(room.claim(("proj_1",), work.fits, wait_seconds=60))
    await asyncio.sleep(0.01)
    room.committed([READIED], 2)  # it looks taken: the index knows of the claim, not yet that it fell
    work.there = True
    ready.add("task_1")
    room.restored(READIED[0], evolve(evolve(Absent(), PLANNED), READIED[2]))
    assert await soon(waiting, seconds=20) == SERVED


async def test_who_waits_for_several_projects_is_woken_by_each_and_leaves_all_rooms() -> None:
    work = Work()
    room = WaitingRoom(lambda _: True)
    waiting = asyncio.ensure_future(room.claim(("proj_0", "proj_1"), work.fits, wait_seconds=60))
    await asyncio.sleep(0.01)
    assert len(room) == 1
    work.there = True
    room.committed([READIED], 2)
    assert await soon(waiting, seconds=20) == SERVED
    assert len(room) == 0


async def test_where_more_is_ready_than_one_walk_looks_at_it_is_looked_again_at_once() -> None:
    bounded = Outcome(b'{"ok":false,"error":{"code":"nothing_ready","data":{"unseen":7}}}', 0)
    answers = [bounded, bounded, SERVED]

    async def attempt() -> Outcome:
        return answers.pop(0)

    assert await WaitingRoom(lambda _: True).claim(("proj_1",), attempt, wait_seconds=0.5) == SERVED
    assert answers == []


async def test_who_was_kept_from_a_task_until_an_instant_looks_again_without_being_woken() -> None:
    work = Work()
    room = WaitingRoom(lambda _: True, look_again_seconds=0.01)
    waiting = asyncio.ensure_future(room.claim(("proj_1",), work.fits, wait_seconds=30))
    await asyncio.sleep(0.01)
    work.there = True
    assert await asyncio.wait_for(waiting, 20) == SERVED


async def test_where_nothing_is_ready_nobody_looks_again() -> None:
    asked: list[None] = []

    async def attempt() -> Outcome:
        asked.append(None)
        return NOTHING

    room = WaitingRoom(lambda _: False, look_again_seconds=0.005)
    assert await room.claim(("proj_1",), attempt, wait_seconds=0.1) == NOTHING
    assert len(asked) == 1


@pytest.mark.parametrize(("locked", "attempts"), [(3, 1), (2, 8)])
async def test_a_wake_goes_round_unless_nobody_could_have_what_is_ready(locked: int, attempts: int) -> None:
    counts = f'"ready":3,"unmatched":0,"locked":{locked},"unseen":0'
    told = Outcome(b'{"ok":false,"error":{"code":"nothing_ready","data":{%s}}}' % counts.encode(), 0)
    room, asked = WaitingRoom(lambda _: True, look_again_seconds=3_600.0), 0

    async def attempt() -> Outcome:
        nonlocal asked
        asked += 1
        return told

    waiting = [asyncio.ensure_future(room.claim(("proj_1",), attempt, wait_seconds=60)) for _ in range(8)]
    for _ in range(30):
        await asyncio.sleep(0)
    assert asked == 8
    room.committed([READIED], 2)
    for _ in range(60):
        await asyncio.sleep(0)
    assert asked == 8 + attempts
    room.close()
    await asyncio.gather(*waiting)


async def test_every_freed_lock_serves_one_of_those_who_wait_for_it() -> None:
    free = 0
    locked = Outcome(b'{"ok":false,"error":{"code":"nothing_ready","data":{"ready":9,"locked":9,"unseen":0}}}', 0)
    released = (StreamId("locks_1"), 2, LocksReleased(token=1, reason="completed", at=Instant(1)), "proj_1")
    room = WaitingRoom(lambda _: True, look_again_seconds=3_600.0)

    async def attempt() -> Outcome:
        nonlocal free
        free -= 1
        return SERVED if free >= 0 else locked

    waiting = [asyncio.ensure_future(room.claim(("proj_1",), attempt, wait_seconds=600)) for _ in range(5)]
    for _ in range(30):
        await asyncio.sleep(0)
    for served in range(1, 6):
        free = 1
        room.committed([released], served)
        for _ in range(60):
            await asyncio.sleep(0)
        assert sum(one.done() for one in waiting) == served
    assert [one.result() for one in waiting] == [SERVED] * 5


async def test_one_of_a_kind_looks_for_all_who_are_served_alike() -> None:
    counts = '"ready":3,"unmatched":1,"locked":2,"unseen":0'
    told = Outcome(b'{"ok":false,"error":{"code":"nothing_ready","data":{%s}}}' % counts.encode(), 0)
    asked: list[str] = []
    free: set[str] = set()

    def attempt(name: str) -> Callable[[], Awaitable[Outcome]]:
        async def asks() -> Outcome:
            asked.append(name)
            return SERVED if name in free else told

        return asks

    room = WaitingRoom(lambda _: True, kind_of=lambda seeker: seeker.session[0], look_again_seconds=3_600.0)
    waiting = {
        name: asyncio.ensure_future(
            room.claim(("proj_1",), attempt(name), wait_seconds=600, seeker=Seeker(name, incarnation=1))
        )
        for name in ("a1", "a2", "a3", "b1", "b2", "c1", "a4")
    }
    await turns(60)
    asked.clear()
    room.committed([READIED], 2)
    await turns(60)
    assert asked == ["a1", "b1", "c1"]
    # Whoever can have what the first ones could not is reached, and the next change begins anew.
    asked.clear()
    free.add("c1")
    room.committed([READIED], 3)
    await turns(60)
    assert asked == ["a1", "b1", "c1"]
    assert waiting["c1"].done()
    room.close()
    await asyncio.gather(*waiting.values())


async def test_who_was_refused_for_what_it_is_does_not_look_for_its_kind() -> None:
    # One of three is neither unmatched nor locked: the task itself refused the session, perhaps since it failed there.
    counts = '"ready":3,"unmatched":1,"locked":1,"unseen":0'
    told = Outcome(b'{"ok":false,"error":{"code":"nothing_ready","data":{%s}}}' % counts.encode(), 0)
    asked: list[str] = []

    def attempt(name: str) -> Callable[[], Awaitable[Outcome]]:
        async def asks() -> Outcome:
            asked.append(name)
            return told

        return asks

    room = WaitingRoom(lambda _: True, kind_of=lambda _: "alike", look_again_seconds=3_600.0)
    waiting = [
        asyncio.ensure_future(room.claim(("proj_1",), attempt(name), wait_seconds=600, seeker=Seeker(name, 1)))
        for name in ("a", "b", "c")
    ]
    await turns(60)
    asked.clear()
    room.committed([READIED], 2)
    await turns(60)
    assert asked == ["a", "b", "c"]
    room.close()
    await asyncio.gather(*waiting)


async def turns(count: int) -> None:
    """Let everybody who can go on do so."""
    for _ in range(count):
        await asyncio.sleep(0)
