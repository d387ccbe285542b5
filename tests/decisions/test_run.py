"""A run walks through its definition: tasks are made, joins fire, and it ends as its phases do."""

from typing import Any

import pytest

from domain.kernel.pipeline.flow import Edge, Join
from domain.kernel.pipeline.words import ValueField
from domain.run.commands import CancelRun, PauseRun, ResolvePhase, ResumeRun, SkipPhase, TellRun
from domain.run.errors import PhaseNotInState, RunMovedOn, RunNotInState
from domain.run.events import ConditionEvaluated, Consumed, JoinFired, RunSettled
from domain.task.commands import CancelTask, ReleaseTask, RetryTask
from domain.task.errors import TaskOfRun
from domain.task.state import Assigned, Pending, Ready, Settled
from tests.support.fleet import accepted
from tests.support.runs import Railway, branch, join, work


def test_a_chain_runs_one_behind_the_other_and_succeeds() -> None:
    railway = Railway(work("plan"), work("build", "plan"), work("test", "build"))
    assert railway.statuses == {"plan": "offered", "build": "pending", "test": "pending"}
    railway.succeed("plan", "build")
    assert railway.statuses == {"plan": "succeeded", "build": "succeeded", "test": "offered"}
    railway.succeed("test")
    assert railway.stands() == "succeeded"
    assert railway.kinds() == [
        "RunQueued", "RunStarted",
        "JoinFired", "PhaseReady", "PhaseOffered", "EffectRegistered",
        "PhaseSettled", "JoinFired", "PhaseReady", "PhaseOffered", "EffectRegistered",
        "PhaseSettled", "JoinFired", "PhaseReady", "PhaseOffered", "EffectRegistered",
        "PhaseSettled", "RunSettled",
    ]  # fmt: skip


def test_a_task_of_a_run_says_whose_it_is_and_what_its_phase_hands_over() -> None:
    build = work("build", inputs=({"name": "who", "value": "inputs.who"},), task={"body": "for ${who}"})
    railway = Railway(build, run={"inputs": '{"who":"you"}'})
    task = railway.states[railway.task_of("build")]
    assert task.plan.origin.model_dump() == {
        "run": railway.run_id, "place": "build", "generation": 1, "purpose": "work", "changes": "",
        "keeps_locks_seconds": None,
    }  # fmt: skip
    assert (task.plan.input, task.plan.body) == ('{"who":"you"}', "for you")
    assert task.plan.key == f"{railway.run_id}/build"


def test_what_work_gives_is_read_by_those_behind_it() -> None:
    found = ValueField(name="broken", type="integer")
    railway = Railway(work("find", outputs=(found,)), work("mend", "find", when="phases.find.output.broken > 0"))
    railway.succeed("find", output='{"broken": 2}')
    assert railway.status("mend") == "offered"
    fired = [one.event for one in railway.log if isinstance(one.event, JoinFired | ConditionEvaluated)]
    assert fired[-1].model_dump()["reads"] == ({"place": "find", "generation": 1},)
    assert railway.run.phase("mend").consumed == (Consumed(place="find", generation=1),)


def test_a_false_condition_skips_and_one_that_cannot_be_told_parks() -> None:
    railway = Railway(work("a"), work("b", "a", when="1 > 2"), work("c", "a", when="phases.a.output.x > 2"))
    railway.succeed("a")
    assert railway.statuses == {"a": "succeeded", "b": "skipped", "c": "parked"}
    assert railway.stands() == "running"
    railway.do(SkipPhase(project="shop", run=railway.run_id, phase="c", reason="not wanted"))
    assert railway.stands() == "succeeded"


def test_a_branch_takes_the_first_arm_that_is_true() -> None:
    behind = (work("one", Edge(phase="way", arm="left")), work("two", Edge(phase="way", arm="right")))
    railway = Railway(branch("way", left="1 > 2", default="right"), *behind, work("end", "one", "two"))
    assert railway.statuses == {"way": "succeeded", "one": "skipped", "two": "offered", "end": "pending"}
    assert railway.run.phase("one").reason == "branch not taken"
    railway.succeed("two", "end")
    assert railway.stands() == "succeeded"


