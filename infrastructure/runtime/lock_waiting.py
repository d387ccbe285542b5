"""Callers that wait for their turn at locks: each is woken by what grants or ends its own request, nobody else."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from domain.kernel.ids import StreamId
from domain.lock.events import LockRequestWithdrawn, LocksGranted
from infrastructure.runtime.outcome import Outcome
from infrastructure.runtime.settle import Place

RequestName = tuple[str, int]
"""Project and number of a request."""


class LockRoom:
    """Waiters by request; nobody is woken for what somebody else got."""

    def __init__(self) -> None:
        self._rooms: dict[RequestName, list[asyncio.Event]] = {}
        self._called = False
        self._closed = False

    def __len__(self) -> int:
        return sum(len(room) for room in self._rooms.values())

    async def answer(
        self,
        request: RequestName,
        waits: Callable[[], bool],
        attempt: Callable[[], Awaitable[Outcome]],
        *,
        seconds: float,
    ) -> Outcome:
        """What is asked by ``attempt``, once the request ``waits`` no longer, time is up, or the node goes down."""
        clock = asyncio.get_running_loop().time
        until = clock() + seconds
        while True:
            await self.wait(request, waits, seconds=max(0.0, until - clock()))
            outcome = await attempt()
            # Woken by what was decided and then fell, it waits on.
            if self._closed or clock() >= until or not waits():
                return outcome

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

    def called(self) -> bool:
        """Whether anybody was woken since this was last asked."""
        called, self._called = self._called, False
        return called

    def decided(self, places: Sequence[Place]) -> None:
        """Wake those whose wait is over: they ask in the very group, so that its append answers them as well."""
        self._wake(places)

    def restored(self, stream: StreamId, state: Any) -> None:
        """Who was woken for what fell is told so, and waits on."""

    def committed(self, places: Sequence[Place], position: int) -> None:
        """Wake who came in between, and everybody whose wait another node has ended."""
        self._wake(places)

    def _wake(self, places: Sequence[Place]) -> None:
        if not self._rooms:
            return
        for _, _, event, project in places:
            if isinstance(event, LocksGranted | LockRequestWithdrawn) and event.request is not None:
                for woken in self._rooms.get((project, event.request), ()):
                    if not woken.is_set():
                        woken.set()
                        self._called = True
