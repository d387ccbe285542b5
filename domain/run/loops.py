"""Loops: the same phases again and again, each time at places of their own, until a condition holds."""

from typing import Literal

import orjson

from domain.kernel.change import replace
from domain.kernel.ids import Instant
from domain.kernel.pipeline.definition import AnyPhase, ExternalPhase, GatePhase, RepeatPhase, WaitPhase
from domain.kernel.pipeline.expressions import Expressions, Flaw
from domain.kernel.pipeline.flow import Signal
from domain.kernel.pipeline.graph import Graph, graph_of
from domain.kernel.pipeline.work import FALLBACK
from domain.run.events import Consumed, PhaseParked, PhaseSettled, PhaseSkipped
from domain.run.known import Said, Speaker
from domain.run.loop_events import InnerPlace, IterationSettled, IterationStarted
from domain.run.outline import Outline, outline_of
from domain.run.state import Run

_End = PhaseParked | PhaseSettled | PhaseSkipped


def outline_now(run: Run) -> Outline:
    """What the definition says of the phases, with those of the iterations that loops are in; kept with the run."""
    kept = run.kept_outline
    if kept is None or kept.definition is not run.queued.definition:
        kept = outline_of(run.queued.definition)
    inside = ((loop.key, run.phase(loop.key)) for loop in kept.loops)
    iterations = tuple((key, state.iteration) for key, state in inside if state.inside)
    if kept.iterations != iterations:
        kept = replace(kept, iterations=iterations, now=graph_of(placed_now(run)))
    if kept is not run.kept_outline:
        object.__setattr__(run, "kept_outline", kept)
    return kept


def graph_now(run: Run) -> Graph:
    """The phases of the run together with those of the iterations that loops are in."""
    return outline_now(run).now


def _inside(run: Run, loop: RepeatPhase) -> tuple[AnyPhase, ...]:
    state = run.phase(loop.key)
    return _placed(loop, state.iteration) if state.inside else ()


def _placed(loop: RepeatPhase, iteration: int) -> tuple[AnyPhase, ...]:
    """The phases of a loop under the places of one iteration."""
    before = f"{loop.key}/{iteration}/"
    placed: list[AnyPhase] = []
    for phase in loop.phases:
        needs = tuple(edge.model_copy(update={"phase": before + edge.phase}) for edge in phase.needs)
        placed.append(phase.model_copy(update={"key": before + phase.key, "needs": needs}))
    return tuple(placed)


def placed_now(run: Run) -> tuple[AnyPhase, ...]:
    """All phases that are there now under their places, those inside of a loop right behind it."""
    found: list[AnyPhase] = []
    for phase in run.queued.definition.phases:
        found.append(phase)
        if isinstance(phase, RepeatPhase):
            found += _inside(run, phase)
    return tuple(found)


def placed(run: Run, place: str) -> AnyPhase | None:
    """What the definition says of a phase, under its place; None for an item, and for what is not there now."""
    key, _, inside = place.partition("/")
    phase = next((one for one in run.queued.definition.phases if one.key == key), None)
    if not inside or not isinstance(phase, RepeatPhase):
        return phase if not inside else None
    return next((one for one in _inside(run, phase) if one.key == place), None)


def sibling(place: str, key: str) -> str:
    """The place of another phase of the same scope: ``loop/2/review`` beside ``loop/2/ask``."""
    before, slash, _ = place.rpartition("/")
    return f"{before}{slash}{key}"


def scope_of(run: Run, place: str) -> Graph:
    """The phases among which one stands: those of the definition, or those of the iteration that it is in."""
    key, _, inside = place.partition("/")
    loop = next((one for one in run.queued.definition.phases if one.key == key), None)
    if inside and isinstance(loop, RepeatPhase):
        return graph_of(_inside(run, loop))
    return outline_now(run).whole


def next_iteration(run: Run, loop: RepeatPhase, at: Instant) -> IterationStarted:
    """The iteration that comes now: the first, or one more."""
    state = run.phase(loop.key)
    number = state.iteration + 1
    inner = tuple(
        InnerPlace(
            place=phase.key,
            kind=phase.kind,
            title=phase.title,
            needs=tuple(dict.fromkeys(edge.phase for edge in phase.needs)),
            gate=phase.gate if isinstance(phase, GatePhase) else None,
            generation=run.next_generation(phase.key, state.generation),
        )
        for phase in _placed(loop, number)
    )
    order = [one.key for one in run.queued.definition.phases]
    return IterationStarted(
        place=loop.key,
        generation=state.generation,
        iteration=number,
        position=order.index(loop.key) + 1,
        phases=inner,
        at=at,
        pipeline=run.queued.pipeline,
    )


