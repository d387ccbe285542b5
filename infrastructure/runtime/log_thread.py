"""The thread on which the committer calls the log, one call after another, and appends until the outcome is known."""

import asyncio
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue
from typing import Final, TypeVar

from infrastructure.log.port import Log, Member, MemberResult, OutcomeUnknown, StoreUnavailable

UNAVAILABLE_SECONDS_MAX: Final = 10.0
"""How long an append is tried again while the store is away or its answer was lost."""
PAUSE_SECONDS_FIRST: Final = 0.02
PAUSE_SECONDS_MAX: Final = 0.5
T = TypeVar("T")
U = TypeVar("U")


class LogThread:
    """A thread that takes work from one event loop. An executor's futures would cost as much as a small append."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._work: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="log", daemon=True)

    async def append(self, members: list[Member], *, stopping: Callable[[], bool]) -> list[MemberResult]:
        """Append until the outcome is known: after a doubt the unique receipts decide.

        Raises StoreUnavailable, OutcomeUnknown once the patience is over, or at once where the node is ``stopping``.
        """
        doubted = False
        pause = PAUSE_SECONDS_FIRST
        until = time.monotonic() + UNAVAILABLE_SECONDS_MAX
        while True:
            try:
                return await self.run(lambda: self._log.append(members, now=self._log.now()))
            except OutcomeUnknown:
                doubted = True
                if time.monotonic() > until:
                    raise
            except StoreUnavailable as error:
                if time.monotonic() > until or stopping():
                    if doubted:
                        raise OutcomeUnknown(str(error)) from error
                    raise
            await asyncio.sleep(pause)
            pause = min(pause * 2, PAUSE_SECONDS_MAX)

    async def run(self, work: Callable[[], T]) -> T:
        """The result of the work, done after all that was asked before. Raises what the work raises."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[T] = loop.create_future()

        def carry_out() -> None:
            try:
                result = work()
            except BaseException as error:
                _tell(loop, done, done.set_exception, error)
            else:
                _tell(loop, done, done.set_result, result)

        if self._thread.ident is None:
            self._thread.start()
        self._work.put(carry_out)
        return await done

    def stop(self) -> None:
        """End after the work that was asked; blocking."""
        self._work.put(None)
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        while (work := self._work.get()) is not None:
            work()


def _tell(loop: asyncio.AbstractEventLoop, done: asyncio.Future[T], settle: Callable[[U], None], what: U) -> None:
    def tell() -> None:
        if not done.done():
            settle(what)

    # A loop that was closed has nobody left who waits.
    with suppress(RuntimeError):
        loop.call_soon_threadsafe(tell)
