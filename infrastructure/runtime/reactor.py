"""The safety net beneath the policies: finds derived commands that have no receipt and sends them."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import structlog

from domain.kernel.decider import AggregateByPrefix, Recorded, StreamsMissing
from domain.kernel.errors import Unreplayable
from domain.kernel.ids import Instant
from domain.kernel.message import Command, Event, Stamp
from domain.kernel.policy import Cause, Derived, Policy, derived_stamp
from domain.kernel.registry import Registry
from infrastructure.log.port import Log, LogRow, OutcomeUnknown, StoredSnapshot, StoreUnavailable
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


class Reactor:
    """Follows the log behind the committer. Almost always everything has its receipt already and nothing is sent.

    It finds what a group left out: policies deeper than the rounds of a group, and policies that are new.
    """

    def __init__(
        self,
        log: Log,
        aggregates: AggregateByPrefix,
        registry: Registry,
        policies: Sequence[Policy],
        decode: Callable[[LogRow], Recorded],
    ) -> None:
        self._log = log
        self._aggregates = aggregates
        self._registry = registry
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
        self._keep()
        page = self._log.page(after=self._position, limit=PAGE_EVENTS)
        if not page:
            return ()
        view = GroupView(HotStates(self._log, self._aggregates, self._registry), self._aggregates, self._log.era)
        wanted: dict[str, Wanted] = {}
        for row in page:
            if row.type in self._names:
                for command, stamp in self._derived(row, view, now):
                    wanted[stamp.command_id] = (command, stamp)
        present: set[str] = self._log.receipts_present(list(wanted)) if wanted else set()
        self._seen = page[-1].position
        return tuple(one for command_id, one in wanted.items() if command_id not in present)

    def _derived(self, row: LogRow, view: GroupView, now: Instant) -> list[Wanted]:
        try:
            recorded = self._decode(row)
        except Exception as error:
            _logger.exception("an event cannot be read", position=row.position, type=row.type, error=repr(error))
            return []
        cause = Cause(recorded.stream, recorded.version, recorded.event, recorded.project)
        kind: type[Event] = type(recorded.event)
        return [
            (derived.command, derived_stamp(policy.name, cause, derived, now, recorded.correlation_id))
            for policy in self._policies.get(kind, ())
            for derived in self._reacted(policy, cause, view)
        ]

    def _reacted(self, policy: Policy, cause: Cause, view: GroupView) -> Sequence[Derived]:
        try:
            return self._react(policy, cause, view)
        except (StoreUnavailable, OutcomeUnknown):
            raise
        except Exception as error:
            # A fault of ours that another look would meet again; what lies behind it must not wait for it.
            place = f"{cause.stream}@{cause.version}"
            _logger.exception("a policy is passed over", policy=policy.name, cause=place, error=repr(error))
            return ()

    def _react(self, policy: Policy, cause: Cause, view: GroupView) -> Sequence[Derived]:
        while True:
            try:
                return policy.react(cause, view)
            except StreamsMissing as missing:
                view.hot.adopt(*view.hot.load(missing.streams, missing.keys))

    def _resume(self) -> int:
        kept = self._log.snapshots([CHECKPOINT_STREAM]).get(CHECKPOINT_STREAM)
        return kept.version if kept is not None and kept.kind == CHECKPOINT_KIND else 0

    def _keep(self) -> None:
        position = self._position or 0
        if position - self._kept >= KEEP_EVERY_EVENTS:
            self._log.keep_snapshots([StoredSnapshot(CHECKPOINT_STREAM, position, CHECKPOINT_KIND, b"{}")])
            self._kept = position
