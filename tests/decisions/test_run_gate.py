"""Gates are answered once, by those who may, on the evidence that there is; time and the autopilot have their say."""

from typing import Any

import pytest

from domain.dispatch.run_gate import VoteCounted
from domain.kernel.decider import Decision
from domain.kernel.errors import NotDueYet, UnknownThing
from domain.kernel.ids import SECOND, Instant, derived_id
from domain.kernel.pipeline.definition import GatePhase, WaitPhase
from domain.kernel.pipeline.flow import Edge, Signal, Timer
from domain.kernel.pipeline.gate import Gate
from domain.kernel.pipeline.words import ValueField
from domain.kernel.policy import derived_stamp
from domain.note.events import MessageSent
from domain.policies.agenda import Agenda
from domain.principal.events import KeyIssued
from domain.project.commands import UpdateProject
from domain.run.commands import (
    CastVote,
    OverrideGate,
    PauseRun,
    ResolvePhase,
    ResumeRun,
    ReviseEvidence,
    SendSignal,
    SkipPhase,
)
from domain.run.errors import EvidenceMoved, NoReworkHere, PhaseNotInState, SignalUnfit, VoteRefused
from domain.run.gate_events import GateDecided, GateEscalated, GateReminded, LateVote, VoteCast
from projections.attention.projection import ATTENTION
from projections.gate_inbox.projection import GATE_INBOX
from projections.kernel.replay import replay
from tests.decisions.test_run_maps import each
from tests.support.fleet import accepted
from tests.support.runs import Railway, edges, work


def gate(key: str, *needs: str | Edge, **said: Any) -> GatePhase:
    fields = {"gate_class": "production", "question": "Ship it?", **said}
    return GatePhase(key=key, needs=edges(needs), gate=Gate.model_validate(fields, strict=False))


def wait(key: str, *needs: str, **said: Any) -> WaitPhase:
    what = Timer(seconds=said["seconds"]) if "seconds" in said else Signal(**said)
    return WaitPhase(key=key, needs=edges(needs), wait=what)


class Station(Railway):
    """A run with people who vote, and a clock that brings what is due."""

    def __init__(self, *phases: Any, **said: Any) -> None:
        self.agenda = Agenda()
        self.seen = 0
        super().__init__(*phases, **said)
        self.keys = {name: self._key(name) for name in ("ann", "bob", "eve")}

    def _key(self, name: str, role: Any = "operator") -> str:
        stream = derived_id("key", self.now, (name,))
        issued = KeyIssued(name=name, role=role, projects=(), digest="", expires_at=None, at=self.now)
        self.given(stream, issued)
        return stream

    def vote(self, who: str, verdict: Any = "approve", **said: Any) -> Decision:
        command = CastVote(project="shop", run=self.run_id, phase="ask", verdict=verdict, **said)
        decision = self.ask(command, by=self.keys.get(who, who))
        self.react()
        return decision

    def counted(self, who: str, verdict: Any = "approve", **said: Any) -> VoteCounted:
        answer = accepted(self.vote(who, verdict, **said)).answer
        assert isinstance(answer, VoteCounted)
        return answer

    def wait(self, seconds: float) -> None:
        self.advance(seconds)
        for one in self.log[self.seen :]:
            self.agenda.observe(one)
        self.seen = len(self.log)
        for policy, cause, derived in self.agenda.due(self.now):
            decision = self.when(derived.command, derived_stamp(policy, cause, derived, self.now, "c"))
            if isinstance(decision.rejection, NotDueYet):
                self.agenda.postpone(policy, cause, Instant(decision.rejection.until))
            else:
                self.agenda.forget(policy, cause)
                accepted(decision)
        self.react()

    def told(self, kind: type[Any]) -> list[Any]:
        return [one.event for one in self.log if isinstance(one.event, kind)]


def test_the_vote_that_makes_up_the_quorum_decides_with_the_whole_tally() -> None:
    station = Station(gate("ask", quorum={"approvals": 2}), work("ship", "ask"))
    assert station.counted("ann").decision == ""
    assert station.status("ship") == "pending"
    assert station.counted("bob").decision == "approved"
    (answer,) = station.told(GateDecided)
    assert {one.voter for one in answer.tally} == {station.keys["ann"], station.keys["bob"]}
    assert (answer.how, station.status("ask"), station.status("ship")) == ("quorum", "succeeded", "offered")


