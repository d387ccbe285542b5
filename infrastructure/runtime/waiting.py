"""Callers that wait for work: woken by the group that makes something eligible, in the order they came."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from domain.dispatch.market import SEEKERS_MAX, Seeker
from domain.kernel.ids import StreamId
from domain.kernel.message import Event
from domain.lock.events import (
    LockRequestWithdrawn,
    LocksBroken,
    LocksDowngraded,
    LocksGranted,
    LocksReleased,
    LocksTransferred,
    LockTransferReverted,
    PoolMemberReturned,
    PoolSet,
)
from domain.lock.family_events import LockOwnersMoved
from domain.project.events import ProjectSet, ProjectUnfrozen
from domain.task.events import TaskReadied, TaskReassigned
from domain.task.state import Ready, Task
from infrastructure.runtime.outcome import Outcome
from infrastructure.runtime.settle import Place
from infrastructure.runtime.windows import Windows

NOTHING_READY: Final = b'"code":"nothing_ready"'
NOTHING_UNSEEN: Final = b'"unseen":0'
AGAIN_MAX: Final = 16
"""Walks in a row that one wake is worth, where there is more ready than one walk looks at."""
LOOK_AGAIN_SECONDS: Final = 5.0
"""How often a waiter asks anew beside tasks that it could not have: some are kept from it until an instant only."""
_WAKING: Final[frozenset[type[Event]]] = frozenset(
    {
        # There is something more to take, or for somebody else than before.
        TaskReadied,
        TaskReassigned,
        # Something of a scope is free, or its owner is another.
        LocksReleased,
        LocksBroken,
        LocksDowngraded,
        LocksTransferred,
        LockTransferReverted,
        LockOwnersMoved,
        LockRequestWithdrawn,
        PoolSet,
        PoolMemberReturned,
        # The project gives out again, or has other limits.
        ProjectUnfrozen,
        ProjectSet,
    }
)


@dataclass(slots=True, eq=False)
class _Waiter:
    seeker: Seeker | None
    """The session that asks; None where it is not to be weighed against others."""
    woken: asyncio.Event = field(default_factory=asyncio.Event)
    seen: dict[str, int] = field(default_factory=dict[str, int])
    """Number of the last change in each of its projects that this waiter was woken for or has looked behind."""
    kind: str | None = None
    """Who has the same is served the same; None while that is not known."""


class WaitingRoom:
    """Waiters per project. A change wakes as many as it may serve; one that finds nothing passes the wake on.

    ``has_ready`` tells whether the project has ready tasks at all, so that a release of locks wakes nobody in vain;
    ``kind_of`` tells which sessions are served alike, so that one of them looks for all. Where a project gathers before
    it gives out, a change opens a window, and only who is proposed something is woken.
    """

    def __init__(
        self,
        has_ready: Callable[[str], bool],
        windows: Windows | None = None,
        *,
        kind_of: Callable[[Seeker], str | None] = lambda _: None,
        look_again_seconds: float = LOOK_AGAIN_SECONDS,
    ) -> None:
        self._has_ready = has_ready
        self._kind_of = kind_of
        self._windows = windows
        self._look_again_seconds = look_again_seconds
        self._rooms: dict[str, list[_Waiter]] = {}
        self._changes: dict[str, int] = {}
        self._vain: dict[str, set[str]] = {}
        """Kinds of which one has looked in vain since the last change of the project."""
        self._called = False
        self._closed = False

    async def claim(
        self,
        projects: Sequence[str],
        attempt: Callable[[], Awaitable[Outcome]],
        *,
        wait_seconds: float,
        seeker: Seeker | None = None,
    ) -> Outcome:
        """Attempt at once, then after every wake in one of the projects, until it is answered or time is up."""
        clock = asyncio.get_running_loop().time
        until = clock() + wait_seconds
        waiter = _Waiter(seeker, seen={project: self._changes.get(project, 0) for project in projects})
        # In the room before the first attempt: a change between attempt and wait must not be missed.
        rooms = [self._rooms.setdefault(project, []) for project in waiter.seen]
        for room in rooms:
            room.append(waiter)
        owing, again = False, AGAIN_MAX
        try:
            while True:
                waiter.woken.clear()
                owing = True
                waiter.seen.update({project: self._changes.get(project, 0) for project in waiter.seen})
                looked = dict(waiter.seen)
                outcome = await attempt()
                owing = False
                self._answered(waiter)
                if self._closed or NOTHING_READY not in outcome.text[:60]:
                    self._pass_on(waiter)
                    return outcome
                if again and NOTHING_UNSEEN not in outcome.text:
                    # The walk came to its bound; the next one goes on from there.
                    again -= 1
                    await asyncio.sleep(0)
                    continue
                again = AGAIN_MAX
                if not self._looked_in_vain(waiter, outcome, looked):
                    self._pass_on(waiter)
                self._gather(waiter)
                if not await self._woken(waiter, until):
                    return outcome
        finally:
            for room in rooms:
                room.remove(waiter)
            # Also where the attempt failed or its caller hung up: the wake that it answered is somebody else's now.
            if owing or waiter.woken.is_set():
                for project in waiter.seen:
                    self._wake(project, 1)

    async def _woken(self, waiter: _Waiter, until: float) -> bool:
        """Whether there is reason to attempt again before time is up."""
        clock = asyncio.get_running_loop().time
        while (left := until - clock()) > 0:
            try:
                async with asyncio.timeout(min(left, self._look_again_seconds)):
                    await waiter.woken.wait()
            except TimeoutError:
                if until > clock() and any(self._has_ready(project) for project in waiter.seen):
                    return True
            else:
                return True
        return False

    def __len__(self) -> int:
        return len({waiter for room in self._rooms.values() for waiter in room})

    def close(self) -> None:
        """Answer every waiter with what it has: the node is going down."""
        self._closed = True
        if self._windows is not None:
            self._windows.stop()
        for room in self._rooms.values():
            for waiter in room:
                waiter.woken.set()

    def called(self) -> bool:
        """Whether anybody was woken since this was last asked."""
        called, self._called = self._called, False
        return called

    def gathers(self, project: str) -> bool:
        """Whether a change in the project opens a window instead of waking somebody at once."""
        return self._windows is not None and self._windows.gathers(project)

    def restored(self, stream: StreamId, state: Any) -> None:
        """A task that was readied and claimed in one group looked taken when it was told; the claim fell since."""
        if isinstance(state, Task) and isinstance(state.phase, Ready):
            self._change(state.plan.project, 1)

    def committed(self, places: Sequence[Place], position: int) -> None:
        """Wake whom the events may serve."""
        self.tell(places)

    def tell(self, places: Sequence[Place], *, gathers: bool | None = None) -> None:
        """The same, of events that may not be durable yet: the claim that they bring about is appended with them.

        Only of projects that do so where ``gathers`` is given; one that just changed its ways counts as both.
        """
        changed: dict[str, int] = {}
        for _, _, event, project in places if self._rooms else ():
            wakes = type(event) in _WAKING or (isinstance(event, LocksGranted) and not event.session)
            if not wakes or not self._rooms.get(project):
                continue
            if gathers is None or gathers == self.gathers(project) or isinstance(event, ProjectSet):
                changed[project] = changed.get(project, 0) + 1
        for project, count in changed.items():
            self._change(project, count)

    def _change(self, project: str, count: int) -> None:
        if self._rooms.get(project) and self._has_ready(project):
            self._changes[project] = self._changes.get(project, 0) + 1
            self._vain.pop(project, None)
            self._wake(project, count)

    def _pass_on(self, waiter: _Waiter) -> None:
        """What this waiter could not use, or what is left beside it, is for the next that has not seen it.

        Where nothing is ready nobody is woken: in a fleet that serves many projects one wake would go round them all.
        """
        for project, seen in waiter.seen.items():
            if seen and self._has_ready(project):
                self._wake(project, 1)

    def _looked_in_vain(self, waiter: _Waiter, outcome: Outcome, looked: dict[str, int]) -> bool:
        """Whether nobody at all could have what is ready; where others could, those like this one need not look.

        What was passed over for its locks alone is so for all who wait: the commit that frees a lock wakes again.
        Whoever stands in the family of a holder may have what others may not, and looks again by itself.
        """
        counts: dict[str, int] = orjson.loads(outcome.text)["error"]["data"]
        ready, locked = counts.get("ready", 0), counts.get("locked", 0)
        if waiter.seeker is not None and ready == locked + counts.get("unmatched", 0):
            waiter.kind = self._kind_of(waiter.seeker)
            if waiter.kind is not None:
                for project, change in looked.items():
                    if change == self._changes.get(project, 0):
                        self._vain.setdefault(project, set()).add(waiter.kind)
        return 0 < ready == locked

    def _gather(self, waiter: _Waiter) -> None:
        """Who comes or comes again may be served by the next window."""
        for project in waiter.seen:
            if self._windows is not None and self.gathers(project) and self._has_ready(project):
                waiter.seen[project] = min(waiter.seen[project], self._changes.get(project, 0) - 1)
                self._windows.open(project, self._close_window)

    def _answered(self, waiter: _Waiter) -> None:
        if self._windows is not None and waiter.seeker is not None:
            for project in waiter.seen:
                self._windows.answered(project, waiter.seeker)

    async def _close_window(self, project: str) -> None:
        """Propose to those who were not looked at since the last change; while there are more of them, open another."""
        change, windows = self._changes.get(project, 0), self._windows
        fresh = [one for one in self._rooms.get(project, ()) if one.seen[project] < change and not one.woken.is_set()]
        asked = {one.seeker.session: one for one in fresh[:SEEKERS_MAX] if one.seeker is not None}
        if windows is None or not asked or self._closed:
            return
        for one in asked.values():
            one.seen[project] = change
        closed = await windows.propose(project, tuple(asked))
        for match in closed.matches:
            asked[match.seeker.session].woken.set()
        if closed.matches or closed.early:
            self._changes[project] = self._changes.get(project, 0) + 1
        if self._has_ready(project) and (closed.matches or closed.early or len(fresh) > SEEKERS_MAX):
            windows.open(project, self._close_window)

    def _wake(self, project: str, count: int) -> None:
        if self._windows is not None and self.gathers(project):
            self._windows.open(project, self._close_window)
            return
        change, vain = self._changes.get(project, 0), self._vain.get(project, ())
        for waiter in self._rooms.get(project, ()):
            if count == 0:
                return
            if waiter.seen[project] < change and not waiter.woken.is_set() and waiter.kind not in vain:
                waiter.seen[project] = change
                waiter.woken.set()
                self._called = True
                count -= 1


class OwnCommits:
    """Tells the room of what this node decides: at once where the project gives to whoever asks.

    So a waiter's claim is appended together with what it waited for. A window looks at what is durable.
    """

    def __init__(self, room: WaitingRoom) -> None:
        self._room = room

    def decided(self, places: Sequence[Place]) -> None:
        """Wake whoever may claim in the same group; should that fall, the claim falls with it and waits on."""
        self._room.tell(places, gathers=False)

    def restored(self, stream: StreamId, state: Any) -> None:
        """What was decided fell."""
        self._room.restored(stream, state)

    def committed(self, places: Sequence[Place], position: int) -> None:
        """Open the windows."""
        self._room.tell(places, gathers=True)
