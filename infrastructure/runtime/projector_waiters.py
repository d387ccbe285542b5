"""Wakes asyncio callers when a thread has reached a position."""

import asyncio
import contextlib
import heapq
import itertools
import threading
from typing import Final

WAITERS_MAX: Final = 10_000
"""Callers that may wait at once; the next one is answered at once that it is too early."""


class PositionWaiters:
    """A position that only rises, and who waits for it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._numbers = itertools.count()
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []
        self.position = 0

    def reach(self, position: int) -> None:
        """Called by the thread that moves."""
        woken: list[asyncio.Future[None]] = []
        with self._lock:
            self.position = position
            while self._waiting and self._waiting[0][0] <= position:
                woken.append(heapq.heappop(self._waiting)[2])
        for future in woken:
            with contextlib.suppress(RuntimeError):  # its event loop is closed: nobody waits any more
                future.get_loop().call_soon_threadsafe(_wake, future)

    def any(self) -> bool:
        """Whether somebody waits."""
        return bool(self._waiting)

    async def wait_for(self, position: int, timeout_seconds: float) -> bool:
        """Whether the position was reached in time."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        with self._lock:
            if self.position >= position:
                return True
            if len(self._waiting) >= WAITERS_MAX:
                return False
            entry = (position, next(self._numbers), future)
            heapq.heappush(self._waiting, entry)
        try:
            await asyncio.wait_for(future, timeout_seconds)
        except TimeoutError:
            return self.position >= position
        finally:
            if future.cancelled():
                self._forget(entry)
        return True

    def _forget(self, entry: tuple[int, int, asyncio.Future[None]]) -> None:
        with self._lock:
            if entry in self._waiting:
                self._waiting.remove(entry)
                heapq.heapify(self._waiting)


def _wake(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
