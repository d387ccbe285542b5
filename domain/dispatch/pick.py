"""Picking: the best tasks of one project for one session, one after the other."""

from collections.abc import Iterator
from typing import Final, NamedTuple

from domain.dispatch.affinity import WINDOW_MAX, affinity
from domain.dispatch.ready import ReadyIndex
from domain.dispatch.ready_buckets import Rank
from domain.dispatch.take import Claimed, Taking
from domain.kernel.errors import Rejection
from domain.kernel.ids import Instant, StreamId
from domain.task.decider import TASK
from domain.task.state import Ready, Task
from domain.task.terms import Choice

STALE_MAX: Final = 256
"""Candidates that one claim may find taken or refused, after which it gives up until it is asked again."""


class Candidate(NamedTuple):
    """A task that looks ready and free, with what ranks it."""

    stream: StreamId
    rank: Rank
    affinity: int


class Picking:
    """The index proposes, the task's own state disposes."""

    def __init__(self, taking: Taking, ready: ReadyIndex, now: Instant) -> None:
        self.taking: Final = taking
        self.search: Final = ready.candidates(taking.project, taking.matches, taking.free, now)
        self._ready = ready
        self._refused = 0
        self._walk = self._candidates()

    def next(self) -> Claimed | None:
        """The next task, taken; None where there is no further one."""
        for candidate in self._walk:
            taken = self._take(candidate)
            if taken is not None:
                self.search.retest()
                return taken
            self._refused += 1
            if self._refused == STALE_MAX:
                break
        return None

    def _take(self, candidate: Candidate) -> Claimed | None:
        task = self.taking.view.read(TASK, candidate.stream)
        if not isinstance(task, Task) or not isinstance(task.phase, Ready):
            return None
        taken = self.taking.take(candidate.stream, task, "priority", self._choice(candidate))
        return None if isinstance(taken, Rejection) else taken

    def _choice(self, candidate: Candidate) -> Choice:
        search = self.search
        return Choice(
            effective_priority=-candidate.rank[0],
            path_length=-candidate.rank[1],
            affinity=candidate.affinity,
            ready=search.ready,
            unmatched=search.unmatched,
            locked=search.locked,
        )

    def _candidates(self) -> Iterator[Candidate]:
        """In order of rank; of those of one priority and path the ones where the session has worked come first."""
        known = self._ready.footprints.of(self.taking.session)
        if not known:
            yield from (Candidate(stream, self.search.rank, 0) for stream in self.search)
            return
        foreign: list[Candidate] = []
        for stream in self.search:
            rank = self.search.rank
            if foreign and (rank[:2] != foreign[0].rank[:2] or len(foreign) == WINDOW_MAX):
                yield from foreign
                foreign = []
            candidate = Candidate(stream, rank, affinity(self._ready.areas(stream), known))
            if candidate.affinity:
                yield candidate
            else:
                foreign.append(candidate)
        yield from foreign
