"""The committer: one per node, the only writer of commands. Group commit, re-decision, answers after durability."""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Final

from domain.kernel.decider import AggregateByPrefix, StreamsMissing
from domain.kernel.message import Command, CommandKey, Stamp
from infrastructure.log.port import Appended, Log, Member, MemberResult, OutcomeUnknown, StoreUnavailable
from infrastructure.runtime.group import Group, GroupDecider, Pending
from infrastructure.runtime.hot import HotStates
from infrastructure.runtime.log_thread import LogThread
from infrastructure.runtime.outcome import Outcome, body_of, digest_of
from infrastructure.runtime.prefetch import lacking
from infrastructure.runtime.recent import RecentAnswers, repeated
from infrastructure.runtime.settle import Settlement, Settler, again_after_doubt
from infrastructure.runtime.view import GroupView

GROUP_MAX: Final = 512
LOCKED_GROUP_MAX: Final = 64
GATHER_TURNS: Final = 4
INLINE_LOADS_MAX: Final = 32
WAITING_MAX: Final = 20_000
MISMATCHES_BEFORE_LOCK: Final = 2
LOCKED_PAUSE_SECONDS: Final = 0.4
"""Between attempts on a store that is away; with the bound on mismatches that is as patient as other appends."""


class CommitterStoppedError(Exception):
    """Fault: the node is going down; the command may be sent to another one under the same id."""


class OverloadedError(Exception):
    """Fault: more commands wait than the node takes; nothing was written, try again later."""


