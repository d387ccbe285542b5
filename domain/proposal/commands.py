"""What may be asked of proposals."""

from typing import Annotated, ClassVar

from pydantic import Field, StringConstraints

from domain.kernel.message import COUNT_MAX, Message, ProjectCommand
from domain.kernel.pipeline.gate import VOTES_MAX, Quorum, Voter
from domain.kernel.pipeline.words import Duration, Word
from domain.kernel.text import Reference
from domain.proposal.events import LeftOut

OPTIONS_MAX = 16


class Choice(Message):
    """An option as somebody offers it."""

    name: Word
    text: Annotated[str, StringConstraints(max_length=4_096)] = ""


class OpenProposal(ProjectCommand):
    """Ask people and agents to choose one of several options."""

    NAME: ClassVar[str] = "open_proposal"
    question: str = Field(min_length=1, max_length=4_096)
    options: tuple[Choice, ...] = Field(min_length=1, max_length=OPTIONS_MAX)
    eligible: tuple[Voter, ...] = Field(default=(Voter(who="role", name="operator"),), min_length=1, max_length=64)
    quorum: Quorum = Quorum()
    """What one option needs to be chosen."""
    veto: int = Field(default=0, ge=0, le=VOTES_MAX)
    """Votes for none of the options that end it; 0 for never."""
    exclude: tuple[LeftOut, ...] = Field(default=(), max_length=2)
    """Who may not vote: who asks, and sessions of the same tree."""
    closes_after_seconds: Duration | None = None
    """When it ends undecided; None waits for ever."""
    session: Reference | None = None
    """Of the agent that asks; None for a person."""
    incarnation: int = Field(default=1, ge=1, le=COUNT_MAX)


class VoteOnProposal(ProjectCommand):
    """Choose an option, or none. A further vote of the same principal takes the place of the one before."""

    NAME: ClassVar[str] = "vote_on_proposal"
    proposal: Reference
    choice: Word | None = None
    """Name of an option; None is against all of them."""
    comment: str = Field(default="", max_length=4_096)
    session: Reference | None = None
    """Of the agent that votes; None for a person."""
    incarnation: int = Field(default=1, ge=1, le=COUNT_MAX)


class WithdrawProposal(ProjectCommand):
    """Ask no longer; for whoever opened it, and for people who run the project."""

    NAME: ClassVar[str] = "withdraw_proposal"
    proposal: Reference
    reason: str = Field(default="", max_length=500)
    session: Reference | None = None
    """Of the agent that opened it; None for a person."""
    incarnation: int = Field(default=1, ge=1, le=COUNT_MAX)


class ExpireProposal(ProjectCommand):
    """The time of a proposal is over (derived)."""

    NAME: ClassVar[str] = "expire_proposal"
    proposal: str
