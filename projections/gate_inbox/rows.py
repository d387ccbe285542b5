"""What is shown of a gate."""

from typing import Literal, NamedTuple

GateStatus = Literal["pending", "open", "parked", "decided", "closed"]


class GateRow(NamedTuple):
    """A gate of a run in its current generation. Instants are microseconds since 1970."""

    key: str
    """Run and place: ``run_…/sign_off``."""
    project: str
    run: str
    place: str
    pipeline: str
    status: GateStatus
    """``closed``: its phase was settled past it."""
    gate_class: str
    generation: int
    question: str
    evidence: str
    """JSON: list of {name, subject, value, digest}."""
    digest: str
    """Of all the evidence: what a vote may name."""
    eligible: str
    """JSON: list of {who, name} of those who may vote."""
    approvals_needed: int
    people_needed: int
    ladder: str
    """JSON: list of {eligible, approvals, people}, on the ground and on each rung."""
    veto: int
    rung: int
    """Of its ladder that is reached; 0 is the ground."""
    reminders: int
    votes: str
    """JSON: list of {voter, verdict, human, comment, session}."""
    voided_total: int
    """Votes that other evidence made void."""
    late_total: int
    decision: str
    how: str
    """quorum, veto, request, expiry, override or autopilot."""
    decided_by: str
    comment: str
    deadline_seconds: float | None
    opened_at: int | None
    decided_at: int | None
    changed_at: int
