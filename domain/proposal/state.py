"""What a proposal is, as its decisions see it."""

from dataclasses import dataclass
from typing import Final

from immutables import Map

from domain.proposal.events import CountedVote, ProposalOpened

LATE_VOTES_MAX: Final = 64
"""That one proposal records."""


@dataclass(frozen=True, slots=True)
class Absent:
    """No such proposal."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A question that stands or stood."""

    opened: ProposalOpened
    votes: Map[str, CountedVote] = Map()
    """The latest of each voter."""
    comments: Map[str, str] = Map()
    """What each said with it."""
    outcome: str = ""
    """How it ended; empty while it stands."""
    choice: str = ""
    late: int = 0
    erasure_asked_by: str = ""
    """Who wants its words erased; empty where nobody does."""
    erased: bool = False


ProposalState = Absent | Proposal
