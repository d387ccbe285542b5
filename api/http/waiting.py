"""Waiting that ends: when the work is done, the client hangs up, or the server goes down."""

import asyncio
from collections.abc import Coroutine
from typing import Any, Final, Literal, TypeVar

from api.http.asgi import Receive
from api.http.body import ClientGone

T = TypeVar("T")

QUICK_SECONDS: Final = 0.05
"""Most waits end at once; only those that do not are worth watchers."""
STOPPING_SECONDS_MAX: Final = 1.0
"""How long work may still take once the server goes down."""


async def unless_stopped(work: Coroutine[Any, Any, T], stopping: asyncio.Event, receive: Receive) -> T | None:
    """The result of the work; None where the server goes down first. Raises ClientGone.

    The work runs in the task of its caller, which goes on in the very turn of the loop in which the work is done.
    """
    task = asyncio.current_task()
    if task is None:
        raise RuntimeError("waiting takes a task")
    watch = _Watch(task, stopping, receive)
    try:
        return await work
    except asyncio.CancelledError:
        # Whoever else wants the task to end has cancelled it once more.
        if watch.ended_by is None or task.uncancel() > 0:
            raise
        if watch.ended_by == "client":
            raise ClientGone from None
        return None
    finally:
        watch.close()


class _Watch:
    """Cancels a task once nobody waits for it any more."""

    def __init__(self, task: "asyncio.Task[Any]", stopping: asyncio.Event, receive: Receive) -> None:
        self.ended_by: Literal["client", "server"] | None = None
        self._task = task
        self._stopping = stopping
        self._receive = receive
        self._loop = asyncio.get_running_loop()
        self._timer = self._loop.call_later(QUICK_SECONDS, self._begin)
        self._watchers: list[asyncio.Task[Any]] = []
        self._is_over = False

    def close(self) -> None:
        """The work is over."""
        self._is_over = True
        self._timer.cancel()
        for one in self._watchers:
            one.cancel()

    def _begin(self) -> None:
        gone, stops = (self._loop.create_task(one) for one in (_hang_up(self._receive), self._stopping.wait()))
        gone.add_done_callback(lambda _: self._end("client"))
        stops.add_done_callback(self._stop)
        self._watchers = [gone, stops]

    def _stop(self, _: "asyncio.Task[Any]") -> None:
        # Going down: what is being committed just now still gets its answer.
        if not self._is_over:
            self._timer = self._loop.call_later(STOPPING_SECONDS_MAX, self._end, "server")

    def _end(self, by: Literal["client", "server"]) -> None:
        if not self._is_over and self.ended_by is None:
            self.ended_by = by
            self._task.cancel()


async def _hang_up(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
