"""How a gate is counted: what its evidence is, who has to agree, what a vote or the time decides."""

import hashlib
from collections.abc import Sequence
from typing import Final

import orjson

from domain.kernel.change import replace
from domain.kernel.ids import SECOND, Instant
from domain.kernel.pipeline.definition import GatePhase
from domain.kernel.pipeline.expressions import Flaw
from domain.kernel.pipeline.gate import Gate, GateClass, eligible_of, is_met, quorum_of
from domain.kernel.pipeline.texts import filled
from domain.run.answers import AnswerStep, decided, parked
from domain.run.events import Consumed
from domain.run.gate_events import (
    DecidedBy,
    EvidencePiece,
    GateDecision,
    GateEscalated,
    GateOpened,
    GateReminded,
    TimerSet,
)
from domain.run.known import Speaker
from domain.run.state import GateState, Run

AUTOPILOT: Final[dict[str, frozenset[GateClass]]] = {
    "observe": frozenset(),
    "fix_forward": frozenset({"merge"}),
    "auto_staging": frozenset({"merge", "staging"}),
    "auto_prod": frozenset({"merge", "staging", "production"}),
}
"""Classes of gates that may settle without a person, by the project's mode; ``strategic`` is in none."""

GateStep = GateOpened | GateReminded | GateEscalated | TimerSet | AnswerStep


def opened(phase: GatePhase, run: Run, speaker: Speaker, autopilot: str, at: Instant) -> tuple[GateStep, ...] | Flaw:
    """The question with its evidence; where the autopilot may and the automatic evidence is there, its answer too."""
    gate, state = phase.gate, run.phase(phase.key)
    values = speaker.bound(gate.inputs)
    if isinstance(values, Flaw):
        return values
    evidence = pieces_of(gate, speaker)
    if isinstance(evidence, Flaw):
        return evidence
    pieces, reads = evidence
    said = None if gate.automatic is None else speaker.tell(gate.automatic)
    if isinstance(said, Flaw):
        return said
    looked_at = () if said is None else said.reads
    question = GateOpened(
        place=phase.key,
        generation=state.generation,
        gate_class=gate.gate_class,
        question=filled(gate.question, values.values),
        evidence=pieces,
        digest=digest_of(pieces),
        reads=tuple({one.place: one for one in (*values.reads, *reads, *looked_at)}.values()),
        at=at,
    )
    if said is not None and said.value is True and gate.gate_class in AUTOPILOT.get(autopilot, frozenset()):
        state_then = GateState(question, at)
        return (question, *decided(phase, run, state_then, "approved", "autopilot", at, detail=autopilot))
    climbed = _climbed(phase, GateState(question, at), run.queued.by, state.generation, at)
    return (question, *climbed, *next_timer(phase, state.generation, at, at))


def _climbed(
    phase: GatePhase, gate: GateState, requester: str, generation: int, at: Instant
) -> tuple[GateEscalated, ...]:
    """Rungs above those that nobody could ever make up, because too few are named."""
    steps: list[GateEscalated] = []
    for rung in range(gate.rung, len(phase.gate.escalate)):
        if not is_out_of_reach(phase.gate, replace(gate, rung=rung), requester):
            break
        steps.append(escalated(phase, generation, rung + 1, "out_of_reach", at))
    return tuple(steps)


def pieces_of(gate: Gate, speaker: Speaker) -> tuple[tuple[EvidencePiece, ...], tuple[Consumed, ...]] | Flaw:
    """The evidence as it is now, and of which phases it speaks."""
    found: list[EvidencePiece] = []
    reads: list[Consumed] = []
    for one in gate.evidence:
        said = speaker.tell(one.value)
        if isinstance(said, Flaw):
            return Flaw(said.kind, f"the evidence {one.name}: {said.reason}")
        found.append(piece(one.name, one.subject, orjson.dumps(said.value).decode()))
        reads += said.reads
    return tuple(found), tuple(reads)


def piece(name: str, subject: object, value: str) -> EvidencePiece:
    """One piece with its digest."""
    digest = hashlib.sha256(value.encode()).hexdigest()
    return EvidencePiece.model_validate(
        {"name": name, "subject": subject, "value": value, "digest": f"sha256:{digest}"}
    )