def test_a_failure_ends_what_has_not_begun_but_finalisers() -> None:
    railway = Railway(work("a"), work("b"), work("c", "a"), work("d", "c"), work("tidy", "a", "b", "d", join="settled"))
    token = railway.begin("b")
    railway.go_wrong("a")
    assert railway.statuses == {"a": "failed", "b": "offered", "c": "blocked", "d": "blocked", "tidy": "pending"}
    accepted(railway.complete(railway.task_of("b"), token))
    railway.react()
    assert railway.status("tidy") == "offered"
    railway.succeed("tidy")
    assert railway.stands() == "failed"
    (ended,) = [one.event for one in railway.log if isinstance(one.event, RunSettled)]
    assert ended.because == ("a",)


def test_failing_fast_takes_back_what_nobody_has() -> None:
    railway = Railway(work("a"), work("b"))
    railway.go_wrong("a")
    assert railway.statuses == {"a": "failed", "b": "blocked"}
    task = railway.states[railway.task_of("b")]
    assert task.phase == Settled("cancelled", at=railway.now)
    assert railway.stands() == "failed"


def test_independent_branches_go_on_where_that_is_asked() -> None:
    railway = Railway(work("a"), work("b"), work("c", "a"), work("d", "b"), failure="continue")
    railway.go_wrong("a")
    assert railway.statuses == {"a": "failed", "b": "offered", "c": "blocked", "d": "pending"}
    railway.succeed("b", "d")
    assert railway.stands() == "failed"


def test_an_accepted_failure_is_handled_by_what_succeeds_behind_it() -> None:
    mended = work("mend", Edge(phase="a", accept=("failed",)))
    railway = Railway(work("a"), mended, work("end", "a", "mend", join="any"))
    railway.go_wrong("a")
    assert railway.status("mend") == "offered"
    railway.succeed("mend", "end")
    assert railway.stands() == "succeeded"


def test_an_optional_phase_may_fail() -> None:
    railway = Railway(work("a", optional=True), work("b"))
    railway.go_wrong("a")
    railway.succeed("b")
    assert railway.stands() == "succeeded"


@pytest.mark.parametrize(("rule", "status"), [("skip", "skipped"), ("fallback", "skipped"), ("park", "parked")])
def test_work_that_is_out_of_tries_does_as_its_rule_says(rule: str, status: str) -> None:
    behind = (work("other", Edge(phase="a", arm="fallback")),) if rule == "fallback" else ()
    railway = Railway(work("a", on_exhausted=rule), *behind)
    railway.go_wrong("a")
    assert railway.status("a") == status
    assert railway.stands() == ("succeeded" if rule == "skip" else "running")
    if rule == "fallback":
        assert railway.status("other") == "offered"


def test_a_parked_phase_goes_on_when_its_task_is_retried_or_is_resolved_by_hand() -> None:
    railway = Railway(work("a", on_exhausted="park"), work("b", "a"))
    railway.go_wrong("a")
    railway.do(RetryTask(project="shop", task=railway.task_of("a")))
    assert railway.status("a") == "offered"
    railway.go_wrong("a")
    railway.do(ResolvePhase(project="shop", run=railway.run_id, phase="a", outcome="succeeded", reason="I did it"))
    assert railway.statuses == {"a": "succeeded", "b": "offered"}
    assert railway.states[railway.task_of("a")].phase == Settled("cancelled", at=railway.now)


def test_a_failed_task_of_a_run_is_retried_only_by_its_run() -> None:
    railway = Railway(work("a"))
    railway.go_wrong("a")
    refused = railway.ask(RetryTask(project="shop", task=railway.task_of("a"))).rejection
    assert isinstance(refused, TaskOfRun)


def test_a_task_that_somebody_cancels_settles_its_phase_once_nobody_works_on_it() -> None:
    railway = Railway(work("a"), work("b", "a"))
    token = railway.begin("a")
    railway.do(CancelTask(project="shop", task=railway.task_of("a"), reason="no", grace_seconds=30))
    assert railway.status("a") == "offered"
    accepted(railway.fail(railway.task_of("a"), token))
    railway.react()
    assert railway.statuses == {"a": "cancelled", "b": "blocked"}
    assert railway.stands() == "failed"