def test_the_latest_vote_of_each_counts_and_one_behind_the_decision_changes_nothing() -> None:
    station = Station(gate("ask", quorum={"approvals": 2}, veto=0))
    station.counted("ann", "reject")
    assert station.counted("ann").approvals == 1
    assert station.counted("ann").approvals == 1
    station.counted("bob")
    assert station.stands() == "succeeded"
    late = station.counted("eve", "reject")
    assert (late.late, late.decision) == (True, "approved")
    assert len(station.told(LateVote)) == 1
    assert station.stands() == "succeeded"


def test_the_same_vote_once_more_is_counted_once_and_leaves_nothing_in_the_log() -> None:
    evidence = [{"name": "plan", "subject": "plan", "value": "'x'"}]
    station = Station(gate("ask", quorum={"approvals": 2}, evidence=evidence))
    station.counted("ann", comment="good")
    before = len(station.log)
    again = station.counted("ann", comment="good")
    assert (again.approvals, again.late, len(station.log)) == (1, False, before)
    station.counted("ann", comment="very good")
    assert len(station.log) == before + 1
    station.do(ReviseEvidence(project="shop", run=station.run_id, phase="ask", name="plan", value='"y"'))
    assert station.counted("ann", comment="very good").approvals == 1
    assert len(station.told(VoteCast)) == 3


def test_a_veto_fails_the_gate_or_skips_it() -> None:
    station = Station(gate("ask", quorum={"approvals": 2}), work("ship", "ask"))
    station.counted("ann", "reject", comment="not now")
    assert (station.status("ask"), station.status("ship"), station.stands()) == ("failed", "blocked", "failed")
    station = Station(gate("ask", on_reject="skip"), work("ship", "ask"))
    station.counted("ann", "reject")
    assert (station.status("ask"), station.status("ship"), station.stands()) == ("skipped", "skipped", "succeeded")


def test_who_may_vote_is_told_by_role_name_and_capability_and_agents_are_no_people() -> None:
    eligible = [{"who": "role", "name": "admin"}, {"who": "capability", "name": "judge"}]
    quorum = {"approvals": 2, "people_min": 1, "per_role": [{"role": "admin", "approvals": 1}]}
    station = Station(gate("ask", eligible=eligible, quorum=quorum))
    station.keys["root"] = station._key("root", "admin")
    assert isinstance(station.vote("ann").rejection, VoteRefused)
    judge, other = station.a_session("judge", judge=True), station.a_session("other")
    assert isinstance(station.vote("key_owner", session=other).rejection, VoteRefused)
    assert station.vote("ann", session=judge).rejection is not None
    assert station.counted("key_owner", session=judge).approvals == 1
    assert station.counted("root").decision == "approved"


def test_whoever_asked_or_made_the_evidence_is_left_out() -> None:
    evidence = [{"name": "commit", "subject": "commit", "value": "phases.build.output.commit"}]
    build = work("build", outputs=(ValueField(name="commit"),))
    eligible = [{"who": "role", "name": "operator"}, {"who": "principal", "name": "key_owner"}]
    asked = gate("ask", "build", evidence=evidence, eligible=eligible, exclude=("requester", "evidence_author"))
    station = Station(build, asked)
    station.succeed("build", output='{"commit": "abc"}')
    refused = station.vote("key_owner").rejection
    assert isinstance(refused, VoteRefused)
    assert "started the run" in refused.reason
    station = Station(build, asked, run={"by": "key_else"})
    station.succeed("build", output='{"commit": "abc"}')
    refused = station.vote("key_owner").rejection
    assert isinstance(refused, VoteRefused)
    assert "made the evidence" in refused.reason
    assert station.counted("ann").decision == "approved"


