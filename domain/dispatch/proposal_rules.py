"""Proposals: who may open, choose and withdraw is told by keys and sessions, as at the gates of runs."""

from collections.abc import Mapping
from typing import Final

from domain.dispatch.lookup import find_serving
from domain.dispatch.run_voters import Voting, matches, roles_in, voting
from domain.kernel.decider import Decision, View, Write, refuse
from domain.kernel.decisions import Decide
from domain.kernel.errors import Rejection, UnknownThing
from domain.kernel.ids import StreamId, derived_id, is_type_id
from domain.kernel.message import Answer, Command, Event, Stamp
from domain.kernel.pipeline.gate import VOTES_MAX
from domain.project.decider import read_project
from domain.proposal.commands import ExpireProposal, OpenProposal, VoteOnProposal, WithdrawProposal
from domain.proposal.decider import PROPOSAL, answered, ended, evolve, opened
from domain.proposal.errors import BallotRefused, NoSuchOption, ProposalContradictory, ProposalErased, ProposalOver
from domain.proposal.events import ProposalLateVote, ProposalVoteCast
from domain.proposal.state import LATE_VOTES_MAX, Proposal

_STEERING: Final = frozenset({"operator", "admin", "owner"})
"""Roles that may withdraw what others have asked."""


class ProposalMade(Answer):
    """The question stands."""

    proposal: str


class BallotCounted(Answer):
    """The vote is counted, or recorded as late."""

    outcome: str
    """How it has ended by now; empty while it stands."""
    choice: str
    late: bool
    """Whether it came behind the end and changed nothing."""
    votes: int
    """For the same choice, this one included."""
    needed: int


def open_proposal(command: OpenProposal, stamp: Stamp, view: View) -> Decision:
    """Ask the question."""
    project = read_project(stamp, view)
    if isinstance(project, UnknownThing):
        return refuse(project)
    who = _who(command, stamp, view)
    if isinstance(who, Rejection):
        return refuse(who)
    family = tuple(sorted(who.family))
    made = opened(command, stamp.project, stamp.principal, who.session, family, stamp.time)
    if isinstance(made, ProposalContradictory):
        return refuse(made)
    stream = derived_id(PROPOSAL.prefix, stamp.time, stamp.key)
    return Decision((Write(stream, (made,), stamp.project),), ProposalMade(proposal=stream))


def vote_on_proposal(command: VoteOnProposal, stamp: Stamp, view: View) -> Decision:
    """Count a vote of somebody who may; the deciding one decides in the same append."""
    who = _who(command, stamp, view)
    if isinstance(who, Rejection):
        return refuse(who)
    found = _readable(command, stamp, view)
    if isinstance(found, Rejection):
        return refuse(found)
    flaw = _barred(command, who, found, stamp)
    if flaw is not None:
        return refuse(flaw)
    choice = command.choice or ""
    if found.outcome:
        late = ProposalLateVote(voter=stamp.principal, choice=choice, at=stamp.time)
        said: tuple[Event, ...] = (late,) if found.late < LATE_VOTES_MAX else ()
        return _decision(command.proposal, found, said, choice, stamp, late=True)
    vote = ProposalVoteCast(
        voter=stamp.principal,
        choice=choice,
        human=who.human,
        roles=roles_in(who, (found.opened.quorum,)),
        session=who.session,
        comment=command.comment,
        at=stamp.time,
    )
    if _repeats(vote, found):
        return _decision(command.proposal, found, (), choice, stamp, late=False)
    after = evolve(found, vote)
    answer = answered(after, stamp.principal, stamp.time) if isinstance(after, Proposal) else None
    return _decision(command.proposal, found, (vote,) if answer is None else (vote, answer), choice, stamp, late=False)


def _repeats(vote: ProposalVoteCast, before: Proposal) -> bool:
    """Whether the voter has said just that already: whoever asks again and again is counted once."""
    known = before.votes.get(vote.voter)
    if known is None or before.comments.get(vote.voter) != vote.comment:
        return False
    return (known.choice, known.human, known.roles) == (vote.choice, vote.human, vote.roles)