def test_a_pause_holds_what_nobody_has_and_records_what_ends() -> None:
    railway = Railway(work("a"), work("b"), work("c", "a"))
    token = railway.begin("a")
    railway.do(PauseRun(project="shop", run=railway.run_id, reason="wait"))
    assert isinstance(railway.states[railway.task_of("a")].phase, Assigned)
    assert isinstance(railway.states[railway.task_of("b")].phase, Pending)
    assert railway.claim(railway.crew, railway.task_of("b")).rejection is not None
    accepted(railway.complete(railway.task_of("a"), token))
    railway.react()
    assert railway.statuses == {"a": "succeeded", "b": "offered", "c": "pending"}
    railway.do(PauseRun(project="shop", run=railway.run_id))
    railway.advance(60)
    railway.do(ResumeRun(project="shop", run=railway.run_id))
    assert railway.stands() == "running"
    assert isinstance(railway.states[railway.task_of("b")].phase, Ready)
    railway.succeed("b", "c")
    assert railway.stands() == "succeeded"


def test_what_is_given_back_while_its_run_is_paused_is_not_claimed_before_it_goes_on() -> None:
    railway = Railway(work("a"))
    token = railway.begin("a")
    railway.do(PauseRun(project="shop", run=railway.run_id))
    accepted(railway.ask(ReleaseTask(project="shop", task=railway.task_of("a"), token=token)))
    railway.react()
    assert railway.claim(railway.crew, railway.task_of("a")).rejection is not None
    railway.do(ResumeRun(project="shop", run=railway.run_id))
    assert railway.status("a") == "offered"


def test_a_cancelled_run_ends_once_nobody_works_for_it() -> None:
    railway = Railway(work("a"), work("b"), work("c", "a"))
    token = railway.begin("a")
    railway.do(CancelRun(project="shop", run=railway.run_id, reason="not wanted"))
    assert railway.statuses == {"a": "offered", "b": "cancelled", "c": "cancelled"}
    assert railway.stands() == "cancelling"
    accepted(railway.fail(railway.task_of("a"), token))
    railway.react()
    assert railway.stands() == "cancelled"
    before = len(railway.log)
    railway.do(CancelRun(project="shop", run=railway.run_id))
    assert len(railway.log) == before


def test_losers_are_let_run_or_cancelled() -> None:
    first = Join(rule="any", losers="cancel")
    railway = Railway(work("a"), work("b"), work("c"), work("end", "a", "b", "c", join=first))
    token = railway.begin("b")
    railway.succeed("a")
    assert railway.statuses == {"a": "succeeded", "b": "offered", "c": "cancelled", "end": "offered"}
    railway.succeed("end")
    assert railway.stands() == "running"
    accepted(railway.fail(railway.task_of("b"), token))
    railway.react()
    assert railway.stands() == "succeeded"


def test_a_join_fires_once_and_a_late_word_changes_nothing() -> None:
    railway = Railway(work("a"), work("b"), join("end", "a", "b", rule="any"), work("last", "end"))
    railway.succeed("a")
    assert railway.kinds().count("JoinFired") == 4
    railway.succeed("b")
    assert railway.kinds().count("JoinFired") == 4
    before = len(railway.log)
    railway.do(TellRun(project="shop", run=railway.run_id, task=railway.task_of("a")))
    assert len(railway.log) == before


def test_what_does_not_fit_is_refused() -> None:
    railway = Railway(work("a"))
    said: dict[str, Any] = {"project": "shop", "run": railway.run_id}
    assert isinstance(railway.ask(PauseRun(**said, expected_revision=1)).rejection, RunMovedOn)
    accepted(railway.ask(PauseRun(**said, expected_revision=railway.version(railway.run_id))))
    unfit = railway.ask(SkipPhase(**said, phase="a", reason="no")).rejection
    assert isinstance(unfit, PhaseNotInState)
    assert railway.ask(SkipPhase(**said, phase="z", reason="no")).rejection is not None
    accepted(railway.ask(ResumeRun(**said)))
    railway.succeed("a")
    assert isinstance(railway.ask(PauseRun(**said)).rejection, RunNotInState)
    assert isinstance(railway.ask(CancelRun(**said)).rejection, RunNotInState)