def iteration_over(
    run: Run, graph: Graph, loop: RepeatPhase, expressions: Expressions, at: Instant, *, failed: bool
) -> tuple[IterationSettled | IterationStarted | _End, ...]:
    """What follows when all phases of an iteration have settled; ``failed`` is whether one did unhandled."""
    state = run.phase(loop.key)
    speaker = Speaker(run, graph, loop.key, expressions, whole=True)
    said = None if failed else speaker.tell(loop.until)
    until: Literal["true", "false", "error", ""] = ""
    detail = ""
    if isinstance(said, Flaw) or (said is not None and not isinstance(said.value, bool)):
        until, detail = "error", said.reason if isinstance(said, Flaw) else "it is no condition"
    elif said is not None:
        until = "true" if said.value else "false"
    over = IterationSettled(
        place=loop.key,
        generation=state.generation,
        iteration=state.iteration,
        outcome="failed" if failed else "succeeded",
        until=until,
        detail=detail,
        reads=_reads(run, loop, said.reads if isinstance(said, Said) else ()),
        at=at,
    )
    match until:
        case "error":
            return over, _parked(run, loop, f"{loop.until!r} cannot be told: {detail}", at)
        case "true":
            return over, _done(run, loop, speaker, at)
        case "false" if not any(_was_busy(run, phase) for phase in _placed(loop, state.iteration)):
            return over, _parked(run, loop, f"nothing was done in iteration {state.iteration}", at)
        case "false" if state.iteration < loop.max_iterations:
            return over, next_iteration(run, loop, at)
        case "false":
            return over, _exhausted(run, loop, f"not over after {state.iteration} iterations", at)
        case "":
            return over, _exhausted(run, loop, f"iteration {state.iteration} has failed", at)


def _was_busy(run: Run, phase: AnyPhase) -> bool:
    """Whether something was done there or somebody was waited for, so that the next iteration may be another one."""
    state = run.phase(phase.key)
    if isinstance(phase, GatePhase):
        return state.gate is not None and state.gate.how not in ("", "autopilot")
    if isinstance(phase, WaitPhase):
        return bool(state.timers) or (isinstance(phase.wait, Signal) and state.status == "succeeded")
    if isinstance(phase, ExternalPhase):
        return bool(state.timers) or (state.need is not None and state.need.was_waited_for)
    return any(run.phase(place).task or run.phase(place).child for place in run.places(phase.key))


def _reads(run: Run, loop: RepeatPhase, own: tuple[Consumed, ...]) -> tuple[Consumed, ...]:
    """With what phases inside took from phases around it: the loop is done anew when one of those is."""
    taken = (one for place in run.phase(loop.key).inside for one in run.phase(place).consumed)
    return tuple({one.place: one for one in (*own, *(one for one in taken if "/" not in one.place))}.values())


def _done(run: Run, loop: RepeatPhase, speaker: Speaker, at: Instant) -> _End:
    said = speaker.bound(loop.outputs)
    if isinstance(said, Flaw):
        return _parked(run, loop, f"the output {said.reason}", at)
    told = f"{run.phase(loop.key).iteration} iterations"
    return _settled(run, loop, "succeeded", told, orjson.dumps(said.values).decode(), at)


def _exhausted(run: Run, loop: RepeatPhase, reason: str, at: Instant) -> _End:
    rule = loop.on_exhausted
    if rule == "park":
        return _parked(run, loop, reason, at)
    if rule == "fail":
        return _settled(run, loop, "failed", reason, "", at)
    return PhaseSkipped(
        place=loop.key,
        generation=run.phase(loop.key).generation,
        reason="exhausted",
        detail=reason,
        arm=FALLBACK if rule == FALLBACK else "",
        at=at,
    )


def _settled(
    run: Run, loop: RepeatPhase, outcome: Literal["succeeded", "failed"], reason: str, output: str, at: Instant
) -> PhaseSettled:
    return PhaseSettled(
        place=loop.key,
        generation=run.phase(loop.key).generation,
        outcome=outcome,
        reason=reason,
        arm="",
        summary="",
        output=output,
        by="",
        at=at,
    )


def _parked(run: Run, loop: RepeatPhase, reason: str, at: Instant) -> PhaseParked:
    generation = run.phase(loop.key).generation
    return PhaseParked(place=loop.key, generation=generation, kind="definition", reason=reason, at=at)
