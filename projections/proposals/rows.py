"""What is shown of a proposal."""

from typing import Literal, NamedTuple

ProposalStatus = Literal["open", "chosen", "rejected", "expired", "withdrawn"]


class ProposalRow(NamedTuple):
    """A question with options. Instants are microseconds since 1970."""

    key: str
    project: str
    status: ProposalStatus
    question: str
    options: str
    """JSON: list of {name, text}."""
    eligible: str
    """JSON: list of {who, name} of those who may vote."""
    votes_needed: int
    people_needed: int
    veto: int
    exclude: str
    """JSON: list of words for who may not vote."""
    votes: str
    """JSON: list of {voter, choice, human, comment, session}."""
    late_total: int
    choice: str
    """Option that was chosen; empty for none."""
    how: str
    """quorum, veto, expiry or opener; empty while it stands."""
    decided_by: str
    reason: str
    opened_by: str
    session: str
    """Of the agent that asks; empty for a person."""
    closes_at: int | None
    opened_at: int
    decided_at: int | None
    changed_at: int
