"""Says in words what happens to proposals."""

from typing import assert_never

from domain.proposal.events import ProposalDecided, ProposalLateVote, ProposalOpened, ProposalVoteCast
from projections.timeline.task_words import with_detail

ProposalTurn = ProposalOpened | ProposalVoteCast | ProposalLateVote | ProposalDecided


def proposal_turn(event: ProposalTurn) -> str:
    """The line, of any length."""
    match event:
        case ProposalOpened():
            return f"asks: {event.question} ({', '.join(one.name for one in event.options)})"
        case ProposalVoteCast():
            return with_detail(f"{event.voter} votes for {event.choice or 'none of them'}", event.comment)
        case ProposalLateVote():
            return f"{event.voter} votes for {event.choice or 'none of them'}, too late"
        case ProposalDecided():
            chosen = f" {event.choice}" if event.choice else ""
            return with_detail(f"proposal {event.outcome}{chosen} by {event.how}", event.reason)
        case _:
            assert_never(event)