def test_other_evidence_voids_the_votes() -> None:
    evidence = [{"name": "commit", "subject": "commit", "value": "'abc'"}]
    station = Station(gate("ask", evidence=evidence, quorum={"approvals": 2}))
    opened = station.run.phase("ask").gate
    assert opened is not None
    station.counted("ann", evidence=opened.opened.digest)
    said: dict[str, Any] = {"project": "shop", "run": station.run_id, "phase": "ask", "name": "commit"}
    accepted(station.ask(ReviseEvidence(**said, value='"abc"')))
    assert station.counted("ann").approvals == 1
    accepted(station.ask(ReviseEvidence(**said, value='"def"')))
    assert isinstance(station.vote("bob", evidence=opened.opened.digest).rejection, EvidenceMoved)
    assert station.counted("bob").approvals == 1
    assert station.counted("ann").decision == "approved"


def test_an_override_decides_with_a_reason_and_says_so() -> None:
    station = Station(gate("ask", quorum={"approvals": 3}), work("ship", "ask"))
    said: dict[str, Any] = {
        "project": "shop",
        "run": station.run_id,
        "phase": "ask",
        "decision": "approved",
        "reason": "it burns",
    }
    accepted(station.ask(OverrideGate(**said)))
    (answer,) = station.told(GateDecided)
    assert (answer.how, answer.detail, station.status("ask")) == ("override", "it burns", "succeeded")
    assert isinstance(station.ask(OverrideGate(**said)).rejection, PhaseNotInState)


@pytest.mark.parametrize(
    ("mode", "gate_class", "status"),
    [
        ("observe", "merge", "waiting"),
        ("fix_forward", "merge", "succeeded"),
        ("fix_forward", "staging", "waiting"),
        ("auto_staging", "staging", "succeeded"),
        ("auto_prod", "production", "succeeded"),
        ("auto_prod", "strategic", "waiting"),
    ],
)
def test_the_autopilot_settles_the_classes_of_its_mode(mode: Any, gate_class: str, status: str) -> None:
    station = Station(work("build"), gate("ask", "build", gate_class=gate_class, automatic="1 < 2"))
    accepted(station.ask(UpdateProject(project="shop", autopilot=mode)))
    station.succeed("build")
    assert station.status("ask") == status
    if status == "succeeded":
        assert [(one.how, one.detail) for one in station.told(GateDecided)] == [("autopilot", mode)]


def test_time_reminds_escalates_and_ends_and_a_pause_does_not_count() -> None:
    ladder = [{"after_seconds": 60, "notify": ["ann"], "quorum": {"approvals": 1}}]
    asked = gate("ask", quorum={"approvals": 2}, reminders_seconds=(30,), escalate=ladder, deadline_seconds=120)
    station = Station(asked)
    station.wait(31)
    assert len(station.told(GateReminded)) == 1
    accepted(station.ask(PauseRun(project="shop", run=station.run_id)))
    station.wait(500)
    accepted(station.ask(ResumeRun(project="shop", run=station.run_id)))
    station.wait(20)
    assert not station.told(GateEscalated)
    station.wait(10)
    assert [one.because for one in station.told(GateEscalated)] == ["time"]
    station.wait(60)
    assert station.status("ask") == "parked"
    assert station.counted("bob").decision == "approved"
    assert station.stands() == "succeeded"


@pytest.mark.parametrize(
    ("rule", "status", "arm"), [("reject", "failed", ""), ("approve", "succeeded", ""), ("arm", "succeeded", "expired")]
)
def test_a_gate_that_nobody_decides_does_as_it_says(rule: str, status: str, arm: str) -> None:
    station = Station(gate("ask", deadline_seconds=10, on_expiry=rule))
    station.wait(11)
    assert (station.status("ask"), station.run.phase("ask").arm) == (status, arm)


def test_a_quorum_out_of_reach_escalates_at_once() -> None:
    station = Station(work("build"), gate("ask", "build"))
    names = [{"who": "principal", "name": station.keys[name]} for name in ("ann", "bob")]
    ladder = [{"after_seconds": 600, "quorum": {"approvals": 1}}]
    asked = gate("ask", eligible=names, quorum={"approvals": 2}, veto=0, escalate=ladder)
    station = Station(asked)
    station.counted("ann", "reject")
    assert [one.because for one in station.told(GateEscalated)] == ["out_of_reach"]
    assert station.counted("bob").decision == "approved"


