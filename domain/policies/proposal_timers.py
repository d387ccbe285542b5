"""What happens to proposals by itself once a time has come."""

from collections.abc import Mapping
from functools import partial
from typing import Final

from domain.kernel.message import Event
from domain.kernel.policy import Cause
from domain.policies.waits import Subject, Wait
from domain.proposal.commands import ExpireProposal
from domain.proposal.events import ProposalDecided, ProposalOpened

PROPOSAL_DUE: Final = "proposal_due"
"""The time of a proposal is over."""

STARTS: Final[tuple[type[Event], ...]] = (ProposalOpened,)
STOPS: Final[Mapping[type[Event], tuple[str, ...]]] = {ProposalDecided: (PROPOSAL_DUE,)}
"""Waits that an event makes moot."""


def waits_of(cause: Cause) -> tuple[Wait, ...]:
    """The wait that the event starts."""
    event = cause.event
    if not isinstance(event, ProposalOpened) or event.closes_at is None:
        return ()
    expire = partial(ExpireProposal, project=cause.project, proposal=cause.stream)
    return (Wait(Subject(PROPOSAL_DUE, cause.stream), event.closes_at, cause, expire),)
