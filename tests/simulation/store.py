"""One log in memory behind the port of each node: its calls get lost, their answers get lost, or they come too late."""

from collections.abc import Callable, Sequence
from contextvars import copy_context
from random import Random
from typing import Any, Final, TypeVar

from infrastructure.log.memory import MemoryLog
from infrastructure.log.port import DecideUnderLock, Member, MemberResult, OutcomeUnknown, StoreUnavailable
from tests.simulation.loop import SimulatedLoop

T = TypeVar("T")
BEGAN: Final = 1_700_000_000_000_000
"""The virtual clock's first instant, in microseconds."""


class SharedLog(MemoryLog):
    """The log of all nodes, stamped by the virtual clock."""

    shared = True

    def __init__(self, loop: SimulatedLoop) -> None:
        super().__init__()
        self.loop = loop

    def now(self) -> int:
        return BEGAN + int(self.loop.time() * 1_000_000)


class Weather:
    """How likely each fault is. All are 0 when the faults are over."""

    def __init__(self) -> None:
        self.lost_call = 0.02
        self.lost_answer = 0.03
        self.late_call = 0.02
        self.faults = 0

    def clear(self) -> None:
        self.lost_call = self.lost_answer = self.late_call = 0.0


class NodeLog:
    """What one node sees of the shared log. Everything that is not here is the shared log's own."""

    def __init__(self, shared: SharedLog, weather: Weather, chance: Random) -> None:
        self._shared = shared
        self._weather = weather
        self._chance = chance

    def __getattr__(self, name: str) -> Any:
        return getattr(self._shared, name)

    def append(self, members: Sequence[Member], *, now: int) -> list[MemberResult]:
        return self._uncertain(lambda: self._shared.append(members, now=self._shared.now()), may_be_late=True)

    def append_locked(self, decide: DecideUnderLock, *, now: int) -> list[MemberResult]:
        return self._uncertain(lambda: self._shared.append_locked(decide, now=self._shared.now()), may_be_late=False)

    def renew(self, sessions: Sequence[tuple[str, int]], *, now: int) -> dict[tuple[str, int], int]:
        return self._uncertain(lambda: self._shared.renew(sessions, now=self._shared.now()), may_be_late=True)

    def tell_growth(self, told: Callable[[int], None]) -> None:
        home = copy_context()

        def some_time_later(head: int) -> None:
            if self._chance.random() >= self._weather.lost_call:
                self._shared.loop.call_later(self._chance.uniform(0.001, 0.1), told, head, context=home.copy())

        self._shared.tell_growth(some_time_later)

    def _uncertain(self, call: Callable[[], T], *, may_be_late: bool) -> T:
        weather, dice = self._weather, self._chance.random()
        for likely, fault in (
            (weather.lost_call, self._lost_call),
            (weather.lost_answer, self._lost_answer),
            (weather.late_call * may_be_late, self._late_call),
        ):
            if dice < likely:
                weather.faults += 1
                return fault(call)
            dice -= likely
        return call()

    def _lost_call(self, _: Callable[[], T]) -> T:
        raise StoreUnavailable("the connection could not be made")

    def _lost_answer(self, call: Callable[[], T]) -> T:
        call()
        raise OutcomeUnknown("the connection broke before the answer")

    def _late_call(self, call: Callable[[], T]) -> T:
        """The connection breaks, and the store carries out all the same what it had heard, some time later."""
        self._shared.loop.in_world(self._chance.uniform(0.0, 1.5), call)
        raise OutcomeUnknown("the connection broke during the call")