def test_what_is_no_open_gate_is_refused() -> None:
    station = Station(work("build"), gate("ask", "build"))
    assert isinstance(station.vote("ann").rejection, PhaseNotInState)
    station.succeed("build")
    assert isinstance(station.vote("ann", "request_changes").rejection, NoReworkHere)
    command = CastVote(project="shop", run=station.run_id, phase="build", verdict="approve")
    assert isinstance(station.ask(command).rejection, UnknownThing)


def test_a_timer_and_a_signal_let_the_run_go_on() -> None:
    told = ValueField(name="url")
    station = Station(
        wait("rest", seconds=60), wait("word", "rest", name="deployed", outputs=(told,)), work("end", "word")
    )
    assert station.statuses == {"rest": "waiting", "word": "pending", "end": "pending"}
    station.wait(59)
    assert station.status("rest") == "waiting"
    station.wait(2)
    assert station.statuses == {"rest": "succeeded", "word": "waiting", "end": "pending"}
    said: dict[str, Any] = {"project": "shop", "run": station.run_id}
    assert isinstance(station.ask(SendSignal(**said, name="other")).rejection, SignalUnfit)
    assert isinstance(station.ask(SendSignal(**said, name="deployed")).rejection, SignalUnfit)
    station.do(SendSignal(**said, name="deployed", content='{"url": "x"}'))
    assert station.run.phase("word").output == '{"url":"x"}'
    assert station.status("end") == "offered"


def test_a_signal_that_came_before_counts_once() -> None:
    station = Station(work("a"), wait("one", "a", name="go"), wait("two", "one", name="go"))
    station.do(SendSignal(project="shop", run=station.run_id, name="go"))
    station.succeed("a")
    assert station.statuses == {"a": "succeeded", "one": "succeeded", "two": "waiting"}


@pytest.mark.parametrize(("rule", "status"), [("fail", "failed"), ("skip", "skipped"), ("park", "parked")])
def test_a_signal_that_is_late_does_as_it_says(rule: str, status: str) -> None:
    station = Station(wait("word", name="go", deadline_seconds=5, on_deadline=rule))
    station.wait(6)
    assert station.status("word") == status


def test_a_pause_moves_what_is_waited_for() -> None:
    station = Station(wait("rest", seconds=60))
    due = station.run.phase("rest").timers["wait"]
    accepted(station.ask(PauseRun(project="shop", run=station.run_id)))
    station.wait(100)
    accepted(station.ask(ResumeRun(project="shop", run=station.run_id)))
    assert station.run.phase("rest").timers["wait"] == Instant(due + 100 * SECOND)
    station.wait(30)
    assert station.status("rest") == "waiting"
    station.wait(31)
    assert station.stands() == "succeeded"


def test_a_rung_that_asks_for_fewer_decides_by_the_votes_that_there_are() -> None:
    asked = gate("ask", quorum={"approvals": 2}, escalate=[{"after_seconds": 60, "quorum": {"approvals": 1}}])
    station = Station(asked)
    station.counted("ann")
    station.wait(61)
    assert station.stands() == "succeeded"
    assert [(one.decision, one.how) for one in station.told(GateDecided)] == [("approved", "quorum")]


def test_a_rung_that_is_out_of_reach_as_well_is_passed_over() -> None:
    station = Station(work("build"))
    names = [{"who": "principal", "name": station.keys[name]} for name in ("ann", "bob", "eve")]
    ladder = [{"after_seconds": 60, "quorum": {"approvals": 3}}, {"after_seconds": 90, "quorum": {"approvals": 1}}]
    station = Station(gate("ask", eligible=names, quorum={"approvals": 3}, veto=0, escalate=ladder))
    station.counted("ann")
    assert station.counted("bob", "reject").decision == "approved"
    assert [one.rung for one in station.told(GateEscalated)] == [1, 2]


def test_a_rung_that_time_brings_and_that_is_out_of_reach_is_passed_over_at_once() -> None:
    station = Station(work("build"))
    names = [{"who": "principal", "name": station.keys[name]} for name in ("ann", "bob")]
    ladder = [{"after_seconds": 60, "quorum": {"approvals": 3}}, {"after_seconds": 900, "quorum": {"approvals": 1}}]
    asked = gate("ask", eligible=names, quorum={"approvals": 2}, veto=0, escalate=ladder)
    station = Station(asked)
    station.wait(61)
    assert [(one.rung, one.because) for one in station.told(GateEscalated)] == [(1, "time"), (2, "out_of_reach")]
    assert station.counted("bob").decision == "approved"
    station = Station(asked)
    station.counted("ann")
    station.wait(61)
    assert [(one.decision, one.how) for one in station.told(GateDecided)] == [("approved", "quorum")]


