"""A run begins from a published version, with inputs that fit, once under each key."""

from typing import Any

import pytest
from pydantic import ValidationError

from domain.catalogue import rules
from domain.dispatch.run_start import RunBegun
from domain.kernel.decider import Decision
from domain.kernel.errors import UnknownThing
from domain.kernel.ids import SECOND, Instant, StreamId
from domain.kernel.pipeline.definition import Definition
from domain.kernel.pipeline.words import ValueField
from domain.pipeline.commands import DeprecateDefinition, PublishDefinition
from domain.pipeline.errors import VersionNotPublished
from domain.policies.agenda import Agenda
from domain.run.commands import StartRun
from domain.run.errors import InputsUnfit, RunKeyReused
from domain.run.state import Run
from infrastructure.expressions.conditions import CelExpressions
from tests.support.fleet import Fleet, accepted
from tests.support.runs import work

WHO = ValueField(name="who", required=False, default="world")


class Yard(Fleet):
    """A fleet with one published definition."""

    def __init__(self, *phases: Any, **said: Any) -> None:
        super().__init__()
        self.rules = rules(self.index, expressions=CelExpressions())
        fields = {"name": "release", "phases": phases or (work("build"),), "inputs": (WHO,), **said}
        definition = Definition.model_validate(fields)
        accepted(self.ask(PublishDefinition(project="shop", definition=definition)))

    def start(self, **said: Any) -> Decision:
        return self.ask(StartRun.model_validate({"project": "shop", "pipeline": "release", **said}))

    def begun(self, **said: Any) -> RunBegun:
        answer = accepted(self.start(**said)).answer
        assert isinstance(answer, RunBegun)
        return answer

    def run(self, answer: RunBegun) -> Run:
        state = self.states[StreamId(answer.run)]
        assert isinstance(state, Run)
        return state


def test_a_run_keeps_its_definition_and_the_tasks_of_its_roots_come_with_it() -> None:
    yard = Yard()
    run = yard.run(yard.begun(inputs='{"who": "you"}', labels=("night",), priority=7))
    assert (run.status, run.queued.version, run.queued.inputs) == ("running", 1, '{"who":"you"}')
    task = yard.states[StreamId(run.phase("build").task)]
    assert (task.plan.priority, task.plan.labels) == (7, ("night",))
    assert run.queued.definition.phases[0].key == "build"


def test_the_same_key_begins_one_run() -> None:
    yard = Yard()
    first = yard.begun(idempotency_key="n-1")
    assert yard.begun(idempotency_key="n-1") == RunBegun(run=first.run, created=False)
    assert isinstance(yard.start(idempotency_key="n-1", inputs='{"who": "you"}').rejection, RunKeyReused)
    assert yard.begun(idempotency_key="n-2").run != first.run


@pytest.mark.parametrize("inputs", ["[]", '{"other": 1}', '{"who": 1}'])
def test_inputs_that_do_not_fit_are_refused(inputs: str) -> None:
    assert isinstance(Yard().start(inputs=inputs).rejection, InputsUnfit)


def test_what_does_not_exist_or_is_not_published_begins_no_run() -> None:
    yard = Yard()
    assert isinstance(yard.start(pipeline="other").rejection, UnknownThing)
    assert yard.start(version=2).rejection is not None
    accepted(yard.ask(DeprecateDefinition(project="shop", pipeline="release", version=1)))
    assert isinstance(yard.start(version=1).rejection, VersionNotPublished)


def test_a_run_may_wait_for_its_time() -> None:
    yard, agenda = Yard(), Agenda()
    due = Instant(yard.now + 60 * SECOND)
    answer = yard.begun(start_at=due)
    assert yard.run(answer).status == "queued"
    for one in yard.log:
        agenda.observe(one)
    assert agenda.next_at() == due
    yard.advance(60)
    ((_, _, derived),) = agenda.due(yard.now)
    accepted(yard.ask(derived.command))
    assert yard.run(answer).status == "running"


@pytest.mark.parametrize("inputs", ['{"a": [NaN]}', '{"a": [-Infinity]}', '{"a": {"b": 1e999}}'])
def test_json_that_not_everybody_can_read_is_none(inputs: str) -> None:
    with pytest.raises(ValidationError):
        StartRun(project="shop", pipeline="release", inputs=inputs)
