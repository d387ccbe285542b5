"""A run without what was said of it."""

from typing import Final, assert_never

from immutables import Map

from domain.kernel.change import replace
from domain.kernel.erasure_events import ErasureEvent, SubjectErased, SubjectErasureAsked
from domain.kernel.sealing import ERASED
from domain.run.events import RunQueued
from domain.run.state import GateState, PhaseState, Run

_JSON: Final = f'"{ERASED}"'


def erasing(run: Run, event: ErasureEvent) -> Run:
    """The run whose words somebody wants erased, or without them."""
    match event:
        case SubjectErasureAsked():
            return replace(run, erasure_asked_by=event.by)
        case SubjectErased():
            return replace(without_words(run), erasure_asked_by=event.asked_by)
        case _:
            assert_never(event)


def without_words(run: Run) -> Run:
    """The run as a fold would make it that reads no words any more; how it went, and with which tasks, stays."""
    return replace(
        run,
        queued=_queued(run.queued),
        begun_as=None if run.begun_as is None else _queued(run.begun_as),
        phases=Map((place, _phase(phase)) for place, phase in run.phases.items()),
        cancel_reason=_text(run.cancel_reason),
        signals=Map((name, tuple(map(_json, said))) for name, said in run.signals.items()),
        outputs=_json(run.outputs),
        erased=True,
    )


def _queued(queued: RunQueued) -> RunQueued:
    return queued.model_copy(update={"inputs": _json(queued.inputs)})


def _phase(phase: PhaseState) -> PhaseState:
    return replace(
        phase,
        reason=_text(phase.reason),
        summary=_text(phase.summary),
        input=_json(phase.input),
        output=_json(phase.output),
        changes=_text(phase.changes),
        items=tuple(item.model_copy(update={"input": _json(item.input)}) for item in phase.items),
        gate=None if phase.gate is None else _gate(phase.gate),
    )


def _gate(gate: GateState) -> GateState:
    evidence = tuple(piece.model_copy(update={"value": _json(piece.value)}) for piece in gate.opened.evidence)
    opened = gate.opened.model_copy(update={"question": _text(gate.opened.question), "evidence": evidence})
    return replace(gate, opened=opened, comments=Map((voter, _text(said)) for voter, said in gate.comments.items()))


def _text(said: str) -> str:
    return ERASED if said else ""


def _json(said: str) -> str:
    return _JSON if said else ""
