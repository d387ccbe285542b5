"""Picking: the best tasks of one project for one session, one after the other."""

from typing import Final

from domain.dispatch.ageing import effective_priority
from domain.dispatch.ready import ReadyIndex
from domain.dispatch.take import Claimed, Taking
from domain.kernel.errors import Rejection
from domain.kernel.ids import Instant, StreamId
from domain.task.decider import TASK
from domain.task.state import Ready, Task
from domain.task.terms import Choice

STALE_MAX: Final = 256
"""Candidates that one claim may find taken or refused, after which it gives up until it is asked again."""


class Picking:
    """The index proposes, the task's own state disposes."""

    def __init__(self, taking: Taking, ready: ReadyIndex, now: Instant) -> None:
        self.taking: Final = taking
        self.search: Final = ready.candidates(
            taking.project, taking.matches, taking.free, now, taking.session, taking.merit
        )
        self._refused = 0
        self._walk = iter(self.search)
        self._reserved = list(reversed(taking.reserved()))

    def next(self) -> Claimed | None:
        """The next task, taken; None where there is no further one. Tasks that have their locks reserved come first."""
        while self._reserved:
            taken = self._take(self._reserved.pop(), reserved=True)
            if taken is not None:
                return taken
        for stream in self._walk:
            taken = self._take(stream)
            if taken is not None:
                self.search.retest()
                return taken
            self._refused += 1
            if self._refused == STALE_MAX:
                break
        return None

    def _take(self, stream: StreamId, *, reserved: bool = False) -> Claimed | None:
        task = self.taking.view.read(TASK, stream)
        if not isinstance(task, Task) or not isinstance(task.phase, Ready):
            return None
        choice = self._reserved_choice(task, task.phase) if reserved else self._choice()
        taken = self.taking.take(stream, task, "reservation" if reserved else "priority", choice)
        return None if isinstance(taken, Rejection) else taken

    def _reserved_choice(self, task: Task, phase: Ready) -> Choice:
        return Choice(
            effective_priority=effective_priority(task.plan.priority, phase.since, self.taking.now),
            path_length=task.plan.path_length,
            affinity=0,
            ready=self.search.ready,
            unmatched=self.search.unmatched,
            locked=0,
            merit=self.taking.merit(task.plan.requires),
        )

    def _choice(self) -> Choice:
        search = self.search
        return Choice(
            effective_priority=-search.rank[0],
            path_length=-search.rank[1],
            affinity=search.affinity,
            merit=search.merit,
            ready=search.ready,
            unmatched=search.unmatched,
            locked=search.locked,
        )
