"""Proposals are answered once, by those who may, by the rules of a quorum that gates have."""

from typing import Any, get_args

import pytest

from domain.dispatch.erasing import ErasureTaken
from domain.dispatch.proposal_rules import BallotCounted, ProposalMade
from domain.kernel.decider import Decision, fold
from domain.kernel.erasure_events import SubjectErased, SubjectErasureAsked
from domain.kernel.errors import UnknownThing
from domain.kernel.ids import StreamId, derived_id
from domain.kernel.pipeline.gate import ROLES
from domain.kernel.policy import derived_stamp
from domain.policies.agenda import Agenda
from domain.principal.commands import Role
from domain.principal.events import KeyIssued
from domain.proposal.commands import ExpireProposal, OpenProposal, VoteOnProposal, WithdrawProposal
from domain.proposal.decider import PROPOSAL
from domain.proposal.errors import (
    BallotRefused,
    NoSuchOption,
    ProposalContradictory,
    ProposalErased,
    ProposalOver,
    ProposalUnsettled,
)
from domain.proposal.events import ProposalDecided, ProposalLateVote
from domain.proposal.state import LATE_VOTES_MAX
from domain.task.commands import EraseSubject
from projections.kernel.replay import replay
from projections.proposals.projection import PROPOSALS
from tests.decisions.test_run_erasure import bare
from tests.support.fleet import Fleet, accepted


class Assembly(Fleet):
    """People and agents who are asked something."""

    def __init__(self, **said: Any) -> None:
        super().__init__(lock_delay_seconds=0)
        self.agenda = Agenda()
        self.keys = {name: self.a_key(name) for name in ("ann", "bob", "eve")}
        by = said.pop("by", "ann")
        made = accepted(self.open(by, **said)).answer
        assert isinstance(made, ProposalMade)
        self.proposal = StreamId(made.proposal)

    def a_key(self, name: str, role: Any = "operator") -> str:
        stream = derived_id("key", self.now, (name,))
        self.given(stream, KeyIssued(name=name, role=role, projects=(), digest="", expires_at=None, at=self.now))
        return stream

    def open(self, by: str, **said: Any) -> Decision:
        options = [{"name": one} for one in said.pop("options", ("left", "right"))]
        fields = {"project": "shop", "question": "Which way?", "options": options, **said}
        return self.ask(OpenProposal.model_validate(fields, strict=False), by=self.keys.get(by, by))

    def vote(self, who: str, choice: str | None, **said: Any) -> Decision:
        command = VoteOnProposal(project="shop", proposal=self.proposal, choice=choice, **said)
        return self.ask(command, by=self.keys.get(who, who))

    def counted(self, who: str, choice: str | None, **said: Any) -> BallotCounted:
        answer = accepted(self.vote(who, choice, **said)).answer
        assert isinstance(answer, BallotCounted)
        return answer

    def refused(self, who: str, choice: str | None, **said: Any) -> str:
        refusal = self.vote(who, choice, **said).rejection
        assert isinstance(refusal, BallotRefused)
        return refusal.reason

    @property
    def ends(self) -> list[ProposalDecided]:
        return [one.event for one in self.log if isinstance(one.event, ProposalDecided)]

    def wait(self, seconds: float) -> None:
        self.advance(seconds)
        for one in self.log:
            self.agenda.observe(one)
        for policy, cause, derived in self.agenda.due(self.now):
            self.agenda.forget(policy, cause)
            accepted(self.when(derived.command, derived_stamp(policy, cause, derived, self.now, "c")))


def test_the_vote_that_makes_up_the_quorum_chooses_with_the_whole_tally() -> None:
    assembly = Assembly(quorum={"approvals": 2})
    assert assembly.counted("ann", "left").votes == 1
    assert assembly.counted("bob", "right").outcome == ""
    answer = assembly.counted("eve", "right")
    assert (answer.outcome, answer.choice, answer.votes, answer.needed) == ("chosen", "right", 2, 2)
    (end,) = assembly.ends
    assert {one.voter: one.choice for one in end.tally} == {
        assembly.keys["ann"]: "left",
        assembly.keys["bob"]: "right",
        assembly.keys["eve"]: "right",
    }
    row = replay(PROPOSALS, assembly.log)[assembly.proposal]
    assert (row.status, row.choice, row.how, row.decided_by) == ("chosen", "right", "quorum", assembly.keys["eve"])


