"""What other nodes wrote, or what a doubt left unseen, reaches the hints and the waiters of this node."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Final, Literal

import structlog

from infrastructure.log.port import Log
from infrastructure.runtime.committer import Committer
from infrastructure.runtime.hints import Hints
from infrastructure.runtime.settle import Place

LOOK_SECONDS: Final = 1.0
"""How long what nobody told of stays unseen."""
SETTLING_SECONDS: Final = 0.005
"""What is told while this node appends is mostly its own, and known within that time."""
WokenBy = Literal["notify", "poll"]
_logger = structlog.get_logger("signalbox.node")


class Following:
    """Waits without a thread; asks the store only where the log is longer than this node knows from its own appends."""

    def __init__(
        self,
        log: Log,
        hints: Hints,
        committer: Committer,
        heard: Callable[[Sequence[Place]], None],
        keep: Callable[[], Awaitable[None]],
        woken: Callable[[WokenBy], None] = lambda _by: None,
    ) -> None:
        """``heard`` is told what was read, ``keep`` is called between two looks, ``woken`` is told of each that found
        something."""
        self._log = log
        self._hints = hints
        self._committer = committer
        self._heard = heard
        self._keep = keep
        self._woken = woken
        self._head = 0
        self._grown = asyncio.Event()
        self._settling: asyncio.TimerHandle | None = None

    async def catch_up(self) -> None:
        """Read the hints up to the head, before anything else runs."""
        while (page := await asyncio.to_thread(self._hints.read_page)).end > self._hints.position:
            self._hints.absorb(page)

    async def run(self) -> None:
        """Follow until cancelled; a look that fails is told and repeated."""
        loop = asyncio.get_running_loop()

        def told(head: int) -> None:
            with suppress(RuntimeError):  # the loop is closed: nobody follows any more
                loop.call_soon_threadsafe(self._told, head)

        if self._log.shared:
            # Nobody else writes one that is not: what this node appends it knows, and a look now and then is enough.
            self._log.tell_growth(told)
        self._told(self._log.wait_beyond(-1, timeout_seconds=0))
        while True:
            try:
                await self._look()
            except Exception as error:
                _logger.warning("following the log failed and is repeated", error=repr(error))
                await asyncio.sleep(LOOK_SECONDS)

    def _told(self, head: int) -> None:
        self._head = max(self._head, head)
        if not self._committer.busy:
            self._wake()
        else:
            self._settle()

    def _settle(self) -> None:
        if self._settling is None:
            self._settling = asyncio.get_running_loop().call_later(SETTLING_SECONDS, self._wake)

    def _wake(self) -> None:
        self._settling = None
        if self._head > self._hints.position:
            self._grown.set()

    async def _look(self) -> None:
        await self._keep()
        by: WokenBy = "notify"
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                await self._grown.wait()
        except TimeoutError:
            # On a thread: while PostgreSQL is away this takes seconds, in which everybody else has to be answered.
            self._head = max(self._head, await asyncio.to_thread(self._log.head))
            by = "poll"
        self._grown.clear()
        if self._head <= self._hints.position:
            return
        page = await asyncio.to_thread(self._hints.read_page)
        if self._committer.decides_on_a_thread:
            # That thread walks the ready index right now; the page is read again a little later.
            self._settle()
            return
        places = self._hints.absorb(page)
        if places:
            self._woken(by)
            self._heard(places)
        if self._head > self._hints.position:
            self._grown.set()
