"""How events become rows, one for each thing and reason."""

from typing import Any, Final, assert_never, cast, get_args

from domain.kernel.decider import Recorded
from domain.kernel.erasure_events import SubjectErased
from domain.kernel.ids import FLEET
from domain.kernel.sealing import ERASED
from domain.lock.events import (
    LocksBroken,
    LocksQuarantined,
    LocksReleased,
    PoolMemberQuarantined,
    PoolMemberReturned,
    PoolSet,
)
from domain.project.events import ProjectBudgetNoticed, ProjectFrozen, ProjectSet, ProjectUnfrozen
from domain.quota.events import QuotaClosed, QuotaOpened, QuotaSessionJoined
from domain.task.events import TaskAttentionCleared, TaskAttentionRaised
from projections.attention.of_pools import pool_row
from projections.attention.of_runs import GateTurn, RunEvent, Seen, more_urgent, raised_by, run_keys, seen_keys
from projections.attention.of_sessions import SessionEvent, session_row
from projections.attention.rows import AttentionRow, AttentionTopic, Subject
from projections.kernel.projection import Projection, worded
from projections.kernel.rows import json_text, texts

_Task = TaskAttentionRaised | TaskAttentionCleared | SubjectErased
_Lock = LocksQuarantined | LocksReleased | LocksBroken
_Pool = PoolSet | PoolMemberQuarantined | PoolMemberReturned
_Quota = QuotaSessionJoined | QuotaOpened | QuotaClosed
_Project = ProjectFrozen | ProjectUnfrozen | ProjectBudgetNoticed | ProjectSet
_Others = _Task | RunEvent | GateTurn | Seen | _Lock | _Pool | _Quota | _Project
AttentionEvent = _Others | SessionEvent
"""Most releases end locks that were never in quarantine: their rows are looked for and are not there."""
_OF_SESSIONS: Final = frozenset[type](get_args(SessionEvent))
"""They come with each attempt, and to ask class by class what else they might be takes longer than all the rest."""


def keys(recorded: Recorded) -> tuple[str, ...]:
    """One row for each thing, or one for each of its topics."""
    if type(recorded.event) in _OF_SESSIONS:
        return (f"{recorded.stream}/life",)
    event, stream = cast(_Others, recorded.event), recorded.stream
    if isinstance(event, RunEvent | GateTurn):
        return run_keys(stream, event)
    if isinstance(event, Seen):
        return seen_keys(stream, event)
    match event:
        case TaskAttentionRaised() | TaskAttentionCleared():
            return (f"{stream}/{event.topic}",)
        case SubjectErased():
            return tuple(f"{stream}/{topic}" for topic in get_args(AttentionTopic))
        case LocksReleased():
            return (f"{stream}/{event.token}",) if event.reason == "lifted" else ()
        case LocksQuarantined() | LocksBroken():
            return (f"{stream}/{event.token}",)
        case PoolSet() | PoolMemberQuarantined() | PoolMemberReturned():
            return (f"{stream}/pool/{event.pool}",)
        case QuotaSessionJoined() | QuotaOpened() | QuotaClosed():
            return (f"{stream}/quota",)
        case ProjectFrozen() | ProjectUnfrozen():
            return (f"{stream}/frozen",)
        case ProjectBudgetNoticed() | ProjectSet():
            return (f"{stream}/soft_budget",)
        case _:
            assert_never(event)


def evolve(row: AttentionRow | None, recorded: Recorded, key: str) -> AttentionRow | None:
    """The row after the event; none where there is nothing to look at."""
    if type(recorded.event) in _OF_SESSIONS:
        return session_row(row, recorded, key, cast(SessionEvent, recorded.event))
    return _other(row, recorded, key, cast(_Others, recorded.event))


def _other(row: AttentionRow | None, recorded: Recorded, key: str, event: _Others) -> AttentionRow | None:
    if isinstance(event, GateTurn):
        return None if row is None else row._replace(why=more_urgent(row.why, event))
    if isinstance(event, Seen):
        return None if row is None or row.topic == event.topic else row
    if isinstance(event, RunEvent):
        found = raised_by(event)
        return None if found is None else _raised(recorded, key, found.topic, "run", recorded.stream, found.why)
    match event:
        case TaskAttentionRaised():
            return _raised(recorded, key, event.topic, "task", recorded.stream, event.reason)
        case SubjectErased():
            return None if row is None else row._replace(why=ERASED)
        case LocksQuarantined():
            why = f"the locks stay shut, because their owner is gone ({event.reason})"
            return _raised(recorded, key, "quarantined_locks", "lock", str(event.token), why)
        case PoolSet() | PoolMemberQuarantined() | PoolMemberReturned():
            return pool_row(row, _raised(recorded, key, "quarantined_units", "pool", event.pool, ""), event)
        case ProjectFrozen():
            said = event.reason or "no reason was given"
            return _raised(recorded, key, "frozen", "project", recorded.stream, f"nothing is dispatched: {said}")
        case ProjectBudgetNoticed():
            why = f"{event.spent} of {event.limit} {event.unit} are spent"
            return _raised(recorded, key, "soft_budget", "project", recorded.stream, why)
        case ProjectSet():
            return None if any("soft" in name for name in event.changed) else row
        case TaskAttentionCleared() | LocksReleased() | LocksBroken() | ProjectUnfrozen():
            return None
        case QuotaSessionJoined() | QuotaOpened() | QuotaClosed():
            return _quota(row, recorded, key, event)
        case _:
            assert_never(event)


def _raised(
    recorded: Recorded, key: str, topic: AttentionTopic, subject: Subject, about: str, why: str
) -> AttentionRow:
    event: Any = recorded.event
    return AttentionRow(
        key=key,
        project=recorded.project,
        projects=json_text([] if recorded.project == FLEET else [recorded.project]),
        stands=True,
        topic=topic,
        subject=subject,
        about=about,
        session=None,
        begun_at=event.at,
        why=why,
        units="[]",
        beneath="null",
    )


def _quota(row: AttentionRow | None, recorded: Recorded, key: str, event: _Quota) -> AttentionRow | None:
    """Which projects may know of it is told by the sessions that join, so the row is there before there is trouble."""
    match event:
        case QuotaSessionJoined():
            known = row or _raised(recorded, key, "quota_refused", "quota", event.pool, "")._replace(stands=False)
            return known._replace(projects=json_text(sorted({*texts(known.projects), *event.projects})))
        case QuotaOpened():
            if row is None:
                return None
            since = row.begun_at if row.stands else event.at
            return row._replace(stands=True, begun_at=since, why=f"{event.kind}, {event.failures} times in a row")
        case QuotaClosed():
            return None if row is None else row._replace(stands=False, why="")
        case _:
            assert_never(event)


ATTENTION: Final = Projection(
    name="attention",
    version=4,
    row=AttentionRow,
    handles=frozenset(get_args(AttentionEvent)),
    begins=frozenset(),
    words=worded(why="text", beneath="json"),
    keys=keys,
    evolve=evolve,
    indexes=(("stands", "key"),),
)
