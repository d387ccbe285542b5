"""What a phase does first once its join has fired: its condition, and what its kind begins with."""

from typing import Final, assert_never

import orjson

from domain.kernel.ids import Instant
from domain.kernel.pipeline.definition import (
    AnyPhase,
    BranchPhase,
    ExternalPhase,
    GatePhase,
    JoinPhase,
    MapPhase,
    PipelinePhase,
    RepeatPhase,
    WaitPhase,
    WorkPhase,
)
from domain.kernel.pipeline.expressions import Expressions, Flaw
from domain.kernel.pipeline.graph import Graph
from domain.kernel.pipeline.words import Binding
from domain.run.events import ConditionEvaluated, Outcome, PhaseParked, PhaseReady, PhaseSettled, PhaseSkipped
from domain.run.evolve import Following
from domain.run.gates import opened
from domain.run.known import Said, Speaker
from domain.run.loops import next_iteration
from domain.run.maps import expanded
from domain.run.needs import asked
from domain.run.state import PhaseState, Run
from domain.run.waits import awaited


def begun(
    run: Run, graph: Graph, phase: AnyPhase, at: Instant, expressions: Expressions, autopilot: str
) -> tuple[Following, ...]:
    """What follows once the join of the phase has fired."""
    speaker = Speaker(run, graph, phase.key, expressions)
    return _Beginning(run, phase, at, speaker, autopilot).events()


def settled(
    phase: PhaseState, place: str, outcome: Outcome, reason: str, at: Instant, *, arm: str = ""
) -> PhaseSettled:
    """That a phase has settled without anything to hand on."""
    return PhaseSettled(
        place=place,
        generation=phase.generation,
        outcome=outcome,
        reason=reason,
        arm=arm,
        summary="",
        output="",
        by="",
        at=at,
    )


class _Beginning:
    """Gathers the first events of one phase."""

    def __init__(self, run: Run, phase: AnyPhase, at: Instant, speaker: Speaker, autopilot: str) -> None:
        self._run: Final = run
        self._state: Final = run.phase(phase.key)
        self._autopilot: Final = autopilot
        self._phase: Final = phase
        self._at: Final = at
        self._speaker: Final = speaker
        self._said: list[Following] = []

    def events(self) -> tuple[Following, ...]:
        condition = self._phase.when
        answer = True if condition is None else self._evaluate(condition)
        if answer:
            self._begin(self._phase)
        elif answer is False:
            self._skip(condition or "")
        return tuple(self._said)

    def _begin(self, phase: AnyPhase) -> None:
        match phase:
            case WorkPhase():
                self._ready(phase.work.inputs)
            case PipelinePhase():
                self._ready(phase.call.inputs)
            case JoinPhase():
                self._settle("")
            case BranchPhase():
                self._branch(phase)
            case GatePhase():
                self._add(opened(phase, self._run, self._speaker, self._autopilot, self._at))
            case WaitPhase():
                self._add(awaited(phase, self._run, self._speaker, self._at))
            case MapPhase():
                self._add(expanded(self._run, phase, self._speaker, self._at))
            case RepeatPhase():
                self._said.append(next_iteration(self._run, phase, self._at))
            case ExternalPhase():
                found = asked(phase, self._state, self._speaker, self._at)
                self._add(found if isinstance(found, Flaw) else (found,))
            case _:
                assert_never(phase)

    def _add(self, steps: tuple[Following, ...] | Flaw) -> None:
        if isinstance(steps, Flaw):
            self._park(steps.reason)
        else:
            self._said += steps

    def _ready(self, inputs: tuple[Binding, ...]) -> None:
        said = self._speaker.bound(inputs)
        if isinstance(said, Flaw):
            self._park(f"the input {said.reason}")
            return
        handed = orjson.dumps(said.values).decode()
        ready = PhaseReady(
            place=self._phase.key, generation=self._state.generation, input=handed, reads=said.reads, at=self._at
        )
        self._said.append(ready)

    def _branch(self, phase: BranchPhase) -> None:
        for arm in phase.arms:
            answer = self._evaluate(arm.when)
            if answer is None:
                return
            if answer:
                self._settle(arm.name)
                return
        if phase.default is None:
            self._park("no arm is true, and none is the default")
        else:
            self._settle(phase.default)

    def _evaluate(self, text: str) -> bool | None:
        """True, false, or None for a phase that is parked because it cannot be told."""
        said = self._speaker.tell(text)
        flaw = said.reason if isinstance(said, Flaw) else "" if isinstance(said.value, bool) else "it is no condition"
        holds = isinstance(said, Said) and said.value is True
        evaluated = ConditionEvaluated(
            place=self._phase.key,
            generation=self._state.generation,
            expression=text,
            reads=said.reads if isinstance(said, Said) else (),
            result="error" if flaw else "true" if holds else "false",
            detail=flaw,
            at=self._at,
        )
        self._said.append(evaluated)
        if flaw:
            self._park(f"{text!r} cannot be told: {flaw}")
            return None
        return holds

    def _skip(self, condition: str) -> None:
        skipped = PhaseSkipped(
            place=self._phase.key,
            generation=self._state.generation,
            reason="condition_false",
            detail=condition,
            arm="",
            at=self._at,
        )
        self._said.append(skipped)

    def _park(self, reason: str) -> None:
        parked = PhaseParked(
            place=self._phase.key,
            generation=self._state.generation,
            kind="definition",
            reason=reason,
            at=self._at,
        )
        self._said.append(parked)

    def _settle(self, arm: str) -> None:
        self._said.append(settled(self._state, self._phase.key, "succeeded", "", self._at, arm=arm))
