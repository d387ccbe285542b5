"""Which sessions could take a task, and the nearest miss of each that could not."""

from typing import Final, NamedTuple

from domain.dispatch.choose import lacking
from domain.dispatch.explanation import Reason
from domain.dispatch.fit import full, misfit
from domain.dispatch.lookup import sessions_of
from domain.dispatch.serving import Serving
from domain.kernel.decider import View
from domain.kernel.errors import Rejection
from domain.kernel.ids import Instant, ProjectId
from domain.session.decider import is_live
from domain.task.routing import required
from domain.task.state import Task

SESSIONS_JUDGED_MAX: Final = 300
"""Sessions that one explanation looks at, the first opened first."""
MISSES_TOLD_MAX: Final = 8
"""Sessions whose miss is told, the nearest first."""


class Judged(NamedTuple):
    """One live session against one task."""

    session: str
    incarnation: int
    name: str
    lacks: int
    """Requirements that do not hold."""
    misfit: Rejection | None
    full: Rejection | None


def judge_sessions(task: Task, project: ProjectId, serving: Serving, now: Instant, view: View) -> tuple[Judged, ...]:
    """Every live session of the project, as its claim of the task would be judged."""
    states = sessions_of(view, serving.sessions(project, SESSIONS_JUDGED_MAX))
    return tuple(
        Judged(
            session=stream,
            incarnation=session.opened.incarnation,
            name=session.opened.name,
            lacks=len(lacking(required(task), session.opened.capabilities)),
            misfit=misfit(stream, session, task, now),
            full=full(stream, session),
        )
        for stream, session in states.items()
        if is_live(session) and project in session.opened.projects
    )


def who_could(judged: tuple[Judged, ...]) -> list[Reason]:
    """Nothing where a session could take it now; else why none can."""
    if not judged:
        return [
            Reason(
                code="no_session",
                words="no live session serves the project",
                unblock="Start a worker for the project, or open a session that serves it.",
            )
        ]
    able = [one for one in judged if one.misfit is None]
    if not able:
        return _misses(judged)
    return [] if any(one.full is None for one in able) else [_busy(able)]


def _misses(judged: tuple[Judged, ...]) -> list[Reason]:
    nearest = sorted(judged, key=lambda one: (one.lacks, one.session))
    return [
        Reason(
            code="no_capable_session",
            words=f"none of {len(judged)} live sessions may take it; the nearest miss: {_told(one)}",
            unblock=_advice(one),
            about=one.session,
            data={"lacks": one.lacks, "session_name": one.name},
        )
        for one in nearest[:MISSES_TOLD_MAX]
    ]


def _told(one: Judged) -> str:
    return "" if one.misfit is None else one.misfit.message()


def _advice(one: Judged) -> str:
    return "" if one.misfit is None else one.misfit.advice()


def _busy(able: list[Judged]) -> Reason:
    return Reason(
        code="capable_sessions_busy",
        words=f"all {len(able)} sessions that could take it are at their capacity",
        unblock="One of them ends an attempt, or another capable session is opened.",
        data={"sessions": tuple(one.session for one in able[:16]), "count": len(able)},
    )
