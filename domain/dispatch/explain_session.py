"""Why a session has no work: its own state, then what its next claim would find in each of its projects."""

from collections.abc import Callable
from typing import Final

from domain.dispatch.choose import lacking, merit, unfulfilled
from domain.dispatch.explain_locks import in_the_way
from domain.dispatch.explain_strategy import offered
from domain.dispatch.explain_task import refused_as
from domain.dispatch.explanation import Explanation, Reason, explained
from domain.dispatch.fit import full, room_of, shut
from domain.dispatch.ready import ReadyIndex
from domain.dispatch.ready_buckets import Requires, Scope
from domain.dispatch.take import Taking
from domain.kernel.decider import View
from domain.kernel.errors import UnknownThing
from domain.kernel.ids import Instant, ProjectId, StreamId, is_type_id
from domain.kernel.values import Requirement
from domain.project.decider import PROJECT
from domain.project.state import Project
from domain.session.decider import SESSION, is_live
from domain.session.state import Session
from domain.task.decider import TASK
from domain.task.routing import required
from domain.task.state import Ready, Task

PROJECTS_TOLD_MAX: Final = 20
CANDIDATES_MAX: Final = 64
"""Candidates of the index that may turn out to be taken."""


def explain_session(
    name: str, sees: Callable[[str], bool], ready: ReadyIndex, now: Instant, view: View
) -> Explanation | UnknownThing:
    """What the session's next claim would be answered, and why; projects that are not seen are not spoken of."""
    session = view.read(SESSION, StreamId(name)) if is_type_id(name, "sess") else None
    projects = [one for one in session.opened.projects if sees(one)] if isinstance(session, Session) else []
    if not isinstance(session, Session) or not projects:
        return UnknownThing(kind="session", name=name)
    blocked, noted = _own(name, session), [*_attempts(session, projects), *offered(session)]
    if is_live(session) and not blocked:
        would: list[Reason] = []
        for project in projects[:PROJECTS_TOLD_MAX]:
            found = _Outlook(name, session, ProjectId(project), now, view).look(ready)
            (would if found[0].code == "would_get" else blocked).extend(found)
        if would:
            blocked, noted = [], [*would, *noted]
    return explained(
        "session",
        name,
        project="",
        name=session.opened.name,
        status=session.status,
        blocked=blocked,
        noted=noted,
    )


def _own(name: str, session: Session) -> list[Reason]:
    if not is_live(session):
        words = f"incarnation {session.opened.incarnation} is {session.status}"
        return [Reason(code=f"session_{session.status}", words=words, unblock="Open it again with resume.")]
    reasons: list[Reason] = []
    if session.status == "suspect":
        words = "it missed a beat; nothing was released yet"
        reasons.append(Reason(code="suspect", words=words, unblock="A heartbeat, or any authenticated call."))
    refusal = full(name, session)
    return reasons if refusal is None else [*reasons, refused_as(refusal, name)]


def _attempts(session: Session, projects: list[str]) -> list[Reason]:
    return [
        Reason(
            code="works_on",
            words=f"it works on {attempt.task}",
            unblock="It completes, fails or releases the task.",
            about=attempt.task,
            data={"token": str(token), "project": project},
        )
        for (project, token), attempt in sorted(session.attempts.items())
        if project in projects
    ]


class _Outlook:
    """One session's claim in one project, walked through without taking anything."""

    def __init__(self, name: str, session: Session, project: ProjectId, now: Instant, view: View) -> None:
        self._name = name
        self._session = session
        self._project = project
        self._now = now
        self._view = view
        self._taking = Taking(project, name, session, now, view)
        self._nearest: tuple[Requirement, ...] | None = None
        self._shut: Scope | None = None

    def look(self, ready: ReadyIndex) -> list[Reason]:
        """The task that it would get, or what keeps it from every one; one reason at least."""
        state = self._view.read(PROJECT, StreamId(self._project))
        refusal = shut(state) if isinstance(state, Project) else UnknownThing(kind="project", name=self._project)
        if refusal is not None:
            return [refused_as(refusal, self._project)]
        gathers = isinstance(state, Project) and state.settings.strategy != "priority"
        search = ready.candidates(self._project, self._matches, self._free, self._now, self._name, self._taking.merit)
        for stream in search:
            task = self._view.read(TASK, stream)
            if isinstance(task, Task) and isinstance(task.phase, Ready):
                return [self._would_get(stream, task, gathers=gathers)]
            if search.seen == CANDIDATES_MAX:
                break
        return self._passed_over(search.ready, search.unmatched, search.locked)

    def _matches(self, requires: Requires) -> bool:
        missing = lacking(requires, self._session.opened.capabilities)
        if missing and (self._nearest is None or len(missing) < len(self._nearest)):
            self._nearest = missing
        return not missing

    def _free(self, scope: Scope) -> bool:
        free = self._taking.free(scope)
        if not free and self._shut is None:
            self._shut = scope
        return free

    def _would_get(self, stream: StreamId, task: Task, *, gathers: bool) -> Reason:
        gets = "is weighed against the claims of others, and may get" if gathers else "gets"
        capabilities = self._session.opened.capabilities
        wanting = "; ".join(
            f"{one.key} {one.operator} {one.value}" for one in unfulfilled(required(task), capabilities)
        )
        return Reason(
            code="would_get",
            words=f"its next claim {gets} {task.plan.key}; it has room for {room_of(self._session)}",
            unblock="It has to ask for work.",
            about=stream,
            data={
                "key": task.plan.key,
                "project": self._project,
                "merit": merit(required(task), capabilities),
                "wishes_unfulfilled": wanting,
            },
        )

    def _passed_over(self, ready: int, unmatched: int, locked: int) -> list[Reason]:
        where: dict[str, str | int] = {"project": self._project, "ready": ready}
        if not ready:
            words = "no task of the project is ready"
            return [Reason(code="nothing_ready", words=words, unblock="A task becomes ready.", data={**where})]
        reasons: list[Reason] = []
        if unmatched and self._nearest is not None:
            lacks = "; ".join(f"{one.key} {one.operator} {one.value}" for one in self._nearest)
            reasons.append(
                Reason(
                    code="not_capable",
                    words=f"{unmatched} of {ready} ready tasks require what it lacks; the nearest miss: {lacks}",
                    unblock="Open it again with these capabilities.",
                    about=self._project,
                    data={**where, "unmatched": unmatched, "lacking": lacks},
                )
            )
        if locked and self._shut is not None:
            asker = (self._name, self._session.opened.incarnation)
            first = in_the_way(self._shut, asker, self._project, self._now, self._view)
            reasons += [
                Reason(
                    code="locked",
                    words=f"the locks of {locked} of {ready} ready tasks are not free; the first: {one.words}",
                    unblock=one.unblock,
                    about=one.about,
                    until=one.until,
                    data={**where, "locked": locked, **one.data},
                )
                for one in first[:1]
            ]
        words = "what looked ready is taken"
        return reasons or [Reason(code="nothing_ready", words=words, unblock="Ask again.", data={**where})]