def test_the_latest_vote_of_each_counts_and_one_behind_the_end_changes_nothing() -> None:
    assembly = Assembly(quorum={"approvals": 2})
    assembly.counted("ann", "left")
    assert assembly.counted("ann", "right").votes == 1
    assert assembly.counted("ann", "right").votes == 1
    assembly.counted("bob", "right")
    for _ in range(LATE_VOTES_MAX + 3):
        late = assembly.counted("eve", "left")
        assert (late.late, late.choice) == (True, "right")
    assert len([one for one in assembly.log if isinstance(one.event, ProposalLateVote)]) == LATE_VOTES_MAX
    assert len(assembly.ends) == 1
    events = tuple(one.event for one in assembly.log if one.stream == assembly.proposal)
    assert fold(PROPOSAL, events) == assembly.states[assembly.proposal]


def test_the_same_vote_once_more_is_counted_once_and_leaves_nothing_in_the_log() -> None:
    assembly = Assembly(quorum={"approvals": 2})
    assembly.counted("ann", "left", comment="shorter")
    before = len(assembly.log)
    assert assembly.counted("ann", "left", comment="shorter").votes == 1
    assert len(assembly.log) == before
    assembly.counted("ann", "left", comment="and cheaper")
    assembly.counted("ann", "right", comment="and cheaper")
    assert len(assembly.log) == before + 2


def test_votes_for_none_of_them_end_it_where_they_may() -> None:
    assembly = Assembly(veto=2, options=("yes",))
    assert assembly.counted("ann", None).outcome == ""
    assert assembly.counted("bob", None).outcome == "rejected"
    assembly = Assembly()
    for who in ("ann", "bob", "eve"):
        assert assembly.counted(who, None).outcome == ""


def test_agents_vote_where_it_says_so_and_are_no_people() -> None:
    eligible = [{"who": "role", "name": "operator"}, {"who": "capability", "name": "judge"}]
    assembly = Assembly(eligible=eligible, quorum={"approvals": 2, "people_min": 1})
    judge, other = assembly.a_session("judge", judge=True), assembly.a_session("other")
    assert "does not name you" in assembly.refused("key_owner", "left", session=other)
    assert assembly.counted("key_owner", "left", session=judge).outcome == ""
    assembly.keys["spare"] = assembly.a_key("spare", "viewer")
    assert assembly.refused("spare", "left")
    assert assembly.counted("bob", "left").outcome == "chosen"


def test_roles_have_their_minimum() -> None:
    quorum = {"approvals": 2, "people_min": 0, "per_role": [{"role": "admin", "approvals": 1}]}
    eligible = [{"who": "role", "name": "operator"}, {"who": "role", "name": "admin"}]
    assembly = Assembly(quorum=quorum, eligible=eligible)
    assembly.keys["root"] = assembly.a_key("root", "admin")
    assembly.counted("ann", "left")
    assert assembly.counted("bob", "left").outcome == ""
    assert assembly.counted("root", "left").outcome == "chosen"


def test_whoever_asks_and_its_family_may_be_left_out() -> None:
    assembly = Assembly(exclude=("opener",))
    assert "opened" in assembly.refused("ann", "left")
    assert assembly.counted("bob", "left").outcome == "chosen"
    fleet = Assembly()
    parent = fleet.a_session("parent", judge=True)
    eligible = [{"who": "capability", "name": "judge"}]
    said: dict[str, Any] = {"eligible": eligible, "quorum": {"people_min": 0}, "session": parent}
    made = accepted(fleet.open("key_owner", exclude=("session_tree",), **said)).answer
    assert isinstance(made, ProposalMade)
    fleet.proposal = StreamId(made.proposal)
    assert "family" in fleet.refused("key_owner", "left", session=parent)
    stranger = fleet.a_session("stranger", judge=True)
    assert fleet.counted("key_owner", "left", session=stranger).outcome == "chosen"


def test_it_ends_undecided_when_its_time_is_over() -> None:
    assembly = Assembly(closes_after_seconds=60, quorum={"approvals": 2})
    assembly.counted("ann", "left")
    assembly.wait(59)
    assert assembly.ends == []
    assembly.wait(2)
    assert [(one.outcome, one.how, len(one.tally)) for one in assembly.ends] == [("expired", "expiry", 1)]
    assert assembly.counted("bob", "left").late
    decided = Assembly(closes_after_seconds=60)
    decided.counted("ann", "left")
    accepted(decided.ask(ExpireProposal(project="shop", proposal=decided.proposal)))
    decided.wait(61)
    assert [one.outcome for one in decided.ends] == ["chosen"]


