"""Claiming over all projects that a session serves: whose turn it is by fair share, then the best of that project."""

from domain.dispatch.claim import ClaimedTasks
from domain.dispatch.errors import Passed, passed_over
from domain.dispatch.fit import full, room_of, shut
from domain.dispatch.lookup import find_session
from domain.dispatch.pick import Picking, Proposed, picking_of
from domain.dispatch.proposals import Proposals
from domain.dispatch.quota import asked, trying
from domain.dispatch.ready import ReadyIndex
from domain.dispatch.take import Claimed, Taking
from domain.kernel.decider import Decision, View, Write, refuse
from domain.kernel.errors import Rejection
from domain.kernel.ids import ProjectId, StreamId
from domain.kernel.message import Stamp
from domain.project.decider import PROJECT
from domain.project.state import Project
from domain.quota.errors import QuotaBlocked
from domain.quota.state import HalfOpen
from domain.session.state import Session
from domain.task.commands import ClaimWork


def claim_work(
    command: ClaimWork, stamp: Stamp, view: View, ready: ReadyIndex, proposals: Proposals | None = None
) -> Decision:
    """Take as many tasks as are asked for and as there is room for, each from the project whose turn it is."""
    session = find_session(view, command.session, command.incarnation, stamp)
    if isinstance(session, Rejection):
        return refuse(session)
    refusal = full(command.session, session)
    if refusal is not None:
        return refuse(refusal)
    pool = asked(session, stamp.time, view)
    if isinstance(pool, QuotaBlocked):
        return refuse(pool)
    round_ = _Round(command.session, session, stamp, view, ready, proposals)
    # Who tries whether the quota is there tries with one task.
    trial = pool is not None and isinstance(pool.breaker, HalfOpen)
    taken = round_.take(1 if trial else min(command.most, room_of(session)))
    if not taken:
        return refuse(passed_over(round_.walks))
    tries = trying(pool, command.session, ProjectId(taken[0].project), int(taken[0].token), stamp.time)
    return Decision((*round_.writes(), *tries), ClaimedTasks(tasks=taken))


class _Round:
    """Turns among the projects that look as if they had work."""

    def __init__(
        self, name: str, session: Session, stamp: Stamp, view: View, ready: ReadyIndex, proposals: Proposals | None
    ) -> None:
        self._name = name
        self._session = session
        self._stamp = stamp
        self._view = view
        self._ready = ready
        self._proposals = proposals
        self._pickings: dict[ProjectId, Picking | Proposed] = {}
        self._got: dict[ProjectId, int] = {}

    def take(self, most: int) -> tuple[Claimed, ...]:
        """Turn after turn until there is enough, or no project has anything left for the session."""
        open_ = [ProjectId(one) for one in self._session.opened.projects if self._ready.has_ready(ProjectId(one))]
        taken: list[Claimed] = []
        while open_ and len(taken) < most:
            project = self._ready.shares.next_of(open_, self._got)
            claimed = self._next(project)
            if claimed is None:
                open_.remove(project)
            else:
                self._got[project] = self._got.get(project, 0) + 1
                taken.append(claimed)
        return tuple(taken)

    @property
    def walks(self) -> list[Passed]:
        """What was walked over."""
        return [picking.search for picking in self._pickings.values()]

    def writes(self) -> tuple[Write, ...]:
        """Everything that was taken, project by project, then the session."""
        takings = [picking.taking for picking in self._pickings.values() if picking.taking.taken]
        started = tuple(event for taking in takings for event in taking.started())
        return (*(write for taking in takings for write in taking.writes()), Write(StreamId(self._name), started))

    def _next(self, project: ProjectId) -> Claimed | None:
        picking = self._pickings.get(project)
        if picking is None:
            state = self._view.read(PROJECT, StreamId(project))
            if not isinstance(state, Project) or shut(state) is not None:
                return None
            taking = Taking(project, self._name, self._session, self._stamp.time, self._view)
            picking = self._pickings[project] = picking_of(state, taking, self._ready, self._proposals)
        return picking.next()
