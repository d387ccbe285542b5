"""Which tasks look ready, best first: a hint in memory that spares a claim from reading them all.

Truth is the task's own state, which the claim reads before it takes the task.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from domain.dispatch.ready_buckets import Group, Rank, Requires, Scope, Search, always
from domain.kernel.ids import Instant, ProjectId, StreamId
from domain.kernel.message import Event, Message
from domain.kernel.values import Requirement, ScopeClaim
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
from domain.task.state import Absent, Ready, Settled, TaskState


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


class ReadyRows(Message):
    """A checkpoint of the index."""

    rows: tuple[ReadyRow, ...]


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
    }
)
"""Events that say something about readiness."""


class ReadyIndex:
    """Ready tasks of every project. Held by one runtime and changed in place as events are decided."""

    def __init__(self) -> None:
        self._known: Final[dict[StreamId, _Known]] = {}
        self._ranks: Final[dict[StreamId, Rank]] = {}
        self._groups: Final[dict[ProjectId, dict[str, Group]]] = {}

    def candidates(
        self,
        project: ProjectId,
        matches: Callable[[Requires], bool] = always,
        free: Callable[[Scope], bool] = always,
    ) -> Search:
        """A walk over ready tasks: ``matches`` is asked once per set of requirements, ``free`` once per scope."""
        return Search(self._groups.get(project, {}).values(), matches, free)

    def counts(self) -> dict[ProjectId, int]:
        """Ready tasks of every project that has any."""
        return {project: sum(group.count for group in groups.values()) for project, groups in self._groups.items()}

    def observe(self, project: ProjectId, stream: StreamId, event: Event) -> None:
        """Fold one event; events that say nothing about readiness are ignored."""
        if type(event) not in _TELLING:
            return
        match event:
            case TaskPlanned():
                self._known[stream] = _known(project, event.priority, event.path_length, event.requires, event.scope)
            case TaskReadied():
                self._list(stream, event.at)
            case TaskClaimed() | TaskAttemptEnded() | TaskBackedOff() | TaskParked() | TaskFailed() | TaskHeldBack():
                self._unlist(stream)  # a failed task may begin anew, so what it needs is still known
            case TaskCompleted() | TaskCancelled():
                self._forget(stream)
            case _:
                pass

    def restore(self, stream: StreamId, state: TaskState) -> None:
        """Put the entry as the real state says: to take back what was observed of a decision that fell."""
        self._forget(stream)
        if isinstance(state, Absent) or (isinstance(state.phase, Settled) and state.phase.outcome != "failed"):
            return
        plan = state.plan
        self._known[stream] = _known(
            ProjectId(plan.project), plan.priority, plan.path_length, plan.requires, plan.scope
        )
        if isinstance(state.phase, Ready):
            self._list(stream, state.phase.since)

    def dump(self) -> ReadyRows:
        """Everything as plain rows, for a checkpoint beside the position that it belongs to."""
        return ReadyRows(rows=tuple(self._row(stream, known) for stream, known in self._known.items()))

    @classmethod
    def load(cls, dumped: ReadyRows) -> "ReadyIndex":
        """The index that was dumped."""
        index = cls()
        for row in dumped.rows:
            task, project = StreamId(row.task), ProjectId(row.project)
            index._known[task] = _known(project, row.priority, row.path_length, row.requires, row.scope)
            if row.since is not None:
                index._list(task, Instant(row.since))
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
        )

    def _forget(self, stream: StreamId) -> None:
        self._unlist(stream)
        self._known.pop(stream, None)

    def _list(self, stream: StreamId, since: Instant) -> None:
        known = self._known.get(stream)
        if known is None:
            return
        self._unlist(stream)
        rank = (-known.priority, -known.path_length, since, stream)
        groups = self._groups.setdefault(known.project, {})
        group = groups.get(known.requires_key)
        if group is None:
            group = groups[known.requires_key] = Group(known.requires)
        group.add(known.scope_key, known.scope, rank)
        self._ranks[stream] = rank

    def _unlist(self, stream: StreamId) -> None:
        rank = self._ranks.pop(stream, None)
        if rank is None:
            return
        known = self._known[stream]
        groups = self._groups[known.project]
        group = groups[known.requires_key]
        group.remove(known.scope_key, rank)
        if not group.count:
            del groups[known.requires_key]
            if not groups:
                del self._groups[known.project]


def _known(project: ProjectId, priority: int, path_length: int, requires: Requires, scope: Scope) -> _Known:
    return _Known(
        project=project,
        priority=priority,
        path_length=path_length,
        requires=requires,
        scope=scope,
        requires_key="\n".join(requirement.model_dump_json() for requirement in requires),
        scope_key="\n".join(f"{claim.mode} {claim.claim}" for claim in scope),
    )
