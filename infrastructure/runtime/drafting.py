"""The group at hand: commands are decided into it as they arrive, on what is in memory and under way to the log."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from domain.kernel.decider import AggregateByPrefix, StreamsMissing
from infrastructure.log.port import Log
from infrastructure.runtime.group import Group, GroupDecider, Pending
from infrastructure.runtime.hot import HotStates
from infrastructure.runtime.log_thread import LogThread
from infrastructure.runtime.prefetch import lacking
from infrastructure.runtime.settle import Settler
from infrastructure.runtime.view import GroupView

INLINE_LOADS_MAX: Final = 32


@dataclass(slots=True, eq=False)
class Draft:
    """Commands that were taken, and what was decided of them."""

    view: GroupView
    pendings: list[Pending] = field(default_factory=list[Pending])
    group: Group = field(default_factory=Group)


class Drafter:
    """Decides commands in arrival order; what it lacks it loads."""

    def __init__(
        self,
        log: Log,
        hot: HotStates,
        aggregates: AggregateByPrefix,
        decider: GroupDecider,
        settler: Settler,
        thread: LogThread,
    ) -> None:
        self._log = log
        self._hot = hot
        self._aggregates = aggregates
        self._decider = decider
        self._settler = settler
        self._thread = thread

    def begin(self, under: Draft | None = None) -> Draft:
        """An empty draft on top of the memory, or of the one that is being appended, which may yet fall."""
        self._hot.trim()
        return Draft(GroupView(self._hot, self._aggregates, self._log.era, None if under is None else under.view))

    async def add(self, draft: Draft, pendings: Sequence[Pending]) -> None:
        """Decide the commands, and announce what was decided. Raises StoreUnavailable, OutcomeUnknown."""
        draft.pendings += pendings
        await self._prefetch(pendings)
        for index, pending in enumerate(pendings):
            decided = len(draft.group.decided)
            await self._decide(pending, pendings[index + 1 :], draft)
            self._settler.announce(draft.group.decided[decided:])

    async def load(self, streams: Sequence[str], names: Sequence[tuple[str, str, str]]) -> None:
        """Bring streams forward and look names up. Raises StoreUnavailable, OutcomeUnknown."""
        if not self._log.shared and len(streams) + len(names) <= INLINE_LOADS_MAX:
            # A few look-ups in a local file take less time than the way to a thread and back.
            self._hot.adopt(*self._hot.load(streams, names))
            return
        self._hot.adopt(*await self._thread.run(lambda: self._hot.load(streams, names)))

    async def _decide(self, pending: Pending, later: Sequence[Pending], draft: Draft) -> None:
        while True:
            try:
                return self._decider.decide(pending, draft.view, draft.group)
            except StreamsMissing as missing:
                # Its likes behind it lack the like: ask for all of it in one round trip.
                alike = [one for one in later if type(one.command) is type(pending.command)]
                wanted = [missing, *(self._decider.probe(one, draft.view) for one in alike)]
                await self.load(
                    [stream for one in wanted for stream in one.streams],
                    [name for one in wanted for name in one.keys],
                )

    async def _prefetch(self, pendings: Sequence[Pending]) -> None:
        streams, names = lacking(self._hot, ((one.command, one.stamp, one.mismatches > 0) for one in pendings))
        if streams or names:
            await self.load(streams, names)