def digest_of(pieces: Sequence[EvidencePiece]) -> str:
    """Of all pieces together."""
    text = "\n".join(f"{one.name} {one.digest}" for one in pieces)
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def answer_of(gate: Gate, state: GateState) -> tuple[GateDecision, DecidedBy] | None:
    """What the votes decide; None while they do not."""
    ballots = state.votes.values()
    if any(one.verdict == "request_changes" for one in ballots):
        return "changes_requested", "request"
    if gate.veto and sum(one.verdict == "reject" for one in ballots) >= gate.veto:
        return "rejected", "veto"
    yes = [one for one in ballots if one.verdict == "approve"]
    return ("approved", "quorum") if is_met(quorum_of(gate, state.rung), yes) else None


def is_out_of_reach(gate: Gate, state: GateState, requester: str) -> bool:
    """Whether those who may still vote cannot make up the quorum: told only where all of them are known by name."""
    voters = eligible_of(gate, state.rung)
    if any(one.who != "principal" for one in voters):
        return False
    against = {name for name, vote in state.votes.items() if vote.verdict == "reject"}
    left_out = {requester} if "requester" in gate.exclude else set[str]()
    return len({one.name for one in voters} - against - left_out) < quorum_of(gate, state.rung).approvals


def tended(phase: GatePhase, run: Run, gate: GateState, at: Instant) -> tuple[GateStep, ...]:
    """What time brings: reminders, rungs of the ladder, and the end."""
    state = run.phase(phase.key)
    elapsed, steps = (at - gate.begun_at) / SECOND, list[GateStep]()
    asked = phase.gate
    for number, seconds in enumerate(asked.reminders_seconds, 1):
        if number > gate.reminders and elapsed >= seconds:
            steps.append(GateReminded(place=phase.key, generation=state.generation, number=number, at=at))
    risen = _risen(phase, run, gate, at)
    steps += risen
    answer = answer_of(asked, replace(gate, rung=risen[-1].rung)) if risen else None
    if answer is not None:
        return (*steps, *decided(phase, run, gate, *answer, at))
    if asked.deadline_seconds is not None and elapsed >= asked.deadline_seconds:
        return (*steps, *_expired(phase, run, gate, at))
    return (*steps, *next_timer(phase, state.generation, gate.begun_at, at))


def _risen(phase: GatePhase, run: Run, gate: GateState, at: Instant) -> tuple[GateEscalated, ...]:
    """Rungs whose time has come, and those that follow at once because too few are named on them."""
    generation, elapsed = run.phase(phase.key).generation, (at - gate.begun_at) / SECOND
    reached = sum(elapsed >= one.after_seconds for one in phase.gate.escalate)  # they ascend
    if reached <= gate.rung:
        return ()
    timed = (escalated(phase, generation, rung, "time", at) for rung in range(gate.rung + 1, reached + 1))
    return (*timed, *_climbed(phase, replace(gate, rung=reached), run.queued.by, generation, at))


def escalated(phase: GatePhase, generation: int, rung: int, because: object, at: Instant) -> GateEscalated:
    """The next rung is reached."""
    notify = phase.gate.escalate[rung - 1].notify
    return GateEscalated.model_validate(
        {"place": phase.key, "generation": generation, "rung": rung, "because": because, "notify": notify, "at": at}
    )


def _expired(phase: GatePhase, run: Run, gate: GateState, at: Instant) -> tuple[GateStep, ...]:
    match phase.gate.on_expiry:
        case "park":
            return (parked(phase, run.phase(phase.key), "nobody decided in time", at),)
        case "reject":
            return decided(phase, run, gate, "rejected", "expiry", at)
        case "approve":
            return decided(phase, run, gate, "approved", "expiry", at)
        case "arm":
            return decided(phase, run, gate, "expired", "expiry", at)


def next_timer(phase: GatePhase, generation: int, opened_at: Instant, at: Instant) -> tuple[GateStep, ...]:
    """When to look again; nothing where no time is set."""
    gate = phase.gate
    marks = [*gate.reminders_seconds, *(one.after_seconds for one in gate.escalate)]
    marks += [] if gate.deadline_seconds is None else [gate.deadline_seconds]
    due = min(
        (Instant(opened_at + int(mark * SECOND)) for mark in marks if opened_at + mark * SECOND > at), default=None
    )
    if due is None:
        return ()
    return (TimerSet(place=phase.key, generation=generation, kind="gate", due=due, at=at),)
