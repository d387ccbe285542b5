"""Pushing work: what cannot be looked at just now is looked at again a little later, not in a circle."""

import asyncio

import pytest

from domain.dispatch.manners import Manners
from domain.dispatch.ready import ReadyIndex
from domain.kernel.ids import Instant, ProjectId, StreamId
from domain.kernel.message import Command, Stamp
from domain.session.events import SessionOpened
from domain.task.events import TaskReadied
from infrastructure.runtime import pushing
from infrastructure.runtime.outcome import Outcome
from infrastructure.runtime.pushing import Pusher
from infrastructure.runtime.windows import Closed, Matchmaker
from tests.support.planned import planned_task

PROJECT = ProjectId("proj_1")
TASK = StreamId("task_1")
READIED = (TASK, 2, TaskReadied(reason="planned", at=Instant(1)), PROJECT)


class Occupied(Matchmaker):
    """The ready index is walked by another thread, every time."""

    def __init__(self) -> None:
        self.asked = 0

    async def match(self, project: object, sessions: object) -> Closed:
        self.asked += 1
        return Closed((), early=True)


def ready() -> ReadyIndex:
    index = ReadyIndex()
    index.observe(PROJECT, TASK, planned_task(project=PROJECT))
    index.observe(PROJECT, TASK, READIED[2])
    return index


def listened() -> Manners:
    manners = Manners()
    opened = SessionOpened(
        incarnation=1,
        projects=(PROJECT,),
        name="",
        tool="shell",
        model="",
        host="",
        capabilities={},
        capacity=1,
        ttl_seconds=60,
        owner="key_1",
        at=Instant(1),
        takes_pushed=True,
    )
    manners.observe("sess_1", opened)
    return manners


async def refused(_: Command, __: Stamp) -> Outcome:
    raise AssertionError


@pytest.mark.parametrize(("again_seconds", "looks"), [(3_600.0, 1), (0.0, 3)])
async def test_while_another_thread_walks_what_is_ready_nobody_spins(
    monkeypatch: pytest.MonkeyPatch, again_seconds: float, looks: int
) -> None:
    monkeypatch.setattr(pushing, "AGAIN_SECONDS", again_seconds)
    occupied = Occupied()
    pusher = Pusher(listened(), ready(), occupied, refused, lambda: Instant(1))
    pusher.committed([READIED], 2)
    for _ in range(100):
        await asyncio.sleep(0)
    pusher.stop()
    assert occupied.asked == looks if looks == 1 else occupied.asked >= looks
