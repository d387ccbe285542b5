"""Starvation: ready tasks whose locks are never free at once, because light work always holds some of them."""

from collections.abc import Iterator, Sequence
from itertools import islice
from operator import itemgetter
from typing import Final, NamedTuple

from domain.dispatch.choose import lacking
from domain.dispatch.fit import misfit, shut
from domain.dispatch.lock_owner import lives_around
from domain.dispatch.lookup import lock_stream, sessions_of
from domain.dispatch.ready import ReadyIndex
from domain.dispatch.ready_buckets import Requires, Scope
from domain.dispatch.serving import Serving
from domain.kernel.decider import View
from domain.kernel.ids import SECOND, Instant, ProjectId, StreamId
from domain.lock.blocking import grants_in_the_way, wishes_of
from domain.lock.decider import LOCKS
from domain.lock.entries import Owner, Wish
from domain.lock.errors import BadPattern
from domain.lock.overlap import StepBudget
from domain.lock.state import LockSpace
from domain.project.decider import PROJECT
from domain.project.state import Project
from domain.session.decider import SESSION, is_live
from domain.session.state import Session
from domain.task.decider import TASK
from domain.task.state import Ready, Task

STARVATION_AFTER_SECONDS: Final = 30
"""A task that is ready for so long and never finds its locks free queues for them."""
SESSIONS_LOOKED_AT_MAX: Final = 300
TASKS_LOOKED_AT_MAX: Final = 256
"""Scopes of one project that one look tests, those of the longest waiting tasks first."""
ASKING_MAX: Final = 16
"""Tasks of a project that queue or have reservations at a time, and never more than sessions could do them."""
_NEW_ATTEMPT: Final = ""
_STRANGER: Final = Owner("nobody", 1, _NEW_ATTEMPT)


class Starved(NamedTuple):
    """A task that starves, and a session that could do it."""

    task: StreamId
    session: StreamId


class _Old(NamedTuple):
    since: int
    task: StreamId
    scope: Scope
    requires: Requires


def starved(project: ProjectId, ready: ReadyIndex, serving: Serving, now: Instant, view: View) -> tuple[Starved, ...]:
    """Tasks of the project that should queue for their locks now; each scope is told once, with its oldest task."""
    old = _old_tasks(project, ready, Instant(now - STARVATION_AFTER_SECONDS * SECOND))
    state = view.read(PROJECT, StreamId(project)) if old else None
    if not isinstance(state, Project) or shut(state) is not None:
        return ()
    space = view.read(LOCKS, lock_stream(project))
    waiting = [one for one in old if not asks_for_itself(space, one.task)]
    sessions = sessions_of(view, serving.sessions(project, SESSIONS_LOOKED_AT_MAX)) if waiting else {}
    able = {name: session for name, session in sessions.items() if is_unblocked(session, project)}
    most = min(ASKING_MAX, len(able)) - asking(space)
    return tuple(islice(_passed_over(waiting[:TASKS_LOOKED_AT_MAX], able, space, now, view), max(0, most)))


def asking(space: LockSpace) -> int:
    """Tasks of the space that wait for their locks, or have them reserved."""
    waiting = sum(not waiter.owner.session for waiter in space.waiters.values())
    return waiting + space.coverage.by_session.get("", 0)


def asks_for_itself(space: LockSpace, task: StreamId) -> bool:
    """Whether the task waits for its locks, or has them reserved, with nobody working on it."""
    return task in space.coverage.queue.by_owner or task in space.coverage.by_owner


def is_unblocked(session: Session, project: ProjectId) -> bool:
    """Whether the session may be given work of the project, at once or when it has done what it does."""
    return (
        is_live(session)
        and not session.draining
        and session.activity != "quota_blocked"
        and project in session.opened.projects
    )


def starves(task: Task, name: str, space: LockSpace, now: Instant, view: View) -> bool:
    """Whether the ready task waits long enough for locks that this session, which could do it, would not get now."""
    if not isinstance(task.phase, Ready) or not task.plan.scope:
        return False
    if now < task.phase.since + STARVATION_AFTER_SECONDS * SECOND:
        return False
    session = view.read(SESSION, StreamId(name))
    if not isinstance(session, Session) or not is_unblocked(session, ProjectId(task.plan.project)):
        return False
    if misfit(name, session, task, now) is not None:
        return False
    owner = Owner(name, session.opened.incarnation, _NEW_ATTEMPT, lives_around(view, StreamId(name)))
    wishes = wishes_of(task.plan.scope, space)
    # Who only stands behind another one's request is served after it, and need not queue as well.
    return not isinstance(wishes, BadPattern) and bool(held_by_others(space, owner, wishes))


def held_by_others(space: LockSpace, owner: Owner, wishes: tuple[Wish, ...]) -> bool:
    """Whether a live grant stands in the way; what costs too much to compare counts as one."""
    return grants_in_the_way(space, owner, wishes, StepBudget(), most=1) != []


def _old_tasks(project: ProjectId, ready: ReadyIndex, before: Instant) -> list[_Old]:
    found: list[_Old] = []
    for group in ready.groups(project):
        for bucket in group.buckets.values():
            oldest = min(bucket.ranks, key=itemgetter(2)) if bucket.scope else None
            if oldest is not None and oldest[2] <= before:
                found.append(_Old(oldest[2], StreamId(oldest[3]), bucket.scope, group.requires))
    return sorted(found, key=itemgetter(0, 1))


def _passed_over(
    old: Sequence[_Old], sessions: dict[StreamId, Session], space: LockSpace, now: Instant, view: View
) -> Iterator[Starved]:
    for one in old:
        task = view.read(TASK, one.task)
        if not isinstance(task, Task):
            continue
        for name, session in sessions.items():
            if lacking(one.requires, session.opened.capabilities) or misfit(name, session, task, now) is not None:
                continue
            if starves(task, name, space, now, view):
                yield Starved(one.task, name)
                break
            # What is free is free for all that follow; what only the holder's family may have is not.
            if not _is_held(task, space):
                break


def _is_held(task: Task, space: LockSpace) -> bool:
    """Whether a live grant stands in the way of somebody who is related to no holder."""
    wishes = wishes_of(task.plan.scope, space)
    return not isinstance(wishes, BadPattern) and held_by_others(space, _STRANGER, wishes)
