"""Taking tasks for one session in one decision: each is judged against the locks that the ones before it took."""

from typing import Final

from domain.dispatch.choose import lacking, merit
from domain.dispatch.fit import misfit
from domain.dispatch.lock_held import hold_ends
from domain.dispatch.lock_owner import lives_around
from domain.dispatch.lookup import lock_stream
from domain.dispatch.ready_buckets import Requires, Scope
from domain.dispatch.shares import bound_of, places_of, share_of
from domain.kernel.decider import View, Write
from domain.kernel.errors import Rejection
from domain.kernel.ids import Instant, ProjectId, StreamId
from domain.kernel.message import Answer, Event, Message
from domain.kernel.values import ScopeClaim, Spend
from domain.kernel.work import EvidenceKind
from domain.lock.allowances import over_budget, over_concurrency
from domain.lock.decider import LOCKS, could_grant, grant
from domain.lock.events import LocksGranted
from domain.lock.evolve import evolve
from domain.lock.state import LockSpace
from domain.project.decider import PROJECT
from domain.project.settings import DEFAULTS, ProjectSettings
from domain.project.state import Project
from domain.session.events import SessionAttemptStarted
from domain.session.state import Session
from domain.task.attention import attended
from domain.task.commands import Artifact
from domain.task.events import TaskClaimed
from domain.task.state import Ready, Task
from domain.task.terms import Choice, Origin


class FailedAttempt(Message):
    """Who tried in vain, and how it ended."""

    session: str
    host: str
    model: str
    kind: str


class Assignment(Message):
    """The task is the session's, fenced by the token; what it needs to begin or to go on."""

    project: str
    task: str
    key: str
    title: str
    body: str
    kind: str
    run: str | None
    timeout_seconds: float | None
    scope: tuple[ScopeClaim, ...]
    token: str
    """A decimal number; every report has to carry it."""
    attempt: int
    checkpoint: str | None
    handover: str
    """Note of the latest holder that gave the task back."""
    failure: str
    """Why the latest attempt failed."""
    tried_by: tuple[str, ...]
    """Sessions that had it before, the latest last; asked again, this one is among them."""
    artifacts: tuple[Artifact, ...]
    """What former attempts left."""
    failed: tuple[FailedAttempt, ...]
    """Attempts of this generation that failed, the latest last."""
    evidence: tuple[EvidenceKind, ...]
    """What a completion has to carry."""
    deadline: Instant | None
    origin: Origin | None = None
    """The phase of a run whose work it is."""
    input: str = ""
    """JSON text: what that phase hands over."""
    stall_seconds: float | None = None
    """Within which the attempt has to report something new."""
    extend_seconds_max: float | None = None
    """By how much its timeout may be prolonged."""


class Claimed(Assignment, Answer):
    """One assignment as an answer of its own."""


