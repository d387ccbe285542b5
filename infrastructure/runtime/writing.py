"""Drafts on their way to the log: appended in one call each, and what memory learns from what became of them."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

from domain.kernel.decider import StreamsMissing
from infrastructure.log.port import Appended, Log, Member, MemberResult, OutcomeUnknown, StoreUnavailable
from infrastructure.runtime.drafting import Draft, Drafter
from infrastructure.runtime.group import GroupDecider
from infrastructure.runtime.hot import HotStates
from infrastructure.runtime.log_thread import LogThread
from infrastructure.runtime.settle import Settlement, Settler


@dataclass(frozen=True, slots=True)
class Flight:
    """A draft that is being appended."""

    draft: Draft
    results: asyncio.Task[list[MemberResult]]


class Writer:
    """Used by one committer, one call after another but for ``written``."""

    def __init__(
        self,
        log: Log,
        hot: HotStates,
        decider: GroupDecider,
        settler: Settler,
        drafter: Drafter,
        thread: LogThread,
        *,
        appended: Callable[[int, float], None],
        stopping: Callable[[], bool],
    ) -> None:
        self._log = log
        self._hot = hot
        self._decider = decider
        self._settler = settler
        self._drafter = drafter
        self._thread = thread
        self._appended = appended
        self._stopping = stopping
        self.under_lock = False
        """Whether a group is decided under the log's lock right now, off the event loop."""

    def launch(self, draft: Draft, ended: Callable[[], None]) -> Flight:
        """Begin to append a draft; ``ended`` is called when that is over."""
        flight = Flight(draft, asyncio.get_running_loop().create_task(self._written(draft)))
        flight.results.add_done_callback(lambda _: ended())
        return flight

    async def write_locked(self, draft: Draft) -> list[MemberResult]:
        """Take the log's lock first, then read, decide and append, so that this node does not starve.

        Raises StoreUnavailable, OutcomeUnknown.
        """
        hot = draft.view.hot

        def decide_under_lock() -> list[Member]:
            for pending in draft.pendings:
                while True:
                    try:
                        self._decider.decide(pending, draft.view, draft.group)
                        break
                    except StreamsMissing as missing:
                        hot.adopt(*hot.load(missing.streams, missing.keys))
            return draft.group.members()

        self.under_lock = True
        try:
            results = await self._thread.run(lambda: self._log.append_locked(decide_under_lock, now=self._log.now()))
        finally:
            self.under_lock = False
        self._hot.adopt_all(hot)
        draft.view.hot = self._hot
        self._settler.announce(draft.group.decided)
        return results

    async def settle(self, done: Draft, results: list[MemberResult]) -> Settlement:
        """Apply the results to the memory, and read what moved."""
        settlement = self._settler.settle(done.group, done.view, results)
        if settlement.forward or settlement.forget_names:
            self._hot.forget((), names=settlement.forget_names)
            try:
                await self._drafter.load(tuple(settlement.forward), ())
            except (StoreUnavailable, OutcomeUnknown):
                # What was appended is answered all the same; these streams are read anew at their next use.
                self._settler.restore(settlement.forward)
                self._hot.forget(settlement.forward)
                return settlement
            self._settler.restore(settlement.forward)
        return settlement

    async def _written(self, draft: Draft) -> list[MemberResult]:
        group = draft.group
        if not self._log.shared and group.only_asks:
            # Nobody else writes this log: what was asked of memory is true, and there is nothing to keep.
            return [Appended(self._log.head(), self._log.now())] * len(group.decided)
        began = time.perf_counter()
        results = await self._thread.append(group.members(), stopping=self._stopping)
        self._appended(len(results), time.perf_counter() - began)
        return results