def test_the_inbox_tells_what_settles_a_gate_on_its_rung() -> None:
    more = [{"who": "role", "name": "admin"}]
    ladder = [{"after_seconds": 60, "eligible": more, "quorum": {"approvals": 3, "people_min": 2}}]
    station = Station(gate("ask", quorum={"approvals": 2}, escalate=ladder))
    row = replay(GATE_INBOX, station.log)[f"{station.run_id}/ask"]
    assert (row.approvals_needed, row.people_needed, "admin" in row.eligible) == (2, 1, False)
    station.wait(61)
    row = replay(GATE_INBOX, station.log)[f"{station.run_id}/ask"]
    assert (row.rung, row.approvals_needed, row.people_needed, "admin" in row.eligible) == (1, 3, 2, True)


def test_only_who_may_override_a_gate_skips_it_or_says_that_it_has_passed() -> None:
    for open_gate, command in (
        (gate("ask", "build"), SkipPhase(project="shop", run="r", phase="ask", reason="r")),
        (
            gate("ask", deadline_seconds=5),
            ResolvePhase(project="shop", run="r", phase="ask", outcome="succeeded", reason="r"),
        ),
    ):
        station = Station(work("build"), open_gate)
        station.keys["root"] = station._key("root", "admin")
        station.wait(6)
        asked = command.model_copy(update={"run": station.run_id})
        assert isinstance(station.ask(asked, by=station.keys["ann"]).rejection, VoteRefused)
        accepted(station.ask(asked, by=station.keys["root"]))
    station = Station(gate("ask", deadline_seconds=5))
    station.wait(6)
    no = ResolvePhase(project="shop", run=station.run_id, phase="ask", outcome="failed", reason="r")
    accepted(station.ask(no, by=station.keys["ann"]))
    assert station.stands() == "failed"


def test_whoever_did_an_item_of_a_map_made_the_evidence() -> None:
    eligible = [{"who": "principal", "name": "key_owner"}]
    station = Station(each("m"), gate("ask", "m", eligible=eligible, exclude=("evidence_author",)))
    station.succeed("m/a", "m/b", "m/c")
    refused = station.vote("key_owner").rejection
    assert isinstance(refused, VoteRefused)
    assert "made the evidence" in refused.reason


def test_whom_a_rung_names_is_told_by_message_and_where_attention_is_needed() -> None:
    session = Station(work("build")).crew
    ladder = [{"after_seconds": 60, "notify": [session, "ann"]}]
    station = Station(gate("ask", reminders_seconds=(30,), escalate=ladder, deadline_seconds=90))
    row = f"{station.run_id}/phase/ask"
    station.wait(31)
    assert replay(ATTENTION, station.log)[row].why == "ask: Ship it? · reminder 1"
    station.wait(30)
    assert replay(ATTENTION, station.log)[row].why == f"ask: Ship it? · on rung 1, asks {session}, ann"
    (message,) = station.told(MessageSent)
    assert (message.to, message.author) == (session, "policy:notify_gate")
    # What it asks stays with the run, and goes with it when that is erased.
    assert station.run_id in message.text
    assert "Ship it?" not in message.text


def test_a_quorum_that_those_who_are_named_can_never_make_up_is_passed_over_when_the_gate_opens() -> None:
    station = Station(work("build"))
    names = [{"who": "principal", "name": station.keys[name]} for name in ("ann", "bob")]
    ladder = [{"after_seconds": 600, "quorum": {"approvals": 1}}]
    asked = gate("ask", eligible=names, quorum={"approvals": 2}, exclude=("requester",), escalate=ladder)
    station = Station(asked, run={"by": station.keys["ann"]})
    assert [(one.rung, one.because) for one in station.told(GateEscalated)] == [(1, "out_of_reach")]
    assert station.counted("bob").decision == "approved"
