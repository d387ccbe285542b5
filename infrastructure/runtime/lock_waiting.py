"""Callers that wait for their turn at locks: each is woken by the commit that grants or ends its own request."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from domain.kernel.ids import StreamId
from domain.lock.events import LockRequestWithdrawn, LocksGranted
from infrastructure.runtime.settle import Place

RequestName = tuple[str, int]
"""Project and number of a request."""


class LockRoom:
    """Waiters by request; nobody is woken for what somebody else got."""

    def __init__(self) -> None:
        self._rooms: dict[RequestName, list[asyncio.Event]] = {}
        self._closed = False

    def __len__(self) -> int:
        return sum(len(room) for room in self._rooms.values())

    async def wait(self, request: RequestName, waits: Callable[[], bool], *, seconds: float) -> None:
        """Until the request is granted or withdrawn, time is up, or the node goes down; at once where it ``waits`` not.

        ``waits`` is asked after the caller is in the room: what happens in between is not missed.
        """
        woken = asyncio.Event()
        room = self._rooms.setdefault(request, [])
        room.append(woken)
        try:
            if waits() and not self._closed:
                async with asyncio.timeout(seconds):
                    await woken.wait()
        except TimeoutError:
            pass
        finally:
            room.remove(woken)
            if not room:
                self._rooms.pop(request, None)

    def close(self) -> None:
        """Send everybody to ask: the node is going down."""
        self._closed = True
        for room in self._rooms.values():
            for woken in room:
                woken.set()

    def decided(self, places: Sequence[Place]) -> None:
        """Nobody holds anything before it is durable."""

    def restored(self, stream: StreamId, state: Any) -> None:
        """Who asks again finds out."""

    def committed(self, places: Sequence[Place], position: int) -> None:
        """Wake those whose wait is over."""
        if not self._rooms:
            return
        for _, _, event, project in places:
            if isinstance(event, LocksGranted | LockRequestWithdrawn) and event.request is not None:
                for woken in self._rooms.get((project, event.request), ()):
                    woken.set()