def withdraw_proposal(command: WithdrawProposal, stamp: Stamp, view: View) -> Decision:
    """Ask no longer."""
    who = _who(command, stamp, view)
    if isinstance(who, Rejection):
        return refuse(who)
    found = _readable(command, stamp, view)
    if isinstance(found, Rejection):
        return refuse(found)
    own = stamp.principal == found.opened.by and who.session == found.opened.session
    if not own and not (who.human and who.role in _STEERING):
        reason = "only whoever opened it, or a person who runs the project, withdraws it"
        return refuse(BallotRefused(proposal=command.proposal, reason=reason))
    if found.outcome == "withdrawn":
        return Decision()
    if found.outcome:
        return refuse(ProposalOver(proposal=command.proposal, outcome=found.outcome))
    over = ended(found, "withdrawn", "opener", stamp.time, by=stamp.principal, reason=command.reason)
    return Decision((Write(StreamId(command.proposal), (over,), stamp.project),))


def expire(command: ExpireProposal, stamp: Stamp, view: View) -> Decision:
    """It ends undecided; nothing where it has ended before."""
    found = find_proposal(view, command.proposal, stamp)
    if isinstance(found, Rejection):
        return refuse(found)
    closes = found.opened.closes_at
    if found.outcome or closes is None or stamp.time < closes:
        return Decision()
    over = ended(found, "expired", "expiry", stamp.time)
    return Decision((Write(StreamId(command.proposal), (over,), stamp.project),))


def _readable(command: VoteOnProposal | WithdrawProposal, stamp: Stamp, view: View) -> Proposal | Rejection:
    """The proposal for whoever wants to do something with it: not once its words were erased."""
    found = find_proposal(view, command.proposal, stamp)
    erased = isinstance(found, Proposal) and found.erased
    return ProposalErased(proposal=command.proposal) if erased else found


def find_proposal(view: View, name: str, stamp: Stamp) -> Proposal | UnknownThing:
    """The proposal with that id; one of another project does not exist here."""
    state = view.read(PROPOSAL, StreamId(name)) if is_type_id(name, PROPOSAL.prefix) else PROPOSAL.initial
    if not isinstance(state, Proposal) or state.opened.project != stamp.project:
        return UnknownThing(kind="proposal", name=name)
    return state


def _who(command: OpenProposal | VoteOnProposal | WithdrawProposal, stamp: Stamp, view: View) -> Voting | Rejection:
    if command.session is None:
        return voting(view, stamp, None)
    session = find_serving(view, command.session, command.incarnation, stamp)
    return session if isinstance(session, Rejection) else voting(view, stamp, (command.session, session))


def _barred(command: VoteOnProposal, who: Voting, proposal: Proposal, stamp: Stamp) -> Rejection | None:
    """Why the vote is refused; None where it counts."""
    asked, name = proposal.opened, command.proposal
    if not any(matches(one, who) for one in asked.eligible):
        reason = "it does not name you, your role, or what your session can do"
        return BallotRefused(proposal=name, reason=reason)
    if "opener" in asked.exclude and stamp.principal == asked.by and who.session == asked.session:
        return BallotRefused(proposal=name, reason="whoever opened it is left out")
    if "session_tree" in asked.exclude and who.family & frozenset(asked.family):
        return BallotRefused(proposal=name, reason="your session is of the family that opened it")
    if stamp.principal not in proposal.votes and len(proposal.votes) >= VOTES_MAX:
        return BallotRefused(proposal=name, reason=f"{VOTES_MAX} have voted")
    options = [one.name for one in asked.options]
    if command.choice is not None and command.choice not in options:
        return NoSuchOption(proposal=name, choice=command.choice, options=", ".join(options))
    return None


def _decision(
    name: str, before: Proposal, said: tuple[Event, ...], choice: str, stamp: Stamp, *, late: bool
) -> Decision:
    after = before
    for event in said:
        state = PROPOSAL.evolve(after, event)
        after = state if isinstance(state, Proposal) else after
    quorum, votes = after.opened.quorum, sum(one.choice == choice for one in after.votes.values())
    answer = BallotCounted(
        outcome=after.outcome,
        choice=after.choice,
        late=late,
        votes=votes,
        needed=quorum.approvals if choice else after.opened.veto,
    )
    return Decision((Write(StreamId(name), said, stamp.project),) if said else (), answer)


PROPOSAL_DECISIONS: Final[Mapping[type[Command], Decide]] = {
    OpenProposal: open_proposal,
    VoteOnProposal: vote_on_proposal,
    WithdrawProposal: withdraw_proposal,
    ExpireProposal: expire,
}
"""What is decided when a proposal is asked something."""
