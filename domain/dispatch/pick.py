"""Picking: the best tasks of one project for one session, one after the other."""

from dataclasses import dataclass
from typing import Final

from domain.dispatch.ageing import effective_priority
from domain.dispatch.proposals import Proposals
from domain.dispatch.ready import ReadyIndex
from domain.dispatch.strategies import Match
from domain.dispatch.take import Claimed, Taking
from domain.kernel.errors import Rejection
from domain.kernel.ids import StreamId
from domain.project.state import Project
from domain.task.decider import TASK
from domain.task.state import Ready, Task
from domain.task.terms import Choice

STALE_MAX: Final = 256
"""Candidates that one claim may find taken or refused, after which it gives up until it is asked again."""


class Picking:
    """The index proposes, the task's own state disposes."""

    def __init__(self, taking: Taking, ready: ReadyIndex) -> None:
        self.taking: Final = taking
        self.search: Final = ready.candidates(
            taking.project, taking.matches, taking.free, taking.now, taking.session, taking.merit
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


class Proposed:
    """What a window proposed to the session, and nothing else: the state of the task disposes of that, too."""

    def __init__(self, taking: Taking, match: Match | None, ready: int) -> None:
        self.taking: Final = taking
        self.search: Final = Counted(ready)
        self._match = match

    def next(self) -> Claimed | None:
        """The proposed task, once."""
        match, self._match = self._match, None
        task = None if match is None else self.taking.view.read(TASK, match.task)
        if match is None or not isinstance(task, Task) or not isinstance(task.phase, Ready):
            return None
        if task.phase.since != match.since:
            # Somebody had it meanwhile and gave it back: what was bid for it then counts no more.
            return None
        taken = self.taking.take(match.task, task, match.strategy, match.choice)
        return None if isinstance(taken, Rejection) else taken


@dataclass(slots=True)
class Counted:
    """A walk that passed over nothing, since the window walks."""

    ready: int
    unmatched: int = 0
    locked: int = 0
    unseen: int = 0


def picking_of(
    project: Project, taking: Taking, ready: ReadyIndex, proposals: Proposals | None
) -> "Picking | Proposed":
    """The session's pick where work is given to whoever asks, else what a window proposed to it."""
    if project.settings.strategy == "priority" or proposals is None:
        return Picking(taking, ready)
    match = proposals.of(taking.project, taking.session, taking.incarnation)
    return Proposed(taking, match, sum(group.count for group in ready.groups(taking.project)))
