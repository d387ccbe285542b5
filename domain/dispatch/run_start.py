"""Starting a run: one decision over the definition, the run and the tasks of its roots."""

from typing import Final, cast

from pydantic_core import from_json, to_json

from domain.dispatch.run_due import start_if_due
from domain.dispatch.run_turns import concurrency_of
from domain.dispatch.run_walk import RunWalk
from domain.kernel.decider import Decision, View, refuse
from domain.kernel.errors import Rejection, UnknownThing
from domain.kernel.ids import Instant, StreamId, derived_id
from domain.kernel.message import Answer, KeyRow, Stamp
from domain.kernel.pipeline.definition import Definition
from domain.kernel.pipeline.expressions import Expressions
from domain.kernel.pipeline.fitting import fitting
from domain.kernel.pipeline.flow import Concurrency
from domain.pipeline.decider import read_version
from domain.pipeline.state import Version
from domain.project.decider import read_project
from domain.run.account import tightest
from domain.run.budget_events import RunBudget
from domain.run.child_events import Pin
from domain.run.children import calls_in
from domain.run.commands import StartRun
from domain.run.errors import InputsUnfit, RunErased, RunKeyReused, TurnUnfit
from domain.run.events import RunQueued
from domain.run.evolve import RUN
from domain.run.state import Run

ENGINE_SEMANTICS: Final = 1
"""Number of the rules by which new runs are walked; a change of their behaviour is another number."""
RUN_KEY: Final = "run"
"""Kind of the unique names under which runs were asked for, in the scope of their project."""


class RunBegun(Answer):
    """The run exists."""

    run: str
    created: bool
    """False where the idempotency key had begun it before."""


def start(command: StartRun, stamp: Stamp, view: View, expressions: Expressions) -> Decision:
    """Begin a run of the version; its roots have their tasks in the same append."""
    project = read_project(stamp, view)
    if isinstance(project, UnknownThing):
        return refuse(project)
    before = view.key(stamp.project, RUN_KEY, command.idempotency_key) if command.idempotency_key else None
    if before is not None:
        return _again(command, before, view)
    found = read_version(command.pipeline, command.version, stamp, view)
    if isinstance(found, Rejection):
        return refuse(found)
    number, version = found
    inputs = _inputs(command, version.definition)
    if isinstance(inputs, Rejection):
        return refuse(inputs)
    pins = pins_of(version.definition, stamp, view)
    if isinstance(pins, Rejection):
        return refuse(pins)
    turn = _concurrency(command, version.definition, inputs)
    if isinstance(turn, Rejection):
        return refuse(turn)
    queued = _queued(command, number, version, inputs, stamp)
    bounds = tightest(version.definition.budget, command.budget)
    budget = RunBudget(hard=bounds, soft=version.definition.budget_soft)
    said = {"pins": pins, "concurrency": turn, "budget": budget}
    return _begun(queued.model_copy(update=said), stamp, view, expressions)


def pins_of(definition: Definition, stamp: Stamp, view: View) -> tuple[Pin, ...] | Rejection:
    """Versions of what the definition calls, as far as they are settled by its start; one that is not there refuses."""
    pins: dict[str, Pin] = {}
    for call in calls_in(definition):
        if call.version is None and call.pin == "call":
            continue
        found = read_version(call.pipeline, call.version, stamp, view)
        if isinstance(found, Rejection):
            return found
        if call.version is None:
            pins[call.pipeline] = Pin(pipeline=call.pipeline, version=found[0])
    return tuple(pins.values())


def _inputs(command: StartRun, definition: Definition) -> str | InputsUnfit:
    """JSON text of the inputs with their defaults."""
    given: object = from_json(command.inputs) if command.inputs else {}
    if not isinstance(given, dict):
        return InputsUnfit(pipeline=command.pipeline, reason="they are no object")
    said = fitting(definition.inputs, cast("dict[str, object]", given))
    return InputsUnfit(pipeline=command.pipeline, reason=said) if isinstance(said, str) else to_json(said).decode()


def _concurrency(command: StartRun, definition: Definition, inputs: str) -> Concurrency | TurnUnfit | None:
    """Of the definition, else of the start: nobody gets past what a definition says by saying something else."""
    if command.concurrency is not None and definition.concurrency is not None:
        return TurnUnfit(pipeline=command.pipeline, reason="its definition names one itself")
    return concurrency_of(command.pipeline, definition.concurrency or command.concurrency, inputs)


def _again(command: StartRun, stream: StreamId, view: View) -> Decision:
    """The run that the key began, where that was of the same pipeline with the same inputs."""
    run = view.read(RUN, stream)
    if isinstance(run, Run) and run.erased:
        return refuse(RunErased(run=stream))
    queued = run.begun_as or run.queued if isinstance(run, Run) else None
    if queued is None or queued.pipeline != command.pipeline or queued.inputs != _inputs(command, queued.definition):
        return refuse(RunKeyReused(key=command.idempotency_key, run=stream))
    return Decision(answer=RunBegun(run=stream, created=False))


def _queued(command: StartRun, number: int, version: Version, inputs: str, stamp: Stamp) -> RunQueued:
    return RunQueued(
        run=derived_id(RUN.prefix, stamp.time, stamp.key),
        project=stamp.project,
        pipeline=version.definition.name,
        version=number,
        digest=version.digest,
        engine_semantics=ENGINE_SEMANTICS,
        definition=version.definition,
        inputs=inputs,
        labels=tuple(dict.fromkeys((*version.definition.labels, *command.labels))),
        priority=command.priority,
        idempotency_key=command.idempotency_key,
        correlation_key=command.correlation_key,
        start_at=max(stamp.time, command.start_at or Instant(0)),
        by=stamp.principal,
        at=stamp.time,
        under_key=True,
    )


def _begun(queued: RunQueued, stamp: Stamp, view: View, expressions: Expressions) -> Decision:
    walk = RunWalk(Run(queued), stamp, view, expressions)
    refusal = walk.turn.refusal(walk.run, "starting it")
    if refusal is not None:
        return refuse(refusal)
    start_if_due(walk, stamp)
    walk.go_on()
    decision = walk.decision(queued, answer=RunBegun(run=queued.run, created=True))
    if not queued.idempotency_key:
        return decision
    key = KeyRow(scope=stamp.project, kind=RUN_KEY, name=queued.idempotency_key, stream=StreamId(queued.run))
    return decision._replace(keys=(*decision.keys, key))
