"""The safety net beneath the policies: finds derived commands that have no receipt and sends them."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Final, NamedTuple

import structlog

from domain.kernel.decider import AggregateByPrefix, Recorded, StreamsMissing
from domain.kernel.errors import Unreplayable
from domain.kernel.ids import Instant
from domain.kernel.message import Command, Event, Stamp
from domain.kernel.policy import Cause, Policy, derived_stamp
from infrastructure.log.port import Log, LogRow, StoredSnapshot
from infrastructure.runtime.answered import AnsweredStretches
from infrastructure.runtime.group import by_event
from infrastructure.runtime.hot import HotStates
from infrastructure.runtime.outcome import Outcome
from infrastructure.runtime.view import GroupView

PAGE_EVENTS: Final = 2_000
KEEP_EVERY_EVENTS: Final = 10_000
CHECKPOINT_STREAM: Final = "reactor_00000000000000000000000000"
CHECKPOINT_KIND: Final = "position"

_logger = structlog.get_logger("signalbox.reactor")
Wanted = tuple[Command, Stamp]


class _Asked(NamedTuple):
    """A policy with an event that it answers."""

    policy: Policy
    cause: Cause
    correlation_id: str


class Reactor:
    """Follows the log behind the committer. Almost always everything has its receipt already and nothing is sent.

    It finds what a group left out: policies deeper than the rounds of a group, and policies that are new.
    """

    def __init__(
        self,
        log: Log,
        aggregates: AggregateByPrefix,
        policies: Sequence[Policy],
        decode: Callable[[LogRow], Recorded],
        hot: HotStates,
        answered: AnsweredStretches | None = None,
    ) -> None:
        """``hot`` is only read: what the committer remembers need not be folded from its first event once more.

        What this node is known to have ``answered`` whole is passed without being read.
        """
        self._log = log
        self._aggregates = aggregates
        self._hot = hot
        self._answered = answered or AnsweredStretches()
        self._policies = by_event(policies)
        self._names = frozenset(kind.TYPE for kind in self._policies)
        self._decode = decode
        self._position: int | None = None
        self._seen = 0
        self._kept = 0

    async def sweep(
        self,
        execute: Callable[[Command, Stamp], Awaitable[Outcome]],
        in_thread: Callable[[Callable[[], tuple[Wanted, ...]]], Awaitable[tuple[Wanted, ...]]],
        now: Instant,
    ) -> int:
        """Look at one page; answers how many commands were sent."""
        wanted = await in_thread(lambda: self.look(now))
        for command, stamp in wanted:
            _logger.info("a derived command had no receipt", command=command.NAME, cause=stamp.causation_id)
            try:
                await execute(command, stamp)
            except Unreplayable as error:
                # A fault of ours that another attempt would meet again; what lies behind it must not wait for it.
                _logger.exception("a derived command is passed over", command=command.NAME, error=repr(error))
        # Only now: what could not be sent because the store was away is found again by the next sweep.
        self._position = self._seen
        return len(wanted)

    def look(self, now: Instant) -> tuple[Wanted, ...]:
        """The derived commands of the next page that have no receipt; blocking."""
        if self._position is None:
            self._position = self._seen = self._kept = self._resume()
        self._position = self._seen = self._answered.beyond(self._position)
        self._keep()
        page = self._log.page(after=self._position, limit=PAGE_EVENTS)
        if not page:
            return ()
        wanted = {stamp.command_id: (command, stamp) for command, stamp in self._derived(page, now)}
        present: set[str] = self._log.receipts_present(list(wanted)) if wanted else set()
        self._seen = page[-1].position
        return tuple(one for command_id, one in wanted.items() if command_id not in present)

    def _derived(self, page: Sequence[LogRow], now: Instant) -> list[Wanted]:
        """What the policies answer to a page, in its order. What all of them lack is read at once."""
        view = GroupView(self._hot.empty(), self._aggregates, self._log.era)
        asked = [one for row in page if row.type in self._names for one in self._asked(row)]
        answers: list[Sequence[Wanted]] = [()] * len(asked)
        open_ones = list(range(len(asked)))
        while open_ones:
            lacking: dict[int, StreamsMissing] = {}
            for number in open_ones:
                try:
                    answers[number] = self._reacted(asked[number], view, now)
                except StreamsMissing as missing:
                    lacking[number] = missing
            open_ones = list(lacking)
            self._bring(view.hot, lacking.values())
        return [wanted for answer in answers for wanted in answer]

    def _bring(self, own: HotStates, lacking: Iterable[StreamsMissing]) -> None:
        streams = list(dict.fromkeys(stream for one in lacking for stream in one.streams))
        names = list(dict.fromkeys(name for one in lacking for name in one.keys))
        if streams or names:
            # The committer's memory may be a moment behind the page, or behind other nodes: newer events are read.
            own.borrow(self._hot, streams)
            own.adopt(*own.load(streams, names))

    def _asked(self, row: LogRow) -> list[_Asked]:
        try:
            recorded = self._decode(row)
        except Exception as error:
            _logger.exception("an event cannot be read", position=row.position, type=row.type, error=repr(error))
            return []
        cause = Cause(recorded.stream, recorded.version, recorded.event, recorded.project)
        kind: type[Event] = type(recorded.event)
        return [_Asked(policy, cause, recorded.correlation_id) for policy in self._policies.get(kind, ())]

    def _reacted(self, asked: _Asked, view: GroupView, now: Instant) -> Sequence[Wanted]:
        policy, cause, correlation_id = asked
        try:
            return [
                (derived.command, derived_stamp(policy.name, cause, derived, now, correlation_id))
                for derived in policy.react(cause, view)
            ]
        except StreamsMissing:
            raise
        except Exception as error:
            # A fault of ours that another look would meet again; what lies behind it must not wait for it.
            place = f"{cause.stream}@{cause.version}"
            _logger.exception("a policy is passed over", policy=policy.name, cause=place, error=repr(error))
            return ()

    def _resume(self) -> int:
        kept = self._log.snapshots([CHECKPOINT_STREAM]).get(CHECKPOINT_STREAM)
        return kept.version if kept is not None and kept.kind == CHECKPOINT_KIND else 0

    def _is_asked_for(self, position: int) -> bool:
        """Whether events behind what is kept are to be pruned: whoever goes on from there would look for them."""
        return position > self._kept and any(self._kept < one.last <= position for one in self._log.archives())

    def _keep(self) -> None:
        position = self._position or 0
        if position - self._kept >= KEEP_EVERY_EVENTS or self._is_asked_for(position):
            self._log.keep_snapshots([StoredSnapshot(CHECKPOINT_STREAM, position, CHECKPOINT_KIND, b"{}")])
            self._kept = position
