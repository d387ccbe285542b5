"""What follows from the answer of a gate: how its phase settles, whether phases are done anew or all is taken back."""

from collections.abc import Iterator

import orjson

from domain.kernel.ids import Instant
from domain.kernel.pipeline.definition import GatePhase
from domain.kernel.pipeline.gate import APPROVED, EXPIRED, Gate
from domain.kernel.pipeline.graph import every_phase, key_at
from domain.run.events import PhaseParked, PhaseSettled, PhaseSkipped, RunFailing
from domain.run.gate_events import Ballot, DecidedBy, GateDecided, GateDecision
from domain.run.loops import scope_of, sibling
from domain.run.rework import redo_of
from domain.run.state import GateState, PhaseState, Run

AnswerStep = GateDecided | PhaseSettled | PhaseSkipped | PhaseParked | RunFailing


def decided(
    phase: GatePhase,
    run: Run,
    gate: GateState,
    decision: GateDecision,
    how: DecidedBy,
    at: Instant,
    *,
    by: str = "",
    comment: str = "",
    detail: str = "",
) -> tuple[AnswerStep, ...]:
    """The decision with the full tally, and how the phase settles by it; not at all where phases are done anew.

    A gate that may not ask for that any more is parked, unless it is overridden.
    """
    state, again = run.phase(phase.key), reworks(phase.gate, decision)
    refused = no_rework(phase, run) if again else ""
    if refused and how != "override":
        return () if state.status == "parked" else (parked(phase, state, refused, at),)
    tally = tuple(gate.votes[name] for name in sorted(gate.votes))
    answer = GateDecided(
        place=phase.key,
        generation=state.generation,
        decision=decision,
        how=how,
        detail=detail,
        by=by,
        comment=comment,
        tally=tally,
        at=at,
        digest=gate.opened.digest,
    )
    if again and not refused:
        return (answer,)
    failing = () if run.failing or decision != "rejected" or phase.gate.on_reject != "compensate" else _ends(phase, at)
    return (answer, _outcome(phase, state, answer, comment, tally, at), *failing)


def _ends(phase: GatePhase, at: Instant) -> tuple[RunFailing]:
    """Nothing begins any more that would have to be taken back, whatever the run does about failures else."""
    return (RunFailing(because=phase.key, at=at),)


def parked(phase: GatePhase, state: PhaseState, reason: str, at: Instant) -> PhaseParked:
    return PhaseParked(place=phase.key, generation=state.generation, kind="gate", reason=reason, at=at)


def _outcome(
    phase: GatePhase, state: PhaseState, answer: GateDecided, comment: str, tally: tuple[Ballot, ...], at: Instant
) -> PhaseSettled | PhaseSkipped:
    with_arms = phase.gate.on_expiry == "arm"
    arm = {"approved": APPROVED, "expired": EXPIRED}.get(answer.decision, "") if with_arms else ""
    if answer.decision == "rejected" and phase.gate.on_reject == "skip":
        return PhaseSkipped(
            place=phase.key, generation=state.generation, reason="rejected", detail=comment, arm="", at=at
        )
    counts = {
        "decision": answer.decision,
        "comment": comment,
        "approvals": sum(one.verdict == "approve" for one in tally),
        "rejections": sum(one.verdict == "reject" for one in tally),
    }
    good = answer.decision in ("approved", "expired")
    return PhaseSettled(
        place=phase.key,
        generation=state.generation,
        outcome="succeeded" if good else "failed",
        reason="" if good else f"it was {answer.decision.replace('_', ' ')}",
        arm=arm,
        summary=f"{answer.decision.replace('_', ' ')} by {answer.how}",
        output=orjson.dumps(counts).decode(),
        by=answer.by,
        at=at,
    )


def reworks(gate: Gate, decision: str) -> bool:
    """Whether the answer has phases done anew."""
    asked = decision == "changes_requested" or (decision == "rejected" and gate.on_reject == "rework")
    return asked and gate.rework is not None


def rejected_for_good(run: Run) -> tuple[str, ...]:
    """Gates whose rejection takes back the whole run."""
    if not any(one.gate.on_reject == "compensate" for one in _gates_of(run)):
        return ()
    rejecting = {one.key for one in _gates_of(run) if one.gate.on_reject == "compensate"}
    places = (place for phase in run.queued.definition.phases for place in run.places(phase.key))
    found = ((place, run.phase(place).gate) for place in places if key_at(place) in rejecting)
    return tuple(place for place, gate in found if gate is not None and gate.decision == "rejected")


def _gates_of(run: Run) -> Iterator[GatePhase]:
    return (one for one in every_phase(run.queued.definition) if isinstance(one, GatePhase))


def no_rework(phase: GatePhase, run: Run) -> str:
    """Why nothing can be done anew for the gate any more; empty where it can."""
    count = run.reworks.get(key_at(phase.key), 0)
    if count >= phase.gate.reworks_max:
        return f"it has had phases done anew {count} times, and asks for it once more"
    behind = redo_of(run, scope_of(run, phase.key), (sibling(phase.key, phase.gate.rework or ""),)).behind
    return f"{behind[0]}, a point of no return, was passed" if behind else ""
