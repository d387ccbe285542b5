"""What happened to proposals."""

from typing import ClassVar, Literal

from domain.kernel.ids import Instant
from domain.kernel.message import Event, Message
from domain.kernel.pipeline.gate import Quorum, Voter

LeftOut = Literal["opener", "session_tree"]
ProposalOutcome = Literal["chosen", "rejected", "expired", "withdrawn"]
SettledBy = Literal["quorum", "veto", "expiry", "opener"]


class ProposalOption(Message):
    """One of the answers that there are to choose from."""

    name: str
    text: str
    """What it means; empty where the name says it."""


class CountedVote(Message):
    """The latest vote of somebody."""

    voter: str
    choice: str
    """Name of an option; empty for none of them."""
    human: bool
    roles: tuple[str, ...]


class ProposalOpened(Event):
    """A question stands; those who may choose one of its options."""

    TYPE: ClassVar[str] = "proposal.opened.v1"
    project: str
    question: str
    options: tuple[ProposalOption, ...]
    eligible: tuple[Voter, ...]
    quorum: Quorum
    """What one option needs to be chosen."""
    veto: int
    """Votes for none of the options that end it; 0 for never."""
    exclude: tuple[LeftOut, ...]
    closes_at: Instant | None
    """When it ends undecided; None waits for ever."""
    by: str
    session: str
    """Of the agent that asks; empty for a person."""
    family: tuple[str, ...]
    """That session and those above it."""
    at: Instant
    under_key: bool = False
    """Whether what is said of it is kept under a key; False where it was asked before there were keys for proposals."""


class ProposalVoteCast(Event):
    """Somebody who may has voted; the latest vote of each counts."""

    TYPE: ClassVar[str] = "proposal.vote_cast.v1"
    voter: str
    choice: str
    human: bool
    roles: tuple[str, ...]
    """For which the vote counts."""
    session: str
    """Of the agent that voted; empty for a person."""
    comment: str
    at: Instant


class ProposalLateVote(Event):
    """A vote behind the end; it changes nothing."""

    TYPE: ClassVar[str] = "proposal.late_vote.v1"
    voter: str
    choice: str
    at: Instant


class ProposalDecided(Event):
    """The question is answered, or not answered any more, with every vote that counted."""

    TYPE: ClassVar[str] = "proposal.decided.v1"
    outcome: ProposalOutcome
    choice: str
    """The option that was chosen; empty for none."""
    how: SettledBy
    by: str
    """Whose vote or word decided; empty for time."""
    reason: str
    tally: tuple[CountedVote, ...]
    at: Instant


ProposalEvent = ProposalOpened | ProposalVoteCast | ProposalLateVote | ProposalDecided
