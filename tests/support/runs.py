"""Runs in a world: the short words that tests about pipelines are written in."""

from typing import Any

from domain.catalogue import rules
from domain.kernel.decider import Decision
from domain.kernel.ids import StreamId, derived_id
from domain.kernel.pipeline.definition import BranchPhase, Definition, JoinPhase, WorkPhase
from domain.kernel.pipeline.digest import definition_digest
from domain.kernel.pipeline.flow import Arm, Edge, Join
from domain.kernel.pipeline.work import TaskSpec, Work
from domain.kernel.work import RetryPace
from domain.run.commands import ReachRunStart
from domain.run.events import RunQueued
from domain.run.state import Run
from domain.task.commands import CompleteTask
from infrastructure.expressions.conditions import CelExpressions
from tests.support.fleet import Fleet, accepted

ONCE = RetryPace(max_attempts=1)


def edges(needs: tuple[Any, ...]) -> tuple[Edge, ...]:
    return tuple(Edge(phase=need) if isinstance(need, str) else Edge.model_validate(need) for need in needs)


def work(key: str, *needs: Any, join: Any = "all", when: str | None = None, **said: Any) -> WorkPhase:
    """A phase that makes a task; what is said further is said of its work, or of itself."""
    of_phase = {name: said.pop(name) for name in ("optional", "point_of_no_return") if name in said}
    task = TaskSpec(title=f"Do {key}", retry=said.pop("retry", ONCE), **said.pop("task", {}))
    return WorkPhase(
        key=key,
        needs=edges(needs),
        join=_join(join),
        when=when,
        work=Work(task=task, **said),
        **of_phase,
    )


def join(key: str, *needs: str | Edge, rule: Join | str = "all") -> JoinPhase:
    return JoinPhase(key=key, needs=edges(needs), join=_join(rule))


def branch(key: str, *needs: str | Edge, default: str | None = None, **arms: str) -> BranchPhase:
    found = tuple(Arm(name=name, when=text) for name, text in arms.items())
    return BranchPhase(key=key, needs=edges(needs), arms=found, default=default)


def _join(said: Any) -> Join:
    return Join.model_validate({"rule": said} if isinstance(said, str) else said)


def queued_of(definition: Definition, run: str, project: str, at: Any, **said: Any) -> RunQueued:
    fields = {
        "run": run,
        "project": project,
        "pipeline": definition.name,
        "version": 1,
        "digest": definition_digest(definition),
        "engine_semantics": 1,
        "definition": definition,
        "inputs": "",
        "labels": (),
        "priority": 0,
        "idempotency_key": "",
        "correlation_key": "",
        "start_at": at,
        "by": "key_owner",
        "at": at,
    }
    return RunQueued.model_validate(fields | said)


class Railway(Fleet):
    """A fleet with one run; the policies answer at once."""

    def __init__(self, *phases: Any, run: dict[str, Any] | None = None, **definition: Any) -> None:
        super().__init__(lock_delay_seconds=0)
        self.rules = rules(self.index, expressions=CelExpressions())
        self.run_id = derived_id("run", self.now, ("run",))
        self.definition = Definition(name="release", phases=phases, **definition)
        queued = queued_of(self.definition, self.run_id, self.project, self.now, **(run or {}))
        self.given(self.run_id, queued, project=self.project)
        self.crew = self.a_session("crew", capacity=64)
        self.do(ReachRunStart(project="shop", run=self.run_id))

    def do(self, command: Any, **options: Any) -> Decision:
        """A command that has to be accepted, with all that follows."""
        decision = accepted(self.ask(command, **options))
        self.react()
        return decision

    @property
    def run(self) -> Run:
        state = self.states[self.run_id]
        assert isinstance(state, Run)
        return state

    def stands(self) -> str:
        """The status of the run."""
        return self.run.status

    def status(self, place: str) -> str:
        return self.run.phase(place).status

    @property
    def statuses(self) -> dict[str, str]:
        return {phase.key: self.status(phase.key) for phase in self.definition.phases}

    def task_of(self, place: str) -> StreamId:
        return StreamId(self.run.phase(place).task)

    def begin(self, place: str) -> str:
        """Somebody takes the work of a phase; answers the token."""
        return self.claimed(self.crew, self.task_of(place)).token

    def succeed(self, *places: str, **said: Any) -> None:
        for place in places:
            token = self.begin(place)
            task = self.task_of(place)
            accepted(self.ask(CompleteTask(project="shop", task=task, token=token, **said)))
            self.react()

    def go_wrong(self, *places: str) -> None:
        for place in places:
            token = self.begin(place)
            accepted(self.fail(self.task_of(place), token))
            self.react()

    def kinds(self, since: int = 0) -> list[str]:
        """Kinds of events of the run, behind so many."""
        of_run = [one.event for one in self.log if one.stream == self.run_id]
        return [type(event).__name__ for event in of_run[since:]]
