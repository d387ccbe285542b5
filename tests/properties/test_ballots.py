"""Whoever votes in whatever order and how often: one decision at most, by the latest votes, and nothing behind it."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.kernel.ids import Instant
from domain.kernel.pipeline.gate import Quorum, Voter
from domain.proposal.decider import answered, evolve
from domain.proposal.events import ProposalOpened, ProposalOption, ProposalVoteCast
from domain.proposal.state import Proposal

AT = Instant(1_700_000_000_000_000)
CHOICES = ("left", "right", "")
VOTES = st.lists(st.tuples(st.sampled_from("abcde"), st.sampled_from(CHOICES)), max_size=20)


def opened(approvals: int, people: int, veto: int) -> ProposalOpened:
    said: dict[str, Any] = {"question": "?", "exclude": (), "closes_at": None, "by": "k", "session": "", "family": ()}
    return ProposalOpened(
        project="p",
        options=tuple(ProposalOption(name=name, text="") for name in CHOICES[:2]),
        eligible=(Voter(who="role", name="operator"),),
        quorum=Quorum(approvals=approvals, people_min=people),
        veto=veto,
        at=AT,
        **said,
    )


def expected(votes: list[tuple[str, str]], approvals: int, people: int, veto: int) -> tuple[int, str] | None:
    """After which vote it ends and with which choice, told from the votes alone; a and b are people."""
    latest: dict[str, str] = {}
    for number, (who, choice) in enumerate(votes):
        latest[who] = choice
        by_choice = {one: [name for name, said in latest.items() if said == one] for one in CHOICES}
        if veto and len(by_choice[""]) >= veto:
            return number, ""
        for one in CHOICES[:2]:
            if len(by_choice[one]) >= approvals and len(set(by_choice[one]) & {"a", "b"}) >= people:
                return number, one
    return None


@settings(max_examples=150, deadline=None)
@given(votes=VOTES, approvals=st.integers(1, 4), people=st.integers(0, 2), veto=st.integers(0, 3))
def test_the_first_that_has_its_votes_is_chosen(
    votes: list[tuple[str, str]], approvals: int, people: int, veto: int
) -> None:
    state = evolve(Proposal(opened(approvals, people, veto)), opened(approvals, people, veto))
    found: tuple[int, str] | None = None
    for number, (who, choice) in enumerate(votes):
        cast = ProposalVoteCast(voter=who, choice=choice, human=who in "ab", roles=(), session="", comment="", at=AT)
        state = evolve(state, cast)
        assert isinstance(state, Proposal)
        answer = answered(state, who, AT)
        if answer is not None:
            found = number, answer.choice
            assert {one.voter: one.choice for one in answer.tally} == dict(votes[: number + 1])
            break
    assert found == expected(votes, approvals, people, veto)
