"""How the question of a gate folds: votes, what is asked anew, reminders, rungs, its answer."""

from typing import assert_never

from immutables import Map

from domain.kernel.change import replace
from domain.run.gate_events import (
    Ballot,
    GateDecided,
    GateEscalated,
    GateEvidenceChanged,
    GateReminded,
    LateVote,
    VoteCast,
)
from domain.run.state import GateState

OfGate = GateEvidenceChanged | VoteCast | LateVote | GateReminded | GateEscalated | GateDecided


def voted(gate: GateState, event: OfGate) -> GateState:
    """The question, with one answer more or one step further up its ladder."""
    match event:
        case GateEvidenceChanged():
            opened = gate.opened.model_copy(update={"evidence": event.evidence, "digest": event.digest})
            return replace(gate, opened=opened, votes=Map(), comments=Map())
        case VoteCast():
            ballot = Ballot(voter=event.voter, verdict=event.verdict, human=event.human, roles=event.roles)
            comments = gate.comments.set(event.voter, event.comment)
            return replace(gate, votes=gate.votes.set(event.voter, ballot), comments=comments)
        case LateVote():
            return replace(gate, late=gate.late + 1)
        case GateReminded():
            return replace(gate, reminders=event.number)
        case GateEscalated():
            return replace(gate, rung=event.rung)
        case GateDecided():
            return replace(gate, decision=event.decision, how=event.how)
        case _:
            assert_never(event)