class Taking:
    """What one decision takes in one project for one life of a session."""

    def __init__(self, project: ProjectId, session: str, state: Session, now: Instant, view: View) -> None:
        self.project: Final = project
        self.session: Final = session
        self.incarnation: Final = state.opened.incarnation
        self.state: Final = state
        self.view: Final = view
        self.taken: Final[list[Claimed]] = []
        self.now: Final = now
        self._ancestors = lives_around(view, StreamId(session))
        self._settings = _settings_of(project, view)
        self._space = view.read(LOCKS, lock_stream(project))
        self._granted: list[LocksGranted] = []
        self._laid = 0
        self._claimed: list[Write] = []
        self._started: list[SessionAttemptStarted] = []

    def matches(self, requires: Requires) -> bool:
        """Whether the session has what is required."""
        return not lacking(requires, self.state.opened.capabilities)

    def merit(self, requires: Requires) -> int:
        """How well the session suits what is wished for."""
        return merit(requires, self.state.opened.capabilities)

    def _space_now(self) -> LockSpace:
        """The lock space with what was taken: brought forward when it is asked, for most decisions take one task."""
        for granted in self._granted[self._laid :]:
            self._space = evolve(self._space, granted)
        self._laid = len(self._granted)
        return self._space

    def free(self, scope: Scope) -> bool:
        """Whether the session would get all the locks now."""
        return could_grant(self._space_now(), scope, self.session, self.incarnation, self._ancestors)

    def affordable(self, task: Task) -> bool:
        """Whether the project has a place and the money for a further attempt at the task."""
        space, bound = self._space_now(), bound_of(task, self._settings)
        if over_concurrency(space, places_of(task, self._settings)) is not None:
            return False
        return bound is None or over_budget(space, share_of(task) or Spend(), bound) is None

    def reserved(self) -> tuple[StreamId, ...]:
        """Tasks that hold their locks by themselves and wait for anybody, the longest first."""
        space = self._space_now()
        if "" not in space.coverage.by_session:
            return ()
        held = (grant for _, grant in sorted(space.grants.items()) if not grant.session and not grant.is_orphaned)
        return tuple(StreamId(grant.task) for grant in held if grant.task is not None)

    def take(self, stream: StreamId, task: Task, strategy: str, choice: Choice | None = None) -> Claimed | Rejection:
        """The assignment, or what stands in its way: routing, or locks."""
        unfit = misfit(self.session, self.state, task, self.now)
        if unfit is not None:
            return unfit
        granted = grant(
            self._space_now(),
            era=self.view.era,
            session=self.session,
            incarnation=self.incarnation,
            task=stream,
            claims=task.plan.scope,
            purpose=task.plan.key,
            at=self.now,
            ancestors=self._ancestors,
            concurrency=places_of(task, self._settings),
            reserved=share_of(task),
            budget=bound_of(task, self._settings),
        )
        if not isinstance(granted, LocksGranted):
            return granted
        number = task.attempts + 1
        claimed = TaskClaimed(
            session=self.session,
            incarnation=self.incarnation,
            token=granted.token,
            attempt=number,
            strategy=strategy,
            at=self.now,
            host=self.state.opened.host,
            model=self.state.opened.model,
            choice=choice,
            ready_at=task.phase.since if isinstance(task.phase, Ready) else None,
        )
        self._granted.append(granted)
        self._claimed.append(Write(stream, attended(task, (claimed,), self.now), self.project))
        until = hold_ends(self.now) if granted.claims else None
        self._started.append(
            SessionAttemptStarted(project=self.project, task=stream, token=granted.token, locks_until=until)
        )
        answer = told(stream, task, granted.token, number)
        self.taken.append(answer)
        return answer

    def writes(self) -> tuple[Write, ...]:
        """Everything that was taken: the locks first, then the tasks."""
        return (Write(lock_stream(self.project), tuple(self._granted), self.project), *self._claimed)

    def started(self) -> tuple[Event, ...]:
        """The same for the session's own stream."""
        return tuple(self._started)


def _settings_of(project: ProjectId, view: View) -> ProjectSettings:
    state = view.read(PROJECT, StreamId(project))
    return state.settings if isinstance(state, Project) else DEFAULTS


def told(stream: StreamId, task: Task, token: int, number: int) -> Claimed:
    """The assignment as its holder is told."""
    plan = task.plan
    return Claimed(
        project=plan.project,
        task=stream,
        key=plan.key,
        title=plan.title,
        body=plan.body,
        kind=plan.kind,
        run=plan.run,
        timeout_seconds=plan.timeout_seconds,
        scope=plan.scope,
        token=str(token),
        attempt=number,
        checkpoint=task.checkpoint,
        handover=task.handover,
        failure=task.failure,
        tried_by=task.tried_by,
        artifacts=task.artifacts,
        failed=tuple(
            FailedAttempt(session=one.session, host=one.host, model=one.model, kind=one.kind) for one in task.failed
        ),
        evidence=plan.evidence,
        deadline=plan.deadline,
        origin=plan.origin,
        input=plan.input,
        stall_seconds=plan.stall_seconds,
        extend_seconds_max=plan.extend_seconds_max,
    )
