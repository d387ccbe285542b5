"""Gates of runs as they are shown."""

from enum import Enum
from typing import Any

import strawberry
from strawberry.scalars import JSON

from domain.kernel.ids import Instant
from projections.gate_inbox.rows import GateRow
from projections.kernel.rows import entries


@strawberry.enum
class GateStatus(Enum):
    """Where a gate stands. CLOSED: its phase was settled past it. PARKED: nobody decided in time, and still may."""

    PENDING = "pending"
    OPEN = "open"
    PARKED = "parked"
    DECIDED = "decided"
    CLOSED = "closed"


@strawberry.type
class Vote:
    """The latest vote of somebody, on the evidence as it is."""

    voter: str
    verdict: str
    human: bool
    comment: str
    session: str = strawberry.field(description="Of the agent that voted; empty for a person.")


@strawberry.type
class Gate:
    """A question that a run puts to people and agents."""

    id: strawberry.ID
    project_id: str
    run_id: str
    place: str
    pipeline: str
    status: GateStatus
    gate_class: str
    generation: int
    question: str
    evidence: JSON
    digest: str = strawberry.field(description="Of all the evidence: what a vote may name.")
    eligible: JSON = strawberry.field(description="Who may vote, but for those whom the gate leaves out.")
    approvals_needed: int
    people_needed: int
    veto: int
    rung: int
    reminders: int
    votes: list[Vote]
    voided_total: int = strawberry.field(description="Votes that other evidence made void.")
    late_total: int
    decision: str
    how: str = strawberry.field(description="quorum, veto, request, expiry, override or autopilot.")
    decided_by: str
    comment: str
    deadline_seconds: float | None
    opened_at: Instant | None
    decided_at: Instant | None
    changed_at: Instant


@strawberry.input
class GateFilter:
    """Which gates; what is not given is not asked."""

    project: str | None = strawberry.field(default=None, description="Slug or id.")
    run: str | None = strawberry.field(default=None, description="Id.")
    place: str | None = None
    status: list[GateStatus] | None = None
    gate_class: str | None = None


def gate_of(row: GateRow) -> Gate:
    """A row as it is shown."""
    return Gate(
        id=strawberry.ID(row.key),
        project_id=row.project,
        run_id=row.run,
        place=row.place,
        pipeline=row.pipeline,
        status=GateStatus(row.status),
        gate_class=row.gate_class,
        generation=row.generation,
        question=row.question,
        evidence=_any(entries(row.evidence)),
        digest=row.digest,
        eligible=_any(entries(row.eligible)),
        approvals_needed=row.approvals_needed,
        people_needed=row.people_needed,
        veto=row.veto,
        rung=row.rung,
        reminders=row.reminders,
        votes=[Vote(**one) for one in entries(row.votes)],
        voided_total=row.voided_total,
        late_total=row.late_total,
        decision=row.decision,
        how=row.how,
        decided_by=row.decided_by,
        comment=row.comment,
        deadline_seconds=row.deadline_seconds,
        opened_at=None if row.opened_at is None else Instant(row.opened_at),
        decided_at=None if row.decided_at is None else Instant(row.decided_at),
        changed_at=Instant(row.changed_at),
    )


def _any(value: Any) -> Any:
    return value
