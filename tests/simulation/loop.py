"""An event loop without a clock or a thread: homes (processes) that are paused and killed, and time that jumps."""

import asyncio
import heapq
from asyncio import events
from collections import deque
from collections.abc import Callable, Coroutine
from contextvars import Context, ContextVar, copy_context
from random import Random
from typing import Any, Final, TypeVar, TypeVarTuple

T = TypeVar("T")
Ts = TypeVarTuple("Ts")
WORLD: Final = "world"
"""The home of everything that is neither paused nor killed: clients, the network, the store."""
STEPS_MAX: Final = 400_000
_home: ContextVar[str] = ContextVar("home", default=WORLD)


class StuckError(Exception):
    """Nothing can happen any more, or too much happened, and the simulation is not at its end."""


class SimulatedLoop(asyncio.BaseEventLoop):
    """Runs one callback at a time. Callbacks of one home keep their order, those of several homes have none.

    Work for a thread is done at one instant, some time after it was asked for, and its result arrives some time after
    that, if its home still lives: a process may die between the two.
    """

    def __init__(self, chance: Random) -> None:
        self._under_way = False
        super().__init__()
        self._chance = chance
        self._now = 0.0
        self._count = 0
        self._timers: list[tuple[float, int, str, asyncio.Handle]] = []
        self._queues: dict[str, deque[asyncio.Handle]] = {WORLD: deque()}
        self._paused: set[str] = set()
        self._dead: set[str] = set()
        self._tasks: list[asyncio.Task[Any]] = []
        self.errors: list[str] = []

    def run(self, main: Coroutine[Any, Any, T]) -> T:
        """Run until the coroutine has ended. Raises what it raises, or StuckError."""
        events._set_running_loop(self)
        self._under_way = True
        try:
            task = self.create_task(main)
            for _ in range(STEPS_MAX):
                if task.done():
                    return task.result()
                self._step()
            raise StuckError(f"{STEPS_MAX} steps")
        finally:
            self._drop_everything()
            events._set_running_loop(None)

    def at_home(self, home: str, coroutine: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Begin a task in a process; it, and all that it begins, ends with the process."""
        context = copy_context()
        context.run(_home.set, home)
        return self.create_task(coroutine, context=context)

    def pause(self, home: str, seconds: float) -> None:
        """Let a process stand still, as SIGSTOP does."""
        self._paused.add(home)
        self.call_later(seconds, self._paused.discard, home)

    def kill(self, home: str) -> None:
        """End a process between two instructions: nothing of it runs again, not even what cleans up."""
        self._dead.add(home)
        self._queues.pop(home, None)

    def alive(self, home: str) -> bool:
        return home not in self._dead

    def delay(self) -> float:
        """How long a message takes: mostly some milliseconds, now and then much longer."""
        return self._chance.uniform(0.0005, 0.01) if self._chance.random() < 0.97 else self._chance.uniform(0.05, 0.8)

    def _step(self) -> None:
        homes = [home for home, ready in self._queues.items() if ready and home not in self._paused]
        if not homes:
            if not self._timers:
                raise StuckError("nothing is left to happen")
            self._now = max(self._now, self._timers[0][0])
        while self._timers and self._timers[0][0] <= self._now:
            _, _, home, handle = heapq.heappop(self._timers)
            self._enqueue(home, handle)
        if homes:
            home = homes[0] if len(homes) == 1 else self._chance.choice(homes)
            handle = self._queues[home].popleft()
            if not handle.cancelled():
                handle._run()

    def _enqueue(self, home: str, handle: asyncio.Handle) -> None:
        if home not in self._dead:
            self._queues.setdefault(home, deque()).append(handle)

    def _drop_everything(self) -> None:
        self._dead.update(self._queues)
        self._queues.clear()
        self._timers.clear()
        for task in self._tasks:
            if not task.done():
                task._log_destroy_pending = False  # type: ignore[attr-defined]
                try:
                    task.get_coro().close()
                except (RuntimeError, ValueError):
                    """It awaits while it is closed: it is gone all the same."""
        self._tasks.clear()

    # What asyncio asks of a loop.

    def time(self) -> float:
        return self._now

    def call_soon(
        self, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.Handle:
        chosen = copy_context() if context is None else context
        handle = asyncio.Handle(callback, args, self, chosen)
        self._enqueue(chosen.get(_home, WORLD), handle)
        return handle

    call_soon_threadsafe = call_soon

    def call_at(
        self, when: float, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.TimerHandle:
        chosen = copy_context() if context is None else context
        handle = asyncio.TimerHandle(when, callback, args, self, chosen)
        self._count += 1
        heapq.heappush(self._timers, (when, self._count, chosen.get(_home, WORLD), handle))
        return handle

    def call_later(
        self, delay: float, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.TimerHandle:
        return self.call_at(self._now + delay, callback, *args, context=context)

    def in_world(self, delay: float, callback: Callable[[*Ts], object], *args: *Ts) -> None:
        """As ``call_later``, outside every process."""
        context = copy_context()
        context.run(_home.set, WORLD)
        self.call_later(delay, callback, *args, context=context)

    def run_in_executor(  # type: ignore[override]
        self, executor: Any, func: Callable[..., T], *args: Any
    ) -> "asyncio.Future[T]":
        future: asyncio.Future[T] = self.create_future()
        home = copy_context().get(_home, WORLD)
        context = copy_context()

        def deliver(tell: Callable[[Any], None], result: Any) -> None:
            if not future.done():
                tell(result)

        def work() -> None:
            if home in self._dead:
                return
            try:
                result: Any = func(*args)
            except Exception as error:
                self.call_later(self.delay(), deliver, future.set_exception, error, context=context)
                return
            self.call_later(self.delay(), deliver, future.set_result, result, context=context)

        self.in_world(self.delay(), work)
        return future

    def create_future(self) -> "asyncio.Future[Any]":
        return asyncio.Future(loop=self)

    def create_task(  # type: ignore[override]
        self, coro: Coroutine[Any, Any, T], *, name: str | None = None, context: Context | None = None
    ) -> asyncio.Task[T]:
        task = asyncio.Task(coro, loop=self, name=name, context=context)
        self._tasks.append(task)
        return task

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if error is not None and "never retrieved" not in context.get("message", ""):
            self.errors.append(f"{context.get('message')}: {error!r}")

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """It is passed over when its time comes."""

    def get_debug(self) -> bool:
        return False

    def is_running(self) -> bool:
        return self._under_way

    def is_closed(self) -> bool:
        """There is nothing to close."""
        return True
