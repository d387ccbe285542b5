"""Whoever made the evidence does not vote on it, in whichever run that was, which answering a gate is not."""

from typing import Any

from domain.kernel.decider import Decision
from domain.kernel.pipeline.words import Binding, ValueField
from domain.run.commands import CastVote, ForkRun, ReworkPhases
from domain.run.errors import VoteRefused
from tests.decisions.test_run_gate import gate
from tests.support.nested import Yard, nested
from tests.support.runs import work

OWNER = "key_owner"
COMMIT = (ValueField(name="commit"),)
EVIDENCE = [{"name": "commit", "subject": "commit", "value": "phases.build.output.commit"}]
SAID = '{"commit": "abc"}'


def asking(key: str, *needs: str, **said: Any) -> Any:
    return gate(key, *needs, eligible=[{"who": "principal", "name": OWNER}], exclude=("evidence_author",), **said)


def vote(yard: Yard, run: str, phase: str = "ask") -> Decision:
    decision = yard.ask(CastVote(project="shop", run=run, phase=phase, verdict="approve"), by=OWNER)
    yard.react()
    return decision


def is_author(yard: Yard, run: str) -> bool:
    refused = vote(yard, run).rejection
    return isinstance(refused, VoteRefused) and "made the evidence" in refused.reason


def test_whoever_did_the_work_of_a_run_inside_made_what_its_phase_hands_on() -> None:
    yard = Yard()
    said = (Binding(name="commit", value="phases.x.output.commit"),)
    yard.publish("inner", work("x", outputs=COMMIT), outputs=said)
    yard.publish("plain", nested("build"), asking("ask", "build"))
    run = yard.start("plain")
    yard.succeed(yard.child(run, "build"), "x", output=SAID)
    assert is_author(yard, run)


def test_whoever_did_what_a_fork_takes_over_made_it_whatever_became_of_it_since() -> None:
    yard = Yard()
    yard.publish("plain", work("build", outputs=COMMIT), work("b"), asking("ask", "build", evidence=EVIDENCE))
    run = yard.start("plain")
    yard.succeed(run, "build", output=SAID)
    first = yard.do(ForkRun(project="shop", run=run)).run
    second = yard.do(ForkRun(project="shop", run=first)).run
    yard.do(ReworkPhases(project="shop", run=run, phases=("build",), reason="again", accept_repeat="yes"))
    assert is_author(yard, first)
    assert is_author(yard, second)


def test_whoever_has_answered_one_gate_may_answer_the_next() -> None:
    yard = Yard()
    alone = {"people_min": 0}
    first = gate("staging", eligible=[{"who": "principal", "name": OWNER}], quorum=alone)
    yard.publish("plain", first, asking("ask", "staging", quorum=alone))
    run = yard.start("plain")
    assert vote(yard, run, "staging").rejection is None
    assert vote(yard, run).rejection is None
    assert yard.stands(run) == "succeeded"
