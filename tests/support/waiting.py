"""Waiting for what has to happen. The bound is there for what never happens, so no busy machine may reach it."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

SECONDS_MAX: Final = 90.0
START_SECONDS_MAX: Final = 180.0
"""Of a server: it took ninety beside thirty agents that began at the same time, on a core that others had, too."""
T = TypeVar("T")


def until(condition: Callable[[], object], *, seconds: float = SECONDS_MAX) -> None:
    """Block until it is so."""
    ends_at = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends_at, f"it never happened in {seconds} s"
        time.sleep(0.02)


async def happens(condition: Callable[[], object], *, seconds: float = SECONDS_MAX) -> None:
    """Let others run until it is so."""
    ends_at = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends_at, f"it never happened in {seconds} s"
        await asyncio.sleep(0.01)


async def soon(awaited: Awaitable[T], *, seconds: float = SECONDS_MAX) -> T:
    """What comes of it."""
    return await asyncio.wait_for(awaited, seconds)
