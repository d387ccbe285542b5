"""Heartbeats that wait for news: each is woken by the commit that gives its session an attempt, or takes it away."""

import asyncio
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from domain.kernel.ids import StreamId
from domain.session.events import (
    SessionAttemptEnded,
    SessionAttemptStarted,
    SessionEnded,
    SessionLost,
    SessionRevokeNoticed,
)
from infrastructure.runtime.settle import Place

_NEWS = frozenset({SessionAttemptStarted, SessionAttemptEnded, SessionRevokeNoticed, SessionLost, SessionEnded})


class SessionRoom:
    """Waiters by session."""

    def __init__(self) -> None:
        self._rooms: dict[str, list[asyncio.Event]] = {}
        self._closed = False

    def __len__(self) -> int:
        return sum(len(room) for room in self._rooms.values())

    @contextmanager
    def entered(self, session: str) -> Generator[asyncio.Event]:
        """Be in the room before it is read how the session stands: news that come while it is read are not missed."""
        woken = asyncio.Event()
        room = self._rooms.setdefault(session, [])
        room.append(woken)
        try:
            yield woken
        finally:
            room.remove(woken)
            if not room:
                self._rooms.pop(session, None)

    async def wait(self, woken: asyncio.Event, *, seconds: float) -> None:
        """Until the session has news, time is up, or the node goes down; at once where one of them was so before."""
        with suppress(TimeoutError):
            if not self._closed:
                async with asyncio.timeout(seconds):
                    await woken.wait()

    def close(self) -> None:
        """Answer everybody: the node is going down."""
        self._closed = True
        for room in self._rooms.values():
            for woken in room:
                woken.set()

    def restored(self, stream: StreamId, state: Any) -> None:
        """What fell was not told."""

    def committed(self, places: Sequence[Place], position: int) -> None:
        """Wake whom it concerns."""
        if not self._rooms:
            return
        for stream, _, event, _ in places:
            if type(event) in _NEWS:
                for woken in self._rooms.get(stream, ()):
                    woken.set()
