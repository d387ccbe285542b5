"""A bound on the time of waits that may all take equally long: they end in the order they began, so one timer does."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

T = TypeVar("T")


class Wait:
    """One wait. ``late`` is called once it takes too long, and None once it is over."""

    __slots__ = ("late", "until")

    def __init__(self, late: Callable[[], None], until: float) -> None:
        self.late: Callable[[], None] | None = late
        self.until = until

    def over(self) -> bool:
        """End it; False where it was over before, or too late."""
        was, self.late = self.late, None
        return was is not None


class Deadlines:
    """What ``asyncio.timeout`` does, for a tenth of its price: a timer for each request would be felt."""

    def __init__(self, seconds_max: float) -> None:
        self._seconds_max: Final = seconds_max
        self._waits: deque[Wait] = deque()
        self._armed = False

    def begin(self, late: Callable[[], None]) -> Wait:
        """A wait that begins now; ``late`` is called on the event loop unless it is over in time."""
        loop = asyncio.get_running_loop()
        waits = self._waits
        while waits and waits[0].late is None:
            waits.popleft()
        wait = Wait(late, loop.time() + self._seconds_max)
        waits.append(wait)
        if not self._armed:
            self._arm(loop, wait.until)
        return wait

    async def within(self, work: Awaitable[T]) -> T:
        """The result of the work. Raises TimeoutError where it is not there in time; the work is cancelled then."""
        task = asyncio.current_task()
        late = False

        def cancel() -> None:
            nonlocal late
            late = True
            if task is not None:
                task.cancel()

        wait = self.begin(cancel)
        try:
            return await work
        except asyncio.CancelledError:
            # Whoever else wants the task to end has cancelled it once more.
            if late and task is not None and task.uncancel() == 0:
                raise TimeoutError from None
            raise
        finally:
            wait.over()

    def __len__(self) -> int:
        return sum(wait.late is not None for wait in self._waits)

    def _arm(self, loop: asyncio.AbstractEventLoop, until: float) -> None:
        self._armed = True
        loop.call_at(until, self._look, loop)

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        self._armed = False
        waits = self._waits
        try:
            while waits and (waits[0].late is None or waits[0].until <= loop.time()):
                wait = waits.popleft()
                late = wait.late
                if wait.over() and late is not None:
                    late()
        finally:
            # Also where one cannot be told: the others end in time all the same.
            if waits:
                self._arm(loop, waits[0].until)
