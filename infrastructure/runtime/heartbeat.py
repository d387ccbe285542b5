"""Heartbeats: renewals of lease rows in durable batches, outside the log, answered after the batch is committed."""

import asyncio
import math
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Final, TypeVar

from infrastructure.log.port import Log

BATCH_MAX: Final = 1_000
REMEMBERED_MAX: Final = 10_000

T = TypeVar("T")

Pair = tuple[str, int]
"""(session, incarnation)."""


@dataclass(slots=True)
class _Batch:
    pairs: set[Pair] = field(default_factory=set[Pair])
    done: asyncio.Future[dict[Pair, int]] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class LeaseDesk:
    """Renews leases; whatever arrives while a batch is under way goes with the next one."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="leases")
        self._batches: deque[_Batch] = deque()
        self._task: asyncio.Task[None] | None = None
        self._lately: OrderedDict[Pair, float] = OrderedDict()
        """When this node last set out to renew a lease, by a clock that never goes back."""
        self._touches: set[asyncio.Task[None]] = set()

    async def renew(self, session: str, incarnation: int) -> int | None:
        """The stamp of the renewal in microseconds, None where the lease is missing or ended."""
        if not self._batches or len(self._batches[-1].pairs) >= BATCH_MAX:
            self._batches.append(_Batch())
        batch = self._batches[-1]
        batch.pairs.add((session, incarnation))
        self._remember((session, incarnation))
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._run(), name="leases")
        written = await asyncio.shield(batch.done)
        return written.get((session, incarnation))

    def touch(self, session: str, incarnation: int, *, rarer_than_seconds: float) -> None:
        """A call that was answered shows life, too: renew as well as can be, unless that was done lately."""
        if time.monotonic() - self._lately.get((session, incarnation), -math.inf) < rarer_than_seconds:
            return
        task = asyncio.get_running_loop().create_task(self._touched(session, incarnation), name="touch")
        self._touches.add(task)
        task.add_done_callback(self._touches.discard)

    async def _touched(self, session: str, incarnation: int) -> None:
        # What fails here is no loss: the next beat or call renews.
        with suppress(Exception):
            await self.renew(session, incarnation)

    def _remember(self, pair: Pair) -> None:
        self._lately.pop(pair, None)
        self._lately[pair] = time.monotonic()
        if len(self._lately) > REMEMBERED_MAX:
            self._lately.popitem(last=False)

    async def in_thread(self, work: Callable[[], T]) -> T:
        """Other blocking calls on lease rows."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    async def stop(self) -> None:
        """Finish the batch under way."""
        await asyncio.gather(*self._touches)
        if self._task is not None:
            await self._task
        self._thread.shutdown(wait=True)

    async def _run(self) -> None:
        while self._batches:
            batch = self._batches.popleft()
            pairs: Sequence[Pair] = sorted(batch.pairs)
            try:
                written = await self.in_thread(partial(self._renew, pairs))
            except Exception as error:
                batch.done.set_exception(error)
            else:
                batch.done.set_result(written)

    def _renew(self, pairs: Sequence[Pair]) -> dict[Pair, int]:
        return self._log.renew(pairs, now=self._log.now())
