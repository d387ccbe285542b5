"""Waiting that ends: when the work is done, the client hangs up, or the server goes down."""

import asyncio
from collections.abc import Coroutine
from typing import Any, Final, TypeVar

from api.http.asgi import Receive
from api.http.body import ClientGone

T = TypeVar("T")

QUICK_SECONDS: Final = 0.05
"""Most waits end at once; only those that do not are worth watchers."""
STOPPING_SECONDS_MAX: Final = 1.0
"""How long work may still take once the server goes down."""


async def unless_stopped(work: Coroutine[Any, Any, T], stopping: asyncio.Event, receive: Receive) -> T | None:
    """The result of the work; None where the server goes down first. Raises ClientGone."""
    loop = asyncio.get_running_loop()
    task = loop.create_task(work)
    watchers: list[asyncio.Task[Any]] = []
    try:
        await asyncio.wait({task}, timeout=QUICK_SECONDS)
        if not task.done():
            gone = loop.create_task(_hang_up(receive))
            watchers = [gone, loop.create_task(stopping.wait())]
            await asyncio.wait({task, *watchers}, return_when=asyncio.FIRST_COMPLETED)
            if not task.done() and gone.done():
                raise ClientGone
            # Going down: what is being committed just now still gets its answer.
            await asyncio.wait({task}, timeout=STOPPING_SECONDS_MAX)
        return task.result() if task.done() else None
    finally:
        for one in (task, *watchers):
            one.cancel()


async def _hang_up(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
