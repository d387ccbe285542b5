"""Waiters for locks: each is woken by the end of its own wait, whether it comes before or after the question."""

import asyncio

from domain.kernel.ids import Instant, StreamId
from domain.lock.events import LockRequestWithdrawn, LocksGranted
from infrastructure.runtime.lock_waiting import LockRoom
from infrastructure.runtime.outcome import Outcome
from infrastructure.runtime.settle import Place
from tests.support.waiting import soon

ONE = ("proj_1", 1)


def withdrawn(request: int, project: str = "proj_1") -> tuple[Place, ...]:
    event = LockRequestWithdrawn(request=request, reason="withdrawn", at=Instant(1))
    return ((StreamId("locks_1"), 1, event, project),)


def granted(request: int | None) -> tuple[Place, ...]:
    event = LocksGranted(
        token=5, session="s", incarnation=1, task=None, claims=(), purpose="", at=Instant(1), request=request
    )
    return ((StreamId("locks_1"), 1, event, "proj_1"),)


async def waiting(room: LockRoom, seconds: float = 60.0) -> "asyncio.Task[None]":
    task = asyncio.create_task(room.wait(ONE, lambda: True, seconds=seconds))
    await asyncio.sleep(0)
    assert len(room) == 1
    return task


async def test_a_grant_and_a_withdrawal_wake_those_who_wait_for_that_request_only() -> None:
    room = LockRoom()
    for end in (granted(1), withdrawn(1)):
        task = await waiting(room)
        for other in (granted(2), granted(None), withdrawn(1, "proj_2")):
            room.committed(other, 1)
        await asyncio.sleep(0)
        assert not task.done()
        room.committed(end, 2)
        await soon(task, seconds=20)
        assert len(room) == 0


async def test_who_is_woken_by_what_then_falls_waits_on() -> None:
    room, asked, over = LockRoom(), asyncio.Queue[int](), [False]

    async def attempt() -> Outcome:
        asked.put_nowait(1)
        return Outcome(b"", 7)

    task = asyncio.create_task(room.answer(ONE, lambda: not over[0], attempt, seconds=60))
    await asyncio.sleep(0)
    assert not room.called()
    room.decided(granted(1))
    assert room.called()
    await soon(asked.get())  # it has asked, and found that it waits
    await asyncio.sleep(0)
    assert len(room) == 1
    over[0] = True
    room.committed(granted(1), 2)
    assert (await soon(task)).position == 7


async def test_who_does_not_wait_any_more_is_answered_at_once() -> None:
    room = LockRoom()
    await soon(room.wait(ONE, lambda: False, seconds=60), seconds=20)
    assert len(room) == 0


async def test_a_wait_ends_with_its_time_and_with_the_node() -> None:
    room = LockRoom()
    await soon(room.wait(ONE, lambda: True, seconds=0.01), seconds=20)
    task = await waiting(room)
    room.close()
    await soon(task, seconds=20)
    await soon(room.wait(ONE, lambda: True, seconds=60), seconds=20)
    assert len(room) == 0


async def test_who_hangs_up_leaves_nothing_behind() -> None:
    room = LockRoom()
    task = await waiting(room)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert len(room) == 0
