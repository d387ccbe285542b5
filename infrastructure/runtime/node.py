"""One node: everything that runs beside each other in a server process, started and stopped in order."""

import asyncio
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import structlog

from domain import catalogue
from domain.dispatch.lookup import lock_stream
from domain.kernel.decider import Recorded
from domain.kernel.ids import Instant, ProjectId, StreamId, derived_id
from domain.kernel.message import Command, Stamp
from domain.lock.commands import AwaitLocks
from domain.node.decider import NODE
from domain.node.health import NodeReport
from infrastructure.bundle.judging import processes_at_most
from infrastructure.expressions.conditions import CelExpressions
from infrastructure.log.mapper import recorded
from infrastructure.log.port import Log, LogRow
from infrastructure.rows.port import RowStore
from infrastructure.runtime import hints_checkpoint
from infrastructure.runtime.at_work import AtWork
from infrastructure.runtime.builds.desk import BuildDesk
from infrastructure.runtime.builds.helped import begin_helper
from infrastructure.runtime.builds.worker import Around
from infrastructure.runtime.committer import Committer
from infrastructure.runtime.dispatching import Dispatching
from infrastructure.runtime.following import Following, WokenBy
from infrastructure.runtime.group import GroupDecider
from infrastructure.runtime.heartbeat import LeaseDesk
from infrastructure.runtime.hints import Hints, KeyFold
from infrastructure.runtime.hot import BYTES_MAX, HotStates
from infrastructure.runtime.lock_waiting import LockRoom
from infrastructure.runtime.looking import Looker
from infrastructure.runtime.names import ProjectNames
from infrastructure.runtime.outcome import Outcome
from infrastructure.runtime.presence import NodeFacts, Presence
from infrastructure.runtime.projector import Projector, ProjectorOptions
from infrastructure.runtime.projector_waiters import PositionWaiters
from infrastructure.runtime.reactor import Reactor
from infrastructure.runtime.session_waiting import SessionRoom
from infrastructure.runtime.settle import Observer, Place, Settler
from infrastructure.runtime.snapshots import Snapshotter
from infrastructure.runtime.ticker import Ticker
from projections.catalogue import PROJECTIONS

FLEET_PREFIXES: Final = frozenset(one.prefix for one in catalogue.AGGREGATES.values() if one.fleet)
_logger = structlog.get_logger("signalbox.node")


@dataclass(frozen=True, slots=True)
class NodeOptions:
    """What differs between nodes. ``secret`` keys the digests and is the same on every node of a store."""

    secret: bytes
    observers: tuple[Observer, ...] = ()
    appended: Callable[[int, float], None] = field(default=lambda _commands, _seconds: None)
    """Told the size of each group and the seconds of its append."""
    counted: Callable[[str], None] = field(default=lambda _code: None)
    """Told the code of each refusal that matters and was counted only, since its like was just recorded."""
    moved: Callable[[], None] = field(default=lambda: None)
    """Told of each command that is decided again because a stream had moved on."""
    woken: Callable[[WokenBy], None] = field(default=lambda _by: None)
    """Told how events of other nodes were found."""
    hot_bytes_max: int = BYTES_MAX
    facts: NodeFacts = NodeFacts(version="", store="")
    warnings: tuple[str, ...] = ()
    """Settings of the store that may lose acknowledged work."""


