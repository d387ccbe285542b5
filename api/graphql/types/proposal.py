"""Proposals as they are shown."""

from enum import Enum
from typing import Any

import strawberry
from strawberry.scalars import JSON

from domain.kernel.ids import Instant
from projections.kernel.rows import entries, texts
from projections.proposals.rows import ProposalRow


@strawberry.enum
class ProposalStatus(Enum):
    """Where a proposal stands."""

    OPEN = "open"
    CHOSEN = "chosen"
    REJECTED = "rejected"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"


@strawberry.type
class ProposalBallot:
    """The latest vote of somebody."""

    voter: str
    choice: str = strawberry.field(description="Name of an option; empty for none of them.")
    human: bool
    comment: str
    session: str = strawberry.field(description="Of the agent that voted; empty for a person.")


@strawberry.type
class Proposal:
    """A question with options that people and agents vote on."""

    id: strawberry.ID
    project_id: str
    status: ProposalStatus
    question: str
    options: JSON
    eligible: JSON = strawberry.field(description="Who may vote, but for those who are left out.")
    votes_needed: int = strawberry.field(description="What one option needs to be chosen.")
    people_needed: int
    veto: int = strawberry.field(description="Votes for none of the options that end it; 0 for never.")
    exclude: JSON
    votes: list[ProposalBallot]
    late_total: int
    choice: str = strawberry.field(description="The option that was chosen; empty for none.")
    how: str = strawberry.field(description="quorum, veto, expiry or opener; empty while it stands.")
    decided_by: str
    reason: str
    opened_by: str
    session: str = strawberry.field(description="Of the agent that asks; empty for a person.")
    closes_at: Instant | None
    opened_at: Instant
    decided_at: Instant | None
    changed_at: Instant


@strawberry.input
class ProposalFilter:
    """Which proposals; what is not given is not asked."""

    project: str | None = strawberry.field(default=None, description="Slug or id.")
    status: list[ProposalStatus] | None = None
    id_suffix: str | None = strawberry.field(default=None, description="Last 4 to 26 characters of the id.")


def proposal_of(row: ProposalRow) -> Proposal:
    """A row as it is shown."""
    return Proposal(
        id=strawberry.ID(row.key),
        project_id=row.project,
        status=ProposalStatus(row.status),
        question=row.question,
        options=_any(entries(row.options)),
        eligible=_any(entries(row.eligible)),
        votes_needed=row.votes_needed,
        people_needed=row.people_needed,
        veto=row.veto,
        exclude=_any(list(texts(row.exclude))),
        votes=[ProposalBallot(**one) for one in entries(row.votes)],
        late_total=row.late_total,
        choice=row.choice,
        how=row.how,
        decided_by=row.decided_by,
        reason=row.reason,
        opened_by=row.opened_by,
        session=row.session,
        closes_at=None if row.closes_at is None else Instant(row.closes_at),
        opened_at=Instant(row.opened_at),
        decided_at=None if row.decided_at is None else Instant(row.decided_at),
        changed_at=Instant(row.changed_at),
    )


def _any(value: Any) -> Any:
    return value
