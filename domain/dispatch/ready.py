"""Which tasks look ready, best first: a hint in memory that spares a claim from reading them all.

Truth is the task's own state, which the claim reads before it takes the task.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from domain.dispatch.affinity import FootprintRow, Footprints, areas_of
from domain.dispatch.ageing import step_of
from domain.dispatch.fair_share import ShareRow, Shares
from domain.dispatch.ready_buckets import START, Group, Place, Rank, Requires, Scope, Search, always, nothing
from domain.dispatch.rising import Rising
from domain.kernel.ids import Instant, ProjectId, StreamId
from domain.kernel.message import Event, Message
from domain.kernel.values import Requirement, ScopeClaim
from domain.project.events import ProjectSet
from domain.session.events import SessionEnded, SessionLost
from domain.task.events import (
    TaskAttemptEnded,
    TaskBackedOff,
    TaskCancelled,
    TaskClaimed,
    TaskCompleted,
    TaskFailed,
    TaskHeldBack,
    TaskParked,
    TaskPlanned,
    TaskReadied,
)
from domain.task.state import Absent, Assigned, Ready, Running, Settled, TaskState

GroupKey = tuple[str, bool]
"""Requirements, and whether waiting longer makes no difference any more."""
RIPENED_MAX: Final = 256
"""Tasks that one walk moves because they have risen as far as they may."""


class ReadyRow(Message):
    """An unsettled task in a checkpoint."""

    project: str
    task: str
    priority: int
    path_length: int
    requires: tuple[Requirement, ...]
    scope: tuple[ScopeClaim, ...]
    since: int | None
    """Since when it is ready; None while it is not."""
    parent: str = ""
    held: bool = False
    """Whether a session works on it."""


class ReadyRows(Message):
    """A checkpoint of the index."""

    rows: tuple[ReadyRow, ...]
    shares: tuple[ShareRow, ...] = ()
    footprints: tuple[FootprintRow, ...] = ()


@dataclass(frozen=True, slots=True)
class _Known:
    """What ranks and sorts a task that may become ready."""

    project: ProjectId
    priority: int
    path_length: int
    requires: Requires
    scope: Scope
    requires_key: str
    scope_key: str
    parent: str
    areas: tuple[str, ...]


_TELLING: Final[frozenset[type[Event]]] = frozenset(
    {
        TaskPlanned,
        TaskReadied,
        TaskClaimed,
        TaskAttemptEnded,
        TaskBackedOff,
        TaskParked,
        TaskFailed,
        TaskHeldBack,
        TaskCompleted,
        TaskCancelled,
        ProjectSet,
        SessionLost,
        SessionEnded,
    }
)
"""Events that say something about readiness, shares or footprints."""


class ReadyIndex:
    """Ready tasks of every project. Held by one runtime and changed in place as events are decided."""

    def __init__(self) -> None:
        self.shares: Final = Shares()
        self.footprints = Footprints()
        self._known: Final[dict[StreamId, _Known]] = {}
        self._ranks: Final[dict[StreamId, Rank]] = {}
        self._groups: Final[dict[ProjectId, dict[GroupKey, Group]]] = {}
        self._places: Final[dict[ProjectId, Place]] = {}
        self._rising: Final = Rising()
        self._mature: Final[set[StreamId]] = set()

    def candidates(
        self,
        project: ProjectId,
        matches: Callable[[Requires], bool] = always,
        free: Callable[[Scope], bool] = always,
        now: Instant = START,
        session: str = "",
        merit: Callable[[Requires], int] = nothing,
    ) -> Search:
        """A walk over ready tasks: ``matches`` and ``merit`` are asked per set of requirements, ``free`` per scope."""
        self._ripen(now)
        known = self.footprints.of(session)
        return Search(self.groups(project), matches, free, now, self._places.get(project), known, merit)

    def groups(self, project: ProjectId) -> Iterable[Group]:
        """The ready tasks of the project as they are kept."""
        return self._groups.get(project, {}).values()

    def areas(self, task: StreamId) -> tuple[str, ...]:
        """Where a task that is known lies."""
        known = self._known.get(task)
        return () if known is None else known.areas

    def has_ready(self, project: ProjectId) -> bool:
        """Whether any task of the project looks ready."""
        return project in self._groups

    def counts(self) -> dict[ProjectId, int]:
        """Ready tasks of every project that has any."""
        return {project: sum(group.count for group in groups.values()) for project, groups in self._groups.items()}

    def observe(self, project: ProjectId, stream: StreamId, event: Event) -> None:
        """Fold one event; events that say nothing about readiness are ignored."""
        if type(event) not in _TELLING:
            return
        match event:
            case TaskPlanned():
                self._known[stream] = _known_of(event)
            case TaskReadied():
                self._list(stream, event.at)
            case TaskClaimed():
                self._unlist(stream)
                self.shares.begin(project, stream)
                self.footprints.note(event.session, self.areas(stream))
            case TaskAttemptEnded():
                self._unlist(stream)
                self.shares.end(stream)
            case TaskBackedOff() | TaskParked() | TaskFailed() | TaskHeldBack():
                self._unlist(stream)  # a failed task may begin anew, so what it needs is still known
            case TaskCompleted() | TaskCancelled():
                self._forget(stream)
                self.shares.end(stream)
            case ProjectSet():
                self.shares.weigh(project, event.settings.weight)
            case SessionLost() | SessionEnded():
                self.footprints.forget(stream)
            case _:
                pass

    def restore(self, stream: StreamId, state: TaskState) -> None:
        """Put the entry as the real state says: to take back what was observed of a decision that fell."""
        self._restore_share(stream, state)
        self._forget(stream)
        if isinstance(state, Absent) or (isinstance(state.phase, Settled) and state.phase.outcome != "failed"):
            return
        self._known[stream] = _known_of(state.plan)
        if isinstance(state.phase, Ready):
            self._list(stream, state.phase.since)

    def _restore_share(self, stream: StreamId, state: TaskState) -> None:
        held = not isinstance(state, Absent) and isinstance(state.phase, Assigned | Running)
        if held and not self.shares.holds(stream) and not isinstance(state, Absent):
            self.shares.hold(ProjectId(state.plan.project), stream)
        elif not held:
            self.shares.take_back(stream)

    def dump(self) -> ReadyRows:
        """Everything as plain rows, for a checkpoint beside the position that it belongs to."""
        rows = tuple(self._row(stream, known) for stream, known in self._known.items())
        return ReadyRows(rows=rows, shares=self.shares.dump(), footprints=self.footprints.dump())

    @classmethod
    def load(cls, dumped: ReadyRows) -> "ReadyIndex":
        """The index that was dumped."""
        index = cls()
        for row in dumped.rows:
            task, project = StreamId(row.task), ProjectId(row.project)
            index._known[task] = _known(project, row.priority, row.path_length, row.requires, row.scope, row.parent)
            if row.since is not None:
                index._list(task, Instant(row.since))
            if row.held:
                index.shares.hold(project, task)
        index.shares.load(dumped.shares)
        index.footprints = Footprints.load(dumped.footprints)
        return index

    def _row(self, stream: StreamId, known: _Known) -> ReadyRow:
        rank = self._ranks.get(stream)
        return ReadyRow(
            project=known.project,
            task=stream,
            priority=known.priority,
            path_length=known.path_length,
            requires=known.requires,
            scope=known.scope,
            since=None if rank is None else rank[2],
            parent=known.parent,
            held=self.shares.holds(stream),
        )

    def _forget(self, stream: StreamId) -> None:
        self._unlist(stream)
        self._known.pop(stream, None)

    def _list(self, stream: StreamId, since: Instant) -> None:
        known = self._known.get(stream)
        if known is None:
            return
        self._unlist(stream)
        if known.project not in self._groups:
            self.shares.awake(known.project, self._groups)
        self._place_rank(stream, known, since, step_of(since) - known.priority)
        self._rising.add(stream, since, self._ranks)

    def _place_rank(self, stream: StreamId, known: _Known, since: Instant, urgency: int) -> None:
        rank = (urgency, -known.path_length, since, stream)
        groups = self._groups.setdefault(known.project, {})
        key = (known.requires_key, stream in self._mature)
        group = groups.get(key)
        if group is None:
            wishes = any(one.weight is not None for one in known.requires)
            group = groups[key] = Group(known.requires, *key, wishes)
            self._places.setdefault(known.project, Place())
        group.add(known.scope_key, known.scope, rank, known.areas)
        self._ranks[stream] = rank

    def _ripen(self, now: Instant) -> None:
        """Move tasks that rise no further, a bounded number a time: until then they rise a little too far."""
        for _ in range(RIPENED_MAX):
            risen = self._rising.pop_mature(now)
            if risen is None:
                return
            since, stream = risen
            rank = self._ranks.get(stream)
            if rank is None or rank[2] != since or stream in self._mature:
                continue
            known = self._known[stream]
            self._unlist(stream)
            self._mature.add(stream)
            self._place_rank(stream, known, Instant(since), -known.priority)

    def _unlist(self, stream: StreamId) -> None:
        rank = self._ranks.pop(stream, None)
        if rank is None:
            return
        known = self._known[stream]
        groups = self._groups[known.project]
        key = (known.requires_key, stream in self._mature)
        self._mature.discard(stream)
        group = groups[key]
        group.remove(known.scope_key, rank)
        if not group.count:
            del groups[key]
            if not groups:
                del self._groups[known.project]
                self._places.pop(known.project, None)


def _known_of(plan: TaskPlanned) -> _Known:
    project = ProjectId(plan.project)
    return _known(project, plan.priority, plan.path_length, plan.requires, plan.scope, plan.parent)


def _known(
    project: ProjectId, priority: int, path_length: int, requires: Requires, scope: Scope, parent: str
) -> _Known:
    return _Known(
        project=project,
        priority=priority,
        path_length=path_length,
        requires=requires,
        scope=scope,
        requires_key="\n".join(requirement.model_dump_json() for requirement in requires),
        scope_key="\n".join((parent, *(f"{claim.mode} {claim.claim}" for claim in scope))),
        parent=parent,
        areas=areas_of(scope, parent),
    )
