"""Node processes of the simulation: the real node without its projector, started, paused, killed and started again."""

import asyncio
import threading
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from random import Random
from types import SimpleNamespace
from typing import Any, Final, TypeVar, cast
from unittest.mock import patch

from api.composition.commands import HeartbeatDesk
from infrastructure.keys import Keys
from infrastructure.log.port import Log
from infrastructure.rows.memory import MemoryRows
from infrastructure.runtime import log_thread, snapshots
from infrastructure.runtime.log_thread import LogThread
from infrastructure.runtime.node import Node, NodeOptions
from infrastructure.telemetry import Metrics
from tests.simulation.loop import SimulatedLoop
from tests.simulation.store import NodeLog, SharedLog, Weather

T = TypeVar("T")
SECRET: Final = b"the same on every node of a store"


class AtOnce:
    """An executor without threads."""

    def __init__(self, *_: Any, **__: Any) -> None:
        """Nothing to start."""

    def submit(self, work: Any, *arguments: Any) -> None:
        work(*arguments)

    def shutdown(self, *, wait: bool) -> None:
        """Nothing to wait for."""


async def _run(_: LogThread, work: Callable[[], T]) -> T:
    """What the committer's thread does, done by the loop."""
    return await asyncio.get_running_loop().run_in_executor(None, work)


def _refuse_to_start(thread: threading.Thread) -> None:
    raise AssertionError(f"{thread.name} would make every run another one: let the simulation do its work")


@contextmanager
def without_threads(loop: SimulatedLoop) -> Generator[None]:
    """Everything that nodes do on threads or by the machine's clock, they do by the loop's."""
    with ExitStack() as patches:
        for owner, name, instead in (
            (snapshots, "ThreadPoolExecutor", AtOnce),
            (LogThread, "run", _run),
            (log_thread, "time", SimpleNamespace(monotonic=loop.time)),
            (threading.Thread, "start", _refuse_to_start),
        ):
            patches.enter_context(patch.object(owner, name, instead))
        yield


class Process:
    """One process of a node: its home in the loop and, once it has read the log, what serves there."""

    def __init__(self, name: str, loop: SimulatedLoop, log: NodeLog) -> None:
        self.name = name
        self.node: Node | None = None
        self.heartbeats: HeartbeatDesk | None = None
        self._loop = loop
        self._log = log
        self._task = loop.at_home(name, self._start())
        self._task.add_done_callback(self._started)

    def _started(self, task: asyncio.Task[None]) -> None:
        error = task.exception()
        if error is not None:
            self._loop.errors.append(f"{self.name} does not start: {error!r}")

    async def _start(self) -> None:
        metrics = Metrics()
        node = Node(cast("Log", self._log), MemoryRows(), Keys(SECRET), NodeOptions(secret=SECRET))
        await node._following.catch_up()
        node.committer.start()
        loop = self._loop
        node._tasks = [loop.create_task(node._following.run()), loop.create_task(node._ticker.run())]
        self.node, self.heartbeats = node, HeartbeatDesk(node, metrics)


class Nodes:
    """The processes that run now; a request finds one of them by chance, or none."""

    def __init__(self, count: int, loop: SimulatedLoop, shared: SharedLog, weather: Weather, chance: Random) -> None:
        self._loop = loop
        self._shared = shared
        self._weather = weather
        self._chance = chance
        self._started = 0
        self.kills = self.pauses = 0
        self._running = [self._process(number) for number in range(count)]

    def any(self) -> Process:
        return self._chance.choice(self._running)

    def kill_one(self) -> None:
        """SIGKILL; another process of the node starts a little later."""
        number = self._chance.randrange(len(self._running))
        victim = self._running[number]
        if self._loop.alive(victim.name):
            self.kills += 1
            self._loop.kill(victim.name)
            self._loop.in_world(self._chance.uniform(0.1, 3.0), self._restart, number)

    def pause_one(self) -> None:
        """SIGSTOP, and SIGCONT some time later."""
        self.pauses += 1
        self._loop.pause(self.any().name, self._chance.uniform(0.5, 6.0))

    def _restart(self, number: int) -> None:
        self._running[number] = self._process(number)

    def _process(self, number: int) -> Process:
        self._started += 1
        log = NodeLog(self._shared, self._weather, self._chance)
        return Process(f"node_{number}/{self._started}", self._loop, log)
