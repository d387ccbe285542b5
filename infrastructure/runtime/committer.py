"""The committer: one per node, the only writer of commands. Group commit, re-decision, answers after durability."""

import asyncio
from collections.abc import Callable
from typing import Final

from domain.kernel.decider import AggregateByPrefix
from domain.kernel.message import Command, CommandKey, Stamp
from infrastructure.log.port import Appended, Log, MemberResult, OutcomeUnknown, StoreUnavailable
from infrastructure.runtime.drafting import Draft, Drafter
from infrastructure.runtime.group import GroupDecider, Pending
from infrastructure.runtime.hot import HotStates
from infrastructure.runtime.log_thread import LogThread
from infrastructure.runtime.outcome import Outcome, body_of, digest_of
from infrastructure.runtime.recent import RecentAnswers, repeated
from infrastructure.runtime.settle import Settlement, Settler, again_after_doubt
from infrastructure.runtime.view import GroupView
from infrastructure.runtime.writing import Flight, Writer

GROUP_MAX: Final = 512
FIRST_GROUP_MIN: Final = 8
"""So few commands are written at once: an append costs more than what deciding them beside another one would save."""
LOCKED_GROUP_MAX: Final = 64
GATHER_TURNS: Final = 4
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
        self._settler = settler
        self._secret = secret[:64]
        self._thread = LogThread(log)
        self._drafter = Drafter(log, hot, aggregates, decider, settler, self._thread)
        self._writer = Writer(
            log,
            hot,
            decider,
            settler,
            self._drafter,
            self._thread,
            appended=appended,
            stopping=lambda: self._stopping,
        )
        self._waiting: list[Pending] = []
        self._in_flight: dict[CommandKey, Pending] = {}
        self.recent: Final = RecentAnswers()
        self._serving = False
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
        return self._writer.under_lock

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
        known = self.recent.get(key)
        first = self._in_flight.get(key)
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
            locked = [one for one in self._waiting if one.mismatches >= MISMATCHES_BEFORE_LOCK][:LOCKED_GROUP_MAX]
            await (self._serve_locked(locked) if locked else self._serve())
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

    async def _serve(self) -> None:
        """One group after the other for as long as commands come, each decided while the one before is written."""
        # Half of what is there goes first, so that something is decided while something is written.
        half = max(FIRST_GROUP_MIN, len(self._in_flight) // 2)
        flight = self._launched(await self._decided(self._drafter.begin(), None, most=half))
        while flight is not None:
            flight = await self._landed(flight, await self._decided_beside(flight))

    async def _decided(self, draft: Draft, under: Draft | None, *, most: int = GROUP_MAX) -> Draft:
        """The draft with what waits decided into it; where that failed, an empty one in its place."""
        try:
            await self._drafter.add(draft, self._taken(min(most, GROUP_MAX - len(draft.pendings))))
            if self._called():
                # Who waited for this gets its share in the same append, not in one behind it.
                await asyncio.sleep(0)
                await self._drafter.add(draft, self._taken(GROUP_MAX - len(draft.pendings)))
        except Exception as error:
            self._give_up(draft, error)
            return self._drafter.begin(under)
        return draft

    async def _decided_beside(self, flight: Flight) -> Draft:
        """What arrives until the append ends, decided on top of what that writes. It is not written before that is."""
        draft = self._drafter.begin(flight.draft)
        while not flight.results.done():
            if self._may_take(draft):
                draft = await self._decided(draft, flight.draft)
            else:
                self._arrived.clear()
                await self._arrived.wait()
        return draft

    def _may_take(self, draft: Draft) -> bool:
        """Whoever needs the log's lock is served by itself, as soon as nothing is under way."""
        room = len(draft.pendings) < GROUP_MAX and not self._stopping
        return bool(self._waiting) and room and all(one.mismatches < MISMATCHES_BEFORE_LOCK for one in self._waiting)

    def _launched(self, draft: Draft) -> Flight | None:
        """The append of a draft begins, unless it is empty."""
        return self._writer.launch(draft, self._arrived.set) if draft.pendings else None

    async def _landed(self, flight: Flight, draft: Draft) -> Flight | None:
        """Settle what was appended. What was decided on top of it follows at once, or anew where any of it fell."""
        try:
            results = flight.results.result()
        except Exception as error:
            self._fall(draft)
            self._give_up(flight.draft, error)
            return None
        if all(type(result) is Appended for result in results):
            following = self._launched(draft)
            await self._conclude(flight.draft, results)
            return following
        await self._conclude(flight.draft, results, draft)
        return None

    async def _conclude(self, done: Draft, results: list[MemberResult], fallen: Draft | None = None) -> None:
        """Answer the callers; what has to be decided again comes before all that waits."""
        try:
            settlement = await self._writer.settle(done, results)
        except Exception as error:
            # What memory believes about these streams may be wrong now; the log tells at the next use.
            self._hot.clear()
            for pending in done.pendings:
                self._fault(pending, error)
            settlement = Settlement()
        if fallen is not None:
            self._fall(fallen)
        self._answer_all(settlement)

    def _answer_all(self, settlement: Settlement) -> None:
        self._waiting[:0] = settlement.again
        for pending, outcome in settlement.answers:
            self._answer(pending, outcome)
        for pending, error in settlement.faults:
            self._fault(pending, error)

    def _fall(self, draft: Draft) -> None:
        """What the draft stood on is not as it was believed: nothing of it was written, all of it is decided again."""
        self._settler.withdraw(draft.group)
        self._waiting[:0] = draft.pendings

    def _give_up(self, draft: Draft, error: Exception) -> None:
        """Whatever broke, nothing of the group may stay announced: its tasks would never be offered again."""
        self._settler.withdraw(draft.group)
        self._hot.clear()
        for pending in draft.pendings:
            self._fault(pending, error)

    def _taken(self, most: int) -> list[Pending]:
        taken, self._waiting = self._waiting[:most], self._waiting[most:]
        return taken

    async def _serve_locked(self, pendings: list[Pending]) -> None:
        """Those that lost too often, by themselves."""
        self._waiting = [one for one in self._waiting if one not in pendings]
        draft = Draft(GroupView(self._hot.empty(), self._aggregates, self._log.era), pendings)
        # What one command derives may be more than the lock is held for: the rest comes with later groups.
        draft.group.members_max = LOCKED_GROUP_MAX
        try:
            results = await self._writer.write_locked(draft)
        except (OutcomeUnknown, StoreUnavailable) as error:
            # The same ids go again: the unique receipt tells what became of them.
            for pending in pendings:
                pending.doubted = pending.doubted or isinstance(error, OutcomeUnknown)
            await asyncio.sleep(LOCKED_PAUSE_SECONDS)
            self._answer_all(again_after_doubt(pendings))
        except Exception as error:
            self._give_up(draft, error)
        else:
            await self._conclude(draft, results)

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
