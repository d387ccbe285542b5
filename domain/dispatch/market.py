"""A market: sessions that want work and ready tasks of one project, and how well each pair fits."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from domain.dispatch.affinity import affinity
from domain.dispatch.ageing import effective_priority
from domain.dispatch.choose import merit
from domain.dispatch.fit import full, misfit, shut
from domain.dispatch.matching import ROWS_MAX
from domain.dispatch.quota import asked
from domain.dispatch.ready import ReadyIndex
from domain.dispatch.take import Taking
from domain.kernel.decider import View
from domain.kernel.ids import SECOND, Instant, ProjectId, StreamId, is_type_id
from domain.project.decider import PROJECT
from domain.project.settings import ProjectSettings
from domain.project.state import Project
from domain.quota.errors import QuotaBlocked
from domain.session.decider import SESSION, is_live
from domain.session.state import Session
from domain.task.decider import TASK
from domain.task.state import Ready, Task
from domain.task.terms import Bid

SEEKERS_MAX: Final = ROWS_MAX
"""Sessions that one market looks at, in the order in which they came."""
RESERVED_BONUS: Final = 1_000
"""Points of priority of a task that holds its locks already: nobody else can have them meanwhile."""
WALKED_MAX: Final = 256
"""Ready tasks that one session is judged against."""


class Seeker(NamedTuple):
    """A life of a session that wants work."""

    session: str
    incarnation: int


class OpenTask(NamedTuple):
    """A ready task that somebody of the market could have."""

    task: StreamId
    priority: int
    """With what waiting added."""
    path_length: int
    since: Instant


class Fit(NamedTuple):
    """How well a session fits a task that it could have now."""

    merit: int
    affinity: int
    bid: Bid | None


class Passed(NamedTuple):
    """What a session's walk over the ready tasks met."""

    ready: int = 0
    unmatched: int = 0
    locked: int = 0


@dataclass(frozen=True, slots=True)
class Market:
    """Who could have what. Every seeker is looked at against as many tasks as there are seekers, the best first, so
    that whoever can be served beside all the others is served."""

    seekers: tuple[Seeker, ...]
    """Live sessions with room, in the order in which they came."""
    tasks: tuple[OpenTask, ...]
    """The first to be served first."""
    fits: Mapping[Seeker, Mapping[StreamId, Fit]]
    passed: Mapping[Seeker, Passed]
    early: bool = False
    """Whether further tasks are ready whose auction is not over yet."""


def gather(
    project: ProjectId, names: Iterable[str], ready: ReadyIndex, now: Instant, view: View, *, auctioned: bool = False
) -> Market:
    """The market of the sessions with these names, as their claims would be judged now.

    ``auctioned`` leaves out tasks that have not been ready for as long as the window of the project.
    """
    state = view.read(PROJECT, StreamId(project))
    if not isinstance(state, Project) or shut(state) is not None:
        return Market((), (), {}, {})
    before = closed_before(state.settings, now) if auctioned else now
    sessions = _able(project, names, now, view)
    tasks: dict[StreamId, OpenTask] = {}
    fits: dict[Seeker, dict[StreamId, Fit]] = {}
    passed: dict[Seeker, Passed] = {}
    early = False
    for seeker, session in sessions.items():
        outlook = _Outlook(seeker, session, project, ready, now, view, auctioned=auctioned)
        found = outlook.look(len(sessions), before)
        fits[seeker], passed[seeker] = {one.task: fit for one, fit in found}, outlook.passed
        tasks.update({one.task: one for one, _ in found})
        early = early or outlook.early
    ranked = sorted(tasks.values(), key=lambda one: (-one.priority, -one.path_length, one.since, one.task))
    return Market(tuple(sessions), tuple(ranked), fits, passed, early)


def closed_before(settings: ProjectSettings, now: Instant) -> Instant:
    """Tasks that are ready since then or earlier have been offered for a whole window."""
    return Instant(now - settings.window_milliseconds * SECOND // 1_000)


def _able(project: ProjectId, names: Iterable[str], now: Instant, view: View) -> dict[Seeker, Session]:
    found: dict[Seeker, Session] = {}
    for name in names:
        state = view.read(SESSION, StreamId(name)) if is_type_id(name, "sess") else None
        if not isinstance(state, Session) or not is_live(state) or project not in state.opened.projects:
            continue
        if full(name, state) is None and not isinstance(asked(state, now, view), QuotaBlocked):
            found[Seeker(name, state.opened.incarnation)] = state
        if len(found) == SEEKERS_MAX:
            break
    return found


class _Outlook:
    """One session's walk over what is ready."""

    def __init__(
        self,
        seeker: Seeker,
        session: Session,
        project: ProjectId,
        ready: ReadyIndex,
        now: Instant,
        view: View,
        *,
        auctioned: bool,
    ) -> None:
        self._seeker = seeker
        self._auctioned = auctioned
        self._session = session
        self._now = now
        self._view = view
        self._known = ready.footprints.of(seeker.session)
        self._areas = ready.areas
        self._taking = Taking(project, seeker.session, session, now, view)
        self._search = ready.candidates(
            project, self._taking.matches, self._taking.free, now, seeker.session, self._taking.merit
        )
        self.early = False

    @property
    def passed(self) -> Passed:
        return Passed(self._search.ready, self._search.unmatched, self._search.locked)

    def look(self, most: int, before: Instant) -> list[tuple[OpenTask, Fit]]:
        """So many tasks, beside those with reserved locks and those that it bids for."""
        found: list[tuple[OpenTask, Fit]] = []
        for stream in self._taking.reserved():
            found += self._judge(stream, RESERVED_BONUS, before)
        wanted = 0
        for stream in self._search:
            if self._search.seen > WALKED_MAX or (wanted >= most and not self._auctioned):
                break
            judged = self._judge(stream, 0, before)
            # What it bids for counts wherever it ranks.
            if wanted < most or any(fit.bid is not None for _, fit in judged):
                found += judged
            wanted += len(judged)
        return found

    def _judge(self, stream: StreamId, bonus: int, before: Instant) -> list[tuple[OpenTask, Fit]]:
        task = self._view.read(TASK, stream)
        if not isinstance(task, Task) or not isinstance(task.phase, Ready):
            return []
        if misfit(self._seeker.session, self._session, task, self._now) is not None:
            return []
        if not self._taking.affordable(task):
            return []
        since = task.phase.since
        if since > before and not bonus:
            self.early = True
            return []
        bid = task.bids.get(self._seeker.session)
        own = bid if bid is not None and bid.incarnation == self._seeker.incarnation else None
        known = affinity(self._areas(stream), self._known)
        suits = merit(task.plan.requires, self._session.opened.capabilities)
        priority = effective_priority(task.plan.priority, since, self._now) + bonus
        return [(OpenTask(stream, priority, task.plan.path_length, since), Fit(suits, known, own))]