def test_whoever_asked_or_runs_the_project_asks_no_longer() -> None:
    assembly = Assembly()
    assembly.keys["spare"] = assembly.a_key("spare", "viewer")
    command = WithdrawProposal(project="shop", proposal=assembly.proposal, reason="moot")
    assert isinstance(assembly.ask(command, by=assembly.keys["spare"]).rejection, BallotRefused)
    accepted(assembly.ask(command, by=assembly.keys["bob"]))
    accepted(assembly.ask(command, by=assembly.keys["ann"]))
    assert [(one.outcome, one.reason) for one in assembly.ends] == [("withdrawn", "moot")]
    decided = Assembly()
    decided.counted("ann", "left")
    again = WithdrawProposal(project="shop", proposal=decided.proposal)
    assert isinstance(decided.ask(again, by=decided.keys["ann"]).rejection, ProposalOver)


@pytest.mark.parametrize(
    "said",
    [
        {"options": ("left", "left")},
        {"options": ("yes",)},
        {"quorum": {"approvals": 1, "people_min": 2}},
        {"quorum": {"approvals": 1, "per_role": [{"role": "admin", "approvals": 2}]}},
        {"eligible": [{"who": "role", "name": "operators"}]},
        {"quorum": {"per_role": [{"role": "boss", "approvals": 1}]}},
    ],
)
def test_what_could_not_be_answered_is_not_asked(said: dict[str, Any]) -> None:
    assert isinstance(Assembly().open("ann", **said).rejection, ProposalContradictory)


def test_a_vote_may_hang_on_every_role_that_a_key_can_have() -> None:
    assert get_args(Role) == ROLES


def test_what_is_not_there_is_refused() -> None:
    assembly = Assembly()
    assert isinstance(assembly.vote("ann", "up").rejection, NoSuchOption)
    command = VoteOnProposal(project="shop", proposal="proposal_0", choice="left")
    assert isinstance(assembly.ask(command, by=assembly.keys["ann"]).rejection, UnknownThing)


def erase(assembly: Assembly, by: str, **said: Any) -> Decision:
    command = EraseSubject(project="shop", subject=assembly.proposal, reason="she asked for it", **said)
    return assembly.ask(command, by=assembly.keys[by])


def test_what_was_said_of_a_proposal_is_erased_once_it_is_over_by_two_people() -> None:
    assembly = Assembly(question="Zibeline?")
    assembly.keys |= {name: assembly.a_key(name, "admin") for name in ("una", "vic")}
    assembly.vote("bob", None, comment="Zibeline")
    assert isinstance(erase(assembly, "una").rejection, ProposalUnsettled)
    withdrawn = WithdrawProposal(project="shop", proposal=assembly.proposal, reason="Zibeline")
    accepted(assembly.ask(withdrawn, by=assembly.keys["ann"]))
    before = len(assembly.log)
    accepted(erase(assembly, "vic", dry_run=True))
    accepted(erase(assembly, "una"))
    accepted(erase(assembly, "una"))
    assert [type(one.event) for one in assembly.log[before:]] == [SubjectErasureAsked]
    answer = accepted(erase(assembly, "vic")).answer
    una = assembly.keys["una"]
    assert answer == ErasureTaken(subject=assembly.proposal, erased=True, asked_by=una, stays_readable=False)
    state = assembly.states[assembly.proposal]
    assert "Zibeline" not in repr(state)
    assert (state.opened.question, state.outcome, state.erased) == ("[erased]", "withdrawn", True)
    for again in (assembly.vote("eve", "left"), assembly.ask(withdrawn, by=assembly.keys["ann"])):
        assert isinstance(again.rejection, ProposalErased)
    assert not accepted(erase(assembly, "vic")).writes


def test_a_fold_of_erased_events_is_what_the_proposal_had_come_to_without_its_words() -> None:
    assembly = Assembly(question="Zibeline?", quorum={"approvals": 2})
    assembly.vote("bob", "left", comment="Zibeline")
    assembly.vote("ann", "left")
    events = tuple(one.event for one in assembly.log if one.stream == assembly.proposal)
    over = SubjectErased(subject=assembly.proposal, reason="17", asked_by="key_a", by="key_b", at=assembly.now)
    assert fold(PROPOSAL, (*events, over)) == fold(PROPOSAL, (*map(bare, events), over))
    assert "Zibeline" not in repr([bare(event) for event in events])
