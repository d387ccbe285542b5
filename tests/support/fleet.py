"""A project with sessions in a world: the short words that decision tests about work are written in."""

from typing import Any

from domain.catalogue import AGGREGATES, POLICIES, rules
from domain.dispatch.ready import ReadyIndex
from domain.dispatch.serving import Serving
from domain.dispatch.take import Claimed
from domain.kernel.decider import Decision
from domain.kernel.errors import Rejection
from domain.kernel.ids import FLEET, ProjectId, StreamId, derived_id
from domain.kernel.message import Command, Event, Stamp
from domain.kernel.policy import Cause, derived_stamp
from domain.kernel.values import Requirement, ScopeClaim
from domain.project.events import ProjectCreated
from domain.session.events import SessionOpened
from domain.task.commands import (
    ApplyPlan,
    CancelTask,
    ClaimTask,
    CompleteTask,
    FailTask,
    Need,
    PlannedTask,
)
from domain.task.state import Task
from tests.support.world import World

OWNER = "key_owner"


class Fleet(World):
    """A world with one project whose ready index follows what is decided."""

    def __init__(self, *, lock_delay_seconds: int = 30) -> None:
        self.index = ReadyIndex()
        self.answered = 0
        self.serving = Serving()
        super().__init__(AGGREGATES, rules(self.index))
        self.project = self.a_project("shop", lock_delay_seconds)

    def a_project(self, name: str, lock_delay_seconds: int = 30) -> ProjectId:
        """Another project."""
        stream = derived_id("proj", self.now, (name,))
        self.names[FLEET, "project", name] = stream
        created = ProjectCreated(name=name, lock_delay_seconds=lock_delay_seconds, at=self.now)
        self.given(stream, created, project=stream)
        return ProjectId(stream)

    def a_session(self, name: str = "one", *, capacity: int = 1, incarnation: int = 1, **capabilities: Any) -> str:
        """An open session of the owner that serves the project."""
        stream = derived_id("sess", self.now, (name,))
        opened = SessionOpened(
            incarnation=incarnation,
            projects=(self.project,),
            name=name,
            tool="shell",
            model="",
            host="",
            capabilities=capabilities,
            capacity=capacity,
            ttl_seconds=60,
            owner=OWNER,
            at=self.now,
        )
        self.given(stream, opened)
        return stream

    def given(self, stream: str, *events: Event, project: str = "fleet") -> "World":
        for event in events:
            self.serving.observe(StreamId(stream), event)
        return super().given(stream, *events, project=project)

    def ask(
        self, command: Command, *, by: str = OWNER, project: str | None = None, command_id: str | None = None
    ) -> Decision:
        """Decide a command in the scope of the project."""
        return self.when(command, self.stamp(project or self.project, by, command_id))

    def plan(self, *tasks: PlannedTask, **options: Any) -> Decision:
        return self.ask(ApplyPlan(project="shop", tasks=tasks), **options)

    def claim(self, session: str, task: str | None = None, *, incarnation: int = 1, **options: Any) -> Decision:
        return self.ask(ClaimTask(project="shop", session=session, incarnation=incarnation, task=task), **options)

    def claimed(self, session: str, task: str | None = None) -> Claimed:
        """A claim that has to succeed."""
        answer = accepted(self.claim(session, task)).answer
        assert isinstance(answer, Claimed)
        return answer

    def complete(self, task: str, token: str, *, output: str = "", **options: Any) -> Decision:
        return self.ask(CompleteTask(project="shop", task=task, token=token, output=output), **options)

    def fail(self, task: str, token: str, kind: Any = "agent", reason: str = "it broke") -> Decision:
        return self.ask(FailTask(project="shop", task=task, token=token, kind=kind, reason=reason))

    def cancel(self, task: str, reason: str = "not wanted") -> Decision:
        return self.ask(CancelTask(project="shop", task=task, reason=reason, grace_seconds=0))

    def react(self) -> None:
        """Let the policies answer everything that they have not answered yet, and what follows from that."""
        while self.answered < len(self.log):
            recorded = self.log[self.answered]
            self.answered += 1
            cause = Cause(recorded.stream, recorded.version, recorded.event, recorded.project)
            for policy in POLICIES:
                for derived in policy.react(cause, self) if isinstance(recorded.event, policy.answers) else ():
                    self.when(derived.command, derived_stamp(policy.name, cause, derived, self.now, "test"))

    def id_of(self, key: str) -> StreamId:
        return self.names[self.project, "task", key]

    def task(self, key: str) -> Task:
        state = self.states[self.id_of(key)]
        assert isinstance(state, Task)
        return state

    def apply(self, decision: Decision, stamp: Stamp) -> None:
        super().apply(decision, stamp)
        for write in decision.writes:
            for event in write.events:
                self.index.observe(write.project or stamp.project, write.stream, event)
                self.serving.observe(write.stream, event)


def a_task(
    key: str,
    *needs: str | Need,
    scope: tuple[str, ...] = (),
    requires: tuple[Requirement, ...] = (),
    **fields: Any,
) -> PlannedTask:
    """A planned task; needs are keys, scope are exclusive claims."""
    return PlannedTask(
        key=key,
        title=f"Do {key}",
        needs=tuple(need if isinstance(need, Need) else Need(task=need) for need in needs),
        scope=tuple(ScopeClaim(claim=claim) for claim in scope),
        requires=requires,
        **fields,
    )


def accepted(decision: Decision) -> Decision:
    """The decision, which must not be a refusal."""
    assert decision.rejection is None, decision.rejection
    return decision


def refused(decision: Decision, kind: type[Rejection]) -> Any:
    """The refusal of that class, whose message must be readable."""
    assert isinstance(decision.rejection, kind), decision.rejection
    assert decision.rejection.message()
    assert decision.rejection.advice()
    return decision.rejection


def events_of(decision: Decision) -> tuple[Event, ...]:
    """Everything that was decided, stream after stream."""
    return tuple(event for write in decision.writes for event in write.events)


def names_of(decision: Decision) -> list[str]:
    """Class names of what was decided."""
    return [type(event).__name__ for event in events_of(decision)]
