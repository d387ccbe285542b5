"""Runs inside of runs in a world: the short words that tests about nested pipelines are written in."""

from typing import Any

from domain.catalogue import rules
from domain.dispatch.run_start import RunBegun
from domain.dispatch.take import Claimed
from domain.kernel.ids import ProjectId, StreamId
from domain.kernel.pipeline.definition import Definition, PipelinePhase
from domain.kernel.pipeline.flow import Call
from domain.pipeline.commands import PublishDefinition
from domain.run.commands import StartRun
from domain.run.state import Run
from domain.task.commands import CompleteTask, FailTask
from infrastructure.expressions.conditions import CelExpressions
from tests.support.fleet import Fleet, accepted
from tests.support.runs import edges


def nested(key: str, *needs: Any, pipeline: str = "inner", **said: Any) -> PipelinePhase:
    """A phase that is done by a run of its own; what is said further is said of the call, or of the phase."""
    own = {"when", "optional", "on_exhausted", "point_of_no_return", "join"}
    of_phase = {name: said.pop(name) for name in own & set(said)}
    return PipelinePhase(key=key, needs=edges(needs), call=Call(pipeline=pipeline, **said), **of_phase)


class Yard(Fleet):
    """A fleet with published pipelines and their runs; the policies answer at once."""

    def __init__(self) -> None:
        super().__init__(lock_delay_seconds=0)
        self.rules = rules(self.index, expressions=CelExpressions())
        self.crew = self.a_session("crew", capacity=64)
        self.crews: dict[ProjectId, str] = {}

    def do(self, command: Any, **options: Any) -> Any:
        """A command that has to be accepted, with all that follows."""
        answer = accepted(self.ask(command, **options)).answer
        self.react()
        return answer

    def publish(self, name: str, *phases: Any, project: str | None = None, **said: Any) -> None:
        definition = Definition(name=name, phases=phases, **said)
        self.do(PublishDefinition(project=project or "shop", definition=definition), project=project)

    def start(self, pipeline: str, *, project: str | None = None, **said: Any) -> str:
        begun = self.do(StartRun(project=project or "shop", pipeline=pipeline, **said), project=project)
        assert isinstance(begun, RunBegun)
        return begun.run

    def run(self, run: str) -> Run:
        state = self.states[StreamId(run)]
        assert isinstance(state, Run)
        return state

    def stands(self, run: str) -> str:
        return self.run(run).status

    def status(self, run: str, place: str) -> str:
        return self.run(run).phase(place).status

    def child(self, run: str, place: str) -> str:
        """The run that does the work of a phase."""
        return self.run(run).phase(place).child

    def begin(self, run: str, place: str) -> tuple[str, str]:
        """Somebody takes the work of a phase; answers task and token."""
        task = self.run(run).phase(place).task
        return task, self.claimed(self.crew, task).token

    def succeed(self, run: str, *places: str, output: str = "") -> None:
        for place in places:
            task, token = self.begin(run, place)
            accepted(self.complete(task, token, output=output))
            self.react()

    def go_wrong(self, run: str, place: str) -> None:
        accepted(self.fail(*self.begin(run, place)))
        self.react()

    def take_back(self, run: str, place: str, *, well: bool = True) -> None:
        """Somebody does the undo of a place that is due."""
        (entry,) = [one for one in self.run(run).ledger.values() if one.place == place and one.undo == "undoing"]
        token = self.claimed(self.crew, entry.undo_task).token
        accepted(self.complete(entry.undo_task, token) if well else self.fail(entry.undo_task, token))
        self.react()

    def crew_of(self, name: str, project: ProjectId) -> str:
        own, self.project = self.project, project
        self.crews[project] = self.a_session(name, capacity=64)
        self.project = own
        return self.crews[project]

    def undoing(self, run: str) -> list[str]:
        return [one.place for one in self.run(run).ledger.values() if one.undo == "undoing"]

    def work_in(self, project: ProjectId, run: str, place: str, *, output: str = "", well: bool = True) -> None:
        """Somebody of another project does the work of a phase of a run of it."""
        task, name = self.run(run).phase(place).task, f"crew of {project}"
        session = self.crews.get(project) or self.crew_of(name, project)
        answer = accepted(self.claim(session, task, project=project)).answer
        assert isinstance(answer, Claimed)
        said: dict[str, Any] = {"project": project, "task": task, "token": answer.token}
        done = CompleteTask(**said, output=output) if well else FailTask(**said, kind="agent", reason="it broke")
        self.do(done, project=project)
