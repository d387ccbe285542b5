"""Another run that takes over what still holds of one that went before, and does the rest anew."""

from typing import cast

from pydantic_core import from_json, to_json

from domain.dispatch.run_due import start_if_due
from domain.dispatch.run_start import ENGINE_SEMANTICS, pins_of
from domain.dispatch.run_turns import concurrency_of
from domain.dispatch.run_verbs import asked
from domain.dispatch.run_walk import RunWalk
from domain.kernel.decider import Decision, View, refuse
from domain.kernel.errors import Rejection, UnknownThing
from domain.kernel.ids import derived_id
from domain.kernel.message import Answer, Stamp
from domain.kernel.pipeline.definition import Definition
from domain.kernel.pipeline.expressions import Expressions
from domain.kernel.pipeline.fitting import fitting
from domain.kernel.work import Budget
from domain.pipeline.decider import read_version
from domain.run.account import UNBOUNDED, tightest
from domain.run.budget_events import RunBudget
from domain.run.commands import ForkRun
from domain.run.errors import InputsUnfit, ReworkRefused
from domain.run.events import RunQueued
from domain.run.evolve import RUN
from domain.run.fork import adopted_from, kept_of
from domain.run.state import Run


class RunForked(Answer):
    """The run that takes over, or what it would."""

    run: str
    """Empty where it was only asked for."""
    adopted: tuple[str, ...]
    anew: tuple[str, ...]
    """Phases that are done anew, each with the reason."""


def fork(command: ForkRun, stamp: Stamp, view: View, expressions: Expressions) -> Decision:
    """A run of the same or another version; phases that would do the same and took the same count as they settled."""
    source = asked(command, stamp, view)
    if isinstance(source, Rejection):
        return refuse(source)
    if source.queued.rolls_back:
        return refuse(ReworkRefused(run=command.run, reason="it only takes back"))
    queued = _queued(command, source, stamp, view)
    if isinstance(queued, Rejection):
        return refuse(queued)
    unknown = next(
        (one for one in command.phases if one not in {phase.key for phase in queued.definition.phases}), None
    )
    if unknown is not None:
        return refuse(UnknownThing(kind="phase", name=unknown))
    why = kept_of(source, queued.definition, command.phases, _changed(source, queued), expressions)
    kept = tuple(key for key, reason in why.items() if not reason)
    anew = tuple(f"{key}: {reason}" for key, reason in why.items() if reason)
    if command.dry_run:
        return Decision(answer=RunForked(run="", adopted=kept, anew=anew))
    walk = RunWalk(Run(queued), stamp, view, expressions)
    refusal = walk.turn.refusal(walk.run, "starting it")
    if refusal is not None:
        return refuse(refusal)
    walk.put(*(adopted_from(source, key, stamp.time) for key in kept))
    start_if_due(walk, stamp)
    walk.go_on()
    return walk.decision(queued, answer=RunForked(run=queued.run, adopted=kept, anew=anew))


def _queued(command: ForkRun, source: Run, stamp: Stamp, view: View) -> RunQueued | Rejection:
    before = source.queued
    found = read_version(before.pipeline, command.version or before.version, stamp, view)
    if isinstance(found, Rejection):
        return found
    version, definition, digest = found[0], found[1].definition, found[1].digest
    inputs = _inputs(command, source, definition)
    pins = pins_of(definition, stamp, view)
    if isinstance(inputs, Rejection):
        return inputs
    if isinstance(pins, Rejection):
        return pins
    own = None if source.queued.definition.concurrency else before.concurrency
    turn = concurrency_of(before.pipeline, definition.concurrency or own, inputs)
    if isinstance(turn, Rejection):
        return turn
    said: dict[str, object] = {"run": derived_id(RUN.prefix, stamp.time, stamp.key), "definition": definition}
    said |= {"version": version, "digest": digest, "inputs": inputs, "pins": pins, "by": stamp.principal}
    bounds = tightest(definition.budget, _of_start(before))
    said |= {"budget": RunBudget(hard=bounds, soft=definition.budget_soft), "concurrency": turn}
    said |= {
        "engine_semantics": ENGINE_SEMANTICS,
        "start_at": stamp.time,
        "at": stamp.time,
        "parent": None,
        "under_key": True,
    }
    return before.model_copy(
        update={**said, "idempotency_key": "", "deadline_seconds": None, "forked_from": before.run}
    )


def _inputs(command: ForkRun, source: Run, definition: Definition) -> str | InputsUnfit:
    """Those of the source with what is said otherwise; what the definition does not know any more is left out."""
    given: object = from_json(command.inputs) if command.inputs else {}
    if not isinstance(given, dict):
        return InputsUnfit(pipeline=definition.name, reason="they are no object")
    names = {field.name for field in definition.inputs}
    before = {name: value for name, value in _said(source.queued).items() if name in names}
    said = fitting(definition.inputs, {**before, **cast("dict[str, object]", given)})
    return InputsUnfit(pipeline=definition.name, reason=said) if isinstance(said, str) else to_json(said).decode()


def _of_start(queued: RunQueued) -> Budget:
    """What its start has bounded more narrowly than its version; a part of what a parent may spend is none of it."""
    if queued.budget.carved:
        return UNBOUNDED
    own = queued.definition.budget.model_dump()
    return Budget.model_validate(
        {unit: one if one != own[unit] else None for unit, one in queued.budget.hard.model_dump().items()}
    )


def _said(queued: RunQueued) -> dict[str, object]:
    found: dict[str, object] = from_json(queued.inputs) if queued.inputs else {}
    return found


def _changed(source: Run, queued: RunQueued) -> frozenset[tuple[str, ...]]:
    """Paths of what texts may speak of and what is another now."""
    before, after = _said(source.queued), _said(queued)
    inputs = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    facts = [("id", True), ("version", source.queued.version != queued.version)]
    facts.append(("started_by", source.queued.by != queued.by))
    return frozenset({*(("inputs", name) for name in inputs), *(("run", name) for name, other in facts if other)})
