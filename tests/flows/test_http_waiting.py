"""Work that somebody waits for ends with the work, with who waits, or with the server, and leaves nothing behind."""

import asyncio

import pytest

from api.http import waiting
from api.http.asgi import Message
from api.http.body import ClientGone
from api.http.waiting import unless_stopped
from tests.support.waiting import happens, soon


class Scene:
    """Work that goes on until it is told to end, and a client that may hang up."""

    def __init__(self) -> None:
        self.stopping = asyncio.Event()
        self.gone = asyncio.Event()
        self.done = asyncio.Event()
        self.cleaned = False
        self.before = asyncio.all_tasks()

    async def receive(self) -> Message:
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def work(self) -> str:
        try:
            await self.done.wait()
            return "the answer"
        finally:
            self.cleaned = True

    def begun(self) -> "asyncio.Task[str | None]":
        return asyncio.create_task(unless_stopped(self.work(), self.stopping, self.receive))

    async def is_over(self) -> None:
        """Nobody watches any longer."""
        assert self.cleaned
        await happens(lambda: asyncio.all_tasks() <= self.before)


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "QUICK_SECONDS", 0.0)


async def test_the_answer_comes_when_the_work_is_done() -> None:
    scene = Scene()
    task = scene.begun()
    scene.done.set()
    assert await soon(task) == "the answer"
    await scene.is_over()


async def test_work_of_a_client_that_hangs_up_is_ended() -> None:
    scene = Scene()
    task = scene.begun()
    scene.gone.set()
    with pytest.raises(ClientGone):
        await soon(task)
    await scene.is_over()


async def test_what_is_done_while_the_server_goes_down_is_answered_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one = Scene()
    task = one.begun()
    one.stopping.set()
    await asyncio.sleep(0)
    one.done.set()
    assert await soon(task) == "the answer"
    await one.is_over()
    monkeypatch.setattr(waiting, "STOPPING_SECONDS_MAX", 0.0)
    other = Scene()
    other.stopping.set()
    assert await soon(other.begun()) is None
    await other.is_over()


async def test_who_cancels_the_wait_ends_it_as_such() -> None:
    scene = Scene()
    task = scene.begun()
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await soon(task)
    await scene.is_over()
    bounded = Scene()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await unless_stopped(bounded.work(), bounded.stopping, bounded.receive)
    await bounded.is_over()