class Committer:
    """Takes commands from asyncio callers, decides them in groups, appends each group in one call."""

    def __init__(
        self,
        log: Log,
        hot: HotStates,
        aggregates: AggregateByPrefix,
        decider: GroupDecider,
        settler: Settler,
        *,
        secret: bytes,
        appended: Callable[[int, float], None] = lambda _commands, _seconds: None,
        called: Callable[[], bool] = lambda: False,
    ) -> None:
        """``called`` tells whether what was decided just now woke somebody, who asks at once."""
        self._called = called
        self._log = log
        self._hot = hot
        self._aggregates = aggregates
        self._decider = decider
        self._settler = settler
        self._secret = secret[:64]
        self._appended = appended
        self._thread = LogThread(log)
        self._waiting: list[Pending] = []
        self._in_flight: dict[CommandKey, Pending] = {}
        self.recent: Final = RecentAnswers()
        self._serving = False
        self._under_lock = False
        self._arrived = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._stopping = False

    def start(self) -> None:
        """Begin to serve on the running event loop."""
        self._task = asyncio.get_running_loop().create_task(self._run(), name="committer")

    async def stop(self) -> None:
        """Finish the group under way, refuse the rest."""
        self._stopping = True
        self._arrived.set()
        if self._task is not None:
            await self._task
        for pending in self._waiting:
            pending.fail(CommitterStoppedError())
        self._thread.stop()

    @property
    def waiting(self) -> int:
        """Commands that arrived and are in no group yet."""
        return len(self._waiting)

    @property
    def busy(self) -> bool:
        """Whether commands wait or are being written; what may wait does so meanwhile."""
        return self._serving or bool(self._in_flight)

    @property
    def decides_on_a_thread(self) -> bool:
        """Whether a group is decided under the log's lock, off the event loop: the hints must stand still then."""
        return self._under_lock

    async def execute(self, command: Command, stamp: Stamp) -> Outcome:
        """Decide and append one command; answers after it is durable.

        A second arrival of an id joins the first; another body under a used id is refused.
        Raises CommitterStoppedError, OverloadedError, StoreUnavailable, OutcomeUnknown, Unreplayable.
        """
        return await self.submit(command, stamp)

    def forget_answers(self) -> None:
        """Something that was answered is erased; on the event loop. What was read before is not remembered either."""
        self.recent.clear(self._in_flight)

    def submit(self, command: Command, stamp: Stamp) -> asyncio.Future[Outcome]:
        """As ``execute``, on the event loop: the answer as a future of the caller's own, which it may cancel.

        Whatever becomes of the future, the command goes its way. Faults are set on it, none is raised.
        """
        key, body = stamp.key, body_of(command)
        digest = digest_of(command, stamp, body, key=self._secret)
        caller: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        known, first = self.recent.get(key), self._in_flight.get(key)
        if known is not None:
            caller.set_result(repeated(stamp.command_id, known, digest))
        elif first is not None and first.caller is not None:
            first.joined.append((digest, caller))
        elif self._stopping:
            caller.set_exception(CommitterStoppedError())
        elif len(self._waiting) >= WAITING_MAX:
            caller.set_exception(OverloadedError())
        else:
            self._in_flight[key] = pending = Pending(command, stamp, body, digest, caller)
            self._waiting.append(pending)
            self._arrived.set()
        return caller

    async def _run(self) -> None:
        while not (self._stopping and not self._waiting):
            if not self._waiting:
                self._arrived.clear()
                await self._arrived.wait()
                continue
            await self._gather()
            self._serving = True
            await self._serve(self._taken(GROUP_MAX))
            self._serving = False
            if self._stopping:
                break

    async def _gather(self) -> None:
        """Callers who were just answered need a few turns of the loop to come again: let them join this group."""
        for _ in range(GATHER_TURNS):
            arrived = len(self._waiting)
            await asyncio.sleep(0)
            if len(self._waiting) == arrived:
                return

    async def _serve(self, pendings: list[Pending]) -> None:
        try:
            locked = [one for one in pendings if one.mismatches >= MISMATCHES_BEFORE_LOCK][:LOCKED_GROUP_MAX]
            chosen = locked if locked else pendings
            rest = [one for one in pendings if one not in locked] if locked else []
            settlement = await (self._commit_locked(chosen) if locked else self._commit(chosen))
            self._waiting[:0] = [*settlement.again, *rest]
            for pending, outcome in settlement.answers:
                self._answer(pending, outcome)
            for pending, error in settlement.faults:
                self._fault(pending, error)
        except Exception as error:
            # What memory believes about these streams may be wrong now; the log tells at the next use.
            self._hot.clear()
            for pending in pendings:
                self._fault(pending, error)

    def _taken(self, most: int) -> list[Pending]:
        taken, self._waiting = self._waiting[:most], self._waiting[most:]
        return taken

    async def _commit(self, pendings: list[Pending]) -> Settlement:
        self._hot.trim()
        view = GroupView(self._hot, self._aggregates, self._log.era)
        group = Group()
        try:
            await self._decide_all(pendings, view, group)
            if self._called():
                # Who waited for this gets its share in the same append, not in one behind it.
                await asyncio.sleep(0)
                late = self._taken(GROUP_MAX - len(pendings))
                pendings += late
                await self._decide_all(late, view, group)
            results = await self._written(group)
        except Exception:
            # Whatever broke, nothing of the group may stay announced: its tasks would never be offered again.
            self._settler.withdraw(group)
            raise
        return await self._settle(group, view, results)

    async def _written(self, group: Group) -> list[MemberResult]:
        if not self._log.shared and group.only_asks:
            # Nobody else writes this log: what was asked of memory is true, and there is nothing to keep.
            return [Appended(self._log.head(), self._log.now())] * len(group.decided)
        began = time.perf_counter()
        results = await self._thread.append(group.members(), stopping=lambda: self._stopping)
        self._appended(len(results), time.perf_counter() - began)
        return results

    async def _settle(self, group: Group, view: GroupView, results: list[MemberResult]) -> Settlement:
        settlement = self._settler.settle(group, view, results)
        if settlement.forward or settlement.forget_names:
            self._hot.forget((), names=settlement.forget_names)
            try:
                await self._load(tuple(settlement.forward), ())
            except (StoreUnavailable, OutcomeUnknown):
                # What was appended is answered all the same; these streams are read anew at their next use.
                self._settler.restore(settlement.forward)
                self._hot.forget(settlement.forward)
                return settlement
            self._settler.restore(settlement.forward)
        return settlement

    async def _decide_all(self, pendings: list[Pending], view: GroupView, group: Group) -> None:
        await self._prefetch(pendings)
        for index, pending in enumerate(pendings):
            decided = len(group.decided)
            await self._decide(pending, pendings[index + 1 :], view, group)
            self._settler.announce(group.decided[decided:])

    async def _decide(self, pending: Pending, later: Sequence[Pending], view: GroupView, group: Group) -> None:
        while True:
            try:
                return self._decider.decide(pending, view, group)
            except StreamsMissing as missing:
                # Its likes behind it lack the like: ask for all of it in one round trip.
                alike = [one for one in later if type(one.command) is type(pending.command)]
                wanted = [missing, *(self._decider.probe(one, view) for one in alike)]
                await self._load(
                    [stream for one in wanted for stream in one.streams],
                    [name for one in wanted for name in one.keys],
                )

    async def _load(self, streams: Sequence[str], names: Sequence[tuple[str, str, str]]) -> None:
        if not self._log.shared and len(streams) + len(names) <= INLINE_LOADS_MAX:
            # A few look-ups in a local file take less time than the way to a thread and back.
            self._hot.adopt(*self._hot.load(streams, names))
            return
        self._hot.adopt(*await self._thread.run(lambda: self._hot.load(streams, names)))

    async def _prefetch(self, pendings: list[Pending]) -> None:
        streams, names = lacking(self._hot, ((one.command, one.stamp, one.mismatches > 0) for one in pendings))
        if streams or names:
            await self._load(streams, names)

    async def _commit_locked(self, pendings: list[Pending]) -> Settlement:
        """Take the log's lock first, then read, decide and append, so that this node does not starve."""
        hot = self._hot.empty()
        view = GroupView(hot, self._aggregates, self._log.era)
        # What one command derives may be more than the lock is held for: the rest comes with later groups.
        group = Group(members_max=LOCKED_GROUP_MAX)

        def decide_under_lock() -> list[Member]:
            for pending in pendings:
                while True:
                    try:
                        self._decider.decide(pending, view, group)
                        break
                    except StreamsMissing as missing:
                        hot.adopt(*hot.load(missing.streams, missing.keys))
            return group.members()

        self._under_lock = True
        try:
            results = await self._thread.run(lambda: self._log.append_locked(decide_under_lock, now=self._log.now()))
        except (OutcomeUnknown, StoreUnavailable) as error:
            # The same ids go again: the unique receipt tells what became of them.
            for pending in pendings:
                pending.doubted = pending.doubted or isinstance(error, OutcomeUnknown)
            await asyncio.sleep(LOCKED_PAUSE_SECONDS)
            return again_after_doubt(pendings)
        finally:
            self._under_lock = False
        self._hot.adopt_all(hot)
        view.hot = self._hot
        self._settler.announce(group.decided)
        return await self._settle(group, view, results)

    def _answer(self, pending: Pending, outcome: Outcome) -> None:
        command_id, key = pending.stamp.command_id, pending.key
        self._in_flight.pop(key, None)
        if pending.caller is None:
            return
        if (outcome.repeated or outcome.ok) and not pending.command.ASKS:
            self.recent.keep(key, pending.digest, outcome)
        if not pending.caller.done():
            pending.caller.set_result(outcome)
        for digest, caller in pending.joined:
            if not caller.done():
                caller.set_result(repeated(command_id, (pending.digest, outcome), digest))

    def _fault(self, pending: Pending, error: Exception) -> None:
        self._in_flight.pop(pending.key, None)
        pending.fail(error)