class Node:
    """Owns the committer and what stands around it; the surfaces speak to its parts."""

    def __init__(self, log: Log, rows: RowStore, keys: KeyFold, options: NodeOptions) -> None:
        self.name: Final = derived_id(NODE.prefix, Instant(log.now()), [secrets.token_hex(16)])
        self._warnings = options.warnings
        self._told_appended = options.appended
        self.log: Final = log
        folds, self._kept = hints_checkpoint.resume(log)
        self.hints: Final = Hints(log, self.decode, keys, folds, self._kept)
        self.hot: Final = HotStates(log, catalogue.AGGREGATES, catalogue.REGISTRY, bytes_max=options.hot_bytes_max)
        self.lock_room: Final = LockRoom()
        self.session_room: Final = SessionRoom()
        self.names: Final = ProjectNames(log)
        self.looker: Final = Looker(log, self.hot, catalogue.AGGREGATES)
        self.dispatching: Final = Dispatching(
            self.hints, self.looker, self._execute, self._now, self._walks, self._known
        )
        self.waiting: Final = self.dispatching.waiting
        self.leases: Final = LeaseDesk(log)
        self._snapshots = Snapshotter(log, self.hot, catalogue.AGGREGATES)
        self.head: Final = PositionWaiters()
        self._head_sign = HeadSign(self.head)
        observers: tuple[Observer, ...] = (
            self.hints,
            *self.dispatching.observers,
            self.lock_room,
            self.session_room,
            self._snapshots,
            self._head_sign,
            *options.observers,
        )
        self.at_work: Final = AtWork(lambda: self.committer.busy)
        settler = Settler(self.hot, catalogue.AGGREGATES, observers, options.moved)
        self.committer: Final = Committer(
            log,
            self.hot,
            catalogue.AGGREGATES,
            GroupDecider(
                catalogue.rules(self.hints.ready, self.dispatching.proposals, CelExpressions()),
                catalogue.POLICIES,
                FLEET_PREFIXES,
                counted=options.counted,
            ),
            settler,
            secret=options.secret,
            appended=self._appended,
            called=self._called,
        )
        self._following = Following(log, self.hints, self.committer, self._heard, self.keep_hints, options.woken)
        self.projector: Final = Projector(log, rows, PROJECTIONS, self.decode, ProjectorOptions(busy=self.at_work))
        self.builds: Final = BuildDesk(
            Around(
                log=log,
                store=rows,
                projections=PROJECTIONS,
                decode=self.decode,
                node=self.name,
                busy=self.at_work,
                promoted=self.projector.look_again,
                helper=begin_helper if processes_at_most() > 1 else None,
            ),
            self.projector.status,
        )
        reactor = Reactor(log, catalogue.AGGREGATES, catalogue.POLICIES, self.decode, self.hot, settler.answered)
        execute, sweeps = self.committer.execute, self.dispatching.sweeps
        self._ticker = Ticker(log, self.hints, reactor, execute, node=self.name, further=sweeps)
        self.presence: Final = Presence(log, self.name, options.facts, execute, self.examine)
        self._tasks: list[asyncio.Task[None]] = []
        self.ready = False

    def decode(self, row: LogRow) -> Recorded:
        """The event of a stored row."""
        return recorded(row, catalogue.REGISTRY)

    def examine(self, head: int) -> NodeReport:
        """How this node is, given the end of the log as the store tells it."""
        projections = self.projector.status()
        return NodeReport(
            at=Instant(self.log.now()),
            ready=self.ready,
            head=head,
            log_lag_events=max(0, head - self.hints.position),
            projector_lag_events=max(0, head - self.projector.position()),
            commands_waiting=self.committer.waiting,
            sessions_waiting=len(self.waiting),
            stopped_projections=tuple(f"{one.name}: {one.state}" for one in projections if one.state != "following"),
            projector_error=next((one.error[:500] for one in projections if one.error), ""),
            duties=("ticker",) if self._ticker.on_duty else (),
            warnings=self._warnings,
        )

    async def start(self) -> None:
        """Read the hints up to the head, then serve; time is swept once everything else runs."""
        await self._following.catch_up()
        self.committer.start()
        await asyncio.to_thread(self.projector.start)
        self.builds.worker.start()
        loop = asyncio.get_running_loop()
        self._tasks = [
            loop.create_task(self._following.run(), name="follow"),
            loop.create_task(self._ticker.run(), name="ticker"),
        ]
        self.head.reach(self.log.head())
        self.ready = True
        _logger.info("node started", node=self.name, head=self.log.head())

    async def stop(self) -> None:
        """Take nothing new, finish what is under way."""
        self.ready = False
        self.dispatching.close()
        self.lock_room.close()
        self.session_room.close()
        await self.presence.leave()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.committer.stop()
        await self.leases.stop()
        await self.keep_hints(1)
        await asyncio.to_thread(self.builds.worker.stop)
        await asyncio.to_thread(self.projector.stop)
        await asyncio.to_thread(self._snapshots.stop)

    async def claim(self, command: Command, stamp: Stamp, *, wait_seconds: float) -> Outcome:
        """Execute a claim and wait for work where there is none, in the order of arrival; the same for locks."""

        async def attempt() -> Outcome:
            now = Instant(max(self.log.now(), stamp.time))
            return await self.committer.execute(command, stamp._replace(time=now))

        if isinstance(command, AwaitLocks):
            request = (stamp.project, int(command.request))
            return await self.lock_room.answer(request, lambda: self._waits(*request), attempt, seconds=wait_seconds)
        return await self.dispatching.claim(command, stamp, attempt, wait_seconds=wait_seconds)

    def _appended(self, commands: int, seconds: float) -> None:
        self.at_work.written()
        self._told_appended(commands, seconds)

    def _called(self) -> bool:
        """Whether what was decided just now woke somebody; each room is asked, for each forgets by that."""
        return any([self.waiting.called(), self.lock_room.called()])

    async def _execute(self, command: Command, stamp: Stamp) -> Outcome:
        return await self.committer.execute(command, stamp)

    def _now(self) -> Instant:
        return Instant(self.log.now())

    def _walks(self) -> bool:
        """Whether the ready index is walked on another thread right now."""
        return self.committer.decides_on_a_thread

    def _known(self, stream: StreamId) -> Any:
        held = self.hot.get(stream)
        return None if held is None else held[1]

    def _waits(self, project: ProjectId, request: int) -> bool:
        """Whether the request waits as far as this node knows; who knows nothing has it asked at once."""
        known = self.hot.get(lock_stream(project))
        return known is not None and request in known[1].waiters

    async def keep_hints(self, least_events: int = hints_checkpoint.KEEP_EVERY_EVENTS) -> None:
        """A checkpoint between groups, so that the next start reads only what came after it."""
        if self.committer.busy or self.hints.position - self._kept < least_events:
            return
        # The text is made on the loop, where the folds change; it is written on a thread.
        checkpoint = hints_checkpoint.checkpoint(self.hints.folds, self.hints.position)
        try:
            await asyncio.to_thread(self.log.keep_snapshots, [checkpoint])
        except Exception as error:
            _logger.warning("the hints were not kept; a start reads more of the log", error=repr(error))
        else:
            self._kept = checkpoint.version

    def _heard(self, places: Sequence[Place]) -> None:
        """Of events that this node did not append itself, or did not know to be appended."""
        for room in (self.waiting, self.lock_room, self.session_room, self._head_sign):
            room.committed(places, self.hints.position)


class HeadSign:
    """Tells those who follow the log that there is more of it."""

    def __init__(self, head: PositionWaiters) -> None:
        self._head = head

    def restored(self, stream: StreamId, state: Any) -> None:
        """The log did not change."""

    def committed(self, places: Sequence[Place], position: int) -> None:
        """The log is at least this long."""
        self._head.reach(max(position, self._head.position))
