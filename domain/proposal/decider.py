"""How proposals fold, and what their votes decide."""

from typing import Final, assert_never

from domain.kernel.change import replace
from domain.kernel.decider import Aggregate
from domain.kernel.erasure_events import ErasureEvent
from domain.kernel.ids import SECOND, Instant
from domain.kernel.pipeline.gate import ROLES, is_met, unknown_roles
from domain.proposal.commands import OpenProposal
from domain.proposal.erasure import erasing
from domain.proposal.errors import ProposalContradictory
from domain.proposal.events import (
    CountedVote,
    ProposalDecided,
    ProposalEvent,
    ProposalLateVote,
    ProposalOpened,
    ProposalOption,
    ProposalOutcome,
    ProposalVoteCast,
    SettledBy,
)
from domain.proposal.state import Absent, Proposal, ProposalState


def opened(
    command: OpenProposal, project: str, by: str, session: str, family: tuple[str, ...], at: Instant
) -> ProposalOpened | ProposalContradictory:
    """The question, unless it can have no answer."""
    reason = _contradiction(command)
    if reason:
        return ProposalContradictory(reason=reason)
    seconds = command.closes_after_seconds
    return ProposalOpened(
        project=project,
        question=command.question,
        options=tuple(ProposalOption(name=one.name, text=one.text) for one in command.options),
        eligible=command.eligible,
        quorum=command.quorum,
        veto=command.veto,
        exclude=tuple(dict.fromkeys(command.exclude)),
        closes_at=None if seconds is None else Instant(at + int(seconds * SECOND)),
        by=by,
        session=session,
        family=family,
        at=at,
        under_key=True,
    )


def _contradiction(command: OpenProposal) -> str:
    names = [one.name for one in command.options]
    if len(set(names)) < len(names):
        return "two of its options have the same name"
    if unknown := unknown_roles(command.eligible, command.quorum):
        return f"no key has the role {unknown[0]}; there are {', '.join(ROLES)}"
    if len(names) == 1 and command.veto == 0:
        return "with one option and no veto it could not be answered with no"
    if command.quorum.people_min > command.quorum.approvals:
        return "more people than votes are asked for"
    if sum(one.approvals for one in command.quorum.per_role) > command.quorum.approvals:
        return "its roles together have to give more votes than are asked for"
    return ""


def answered(proposal: Proposal, by: str, at: Instant) -> ProposalDecided | None:
    """What the votes decide; None while they do not. The options are looked at in their order."""
    votes = tuple(proposal.votes.values())
    if proposal.opened.veto and sum(not one.choice for one in votes) >= proposal.opened.veto:
        return ended(proposal, "rejected", "veto", at, by=by)
    for option in proposal.opened.options:
        if is_met(proposal.opened.quorum, [one for one in votes if one.choice == option.name]):
            return ended(proposal, "chosen", "quorum", at, by=by, choice=option.name)
    return None


def ended(
    proposal: Proposal,
    outcome: ProposalOutcome,
    how: SettledBy,
    at: Instant,
    *,
    by: str = "",
    choice: str = "",
    reason: str = "",
) -> ProposalDecided:
    """The end with the full tally."""
    tally = tuple(proposal.votes[name] for name in sorted(proposal.votes))
    return ProposalDecided(outcome=outcome, choice=choice, how=how, by=by, reason=reason, tally=tally, at=at)


def evolve(state: ProposalState, event: ProposalEvent | ErasureEvent) -> ProposalState:
    """The proposal after the event."""
    if isinstance(event, ProposalOpened):
        return Proposal(event)
    if isinstance(state, Absent):
        return state
    if isinstance(event, ErasureEvent):
        return erasing(state, event)
    match event:
        case ProposalVoteCast():
            vote = CountedVote(voter=event.voter, choice=event.choice, human=event.human, roles=event.roles)
            comments = state.comments.set(event.voter, event.comment)
            return replace(state, votes=state.votes.set(event.voter, vote), comments=comments)
        case ProposalLateVote():
            return replace(state, late=state.late + 1)
        case ProposalDecided():
            return replace(state, outcome=event.outcome, choice=event.choice)
        case _:
            assert_never(event)


def _rests(state: ProposalState) -> bool:
    return isinstance(state, Proposal) and bool(state.outcome)


PROPOSAL: Final[Aggregate[ProposalState]] = Aggregate(
    prefix="proposal", initial=Absent(), evolve=evolve, state_type=ProposalState, rests=_rests
)
