"""Doing phases anew: what took from them is done anew too, the rest is kept, and nothing stale counts."""

from typing import Any

from domain.dispatch.run_rework import ReworkPlanned
from domain.kernel.decider import Decision
from domain.kernel.errors import UnknownThing
from domain.kernel.pipeline.definition import GatePhase, WaitPhase
from domain.kernel.pipeline.flow import Edge, Timer
from domain.kernel.pipeline.gate import Gate
from domain.kernel.pipeline.words import ValueField
from domain.run.commands import CancelRun, OverrideGate, PauseRun, ResumeRun, RetryPhase, ReworkPhases
from domain.run.errors import PhaseNotInState, ReworkRefused, RunNotInState
from domain.run.rework import stale
from domain.task.state import Settled
from tests.support.fleet import accepted
from tests.support.runs import Railway, branch, work

SAFE: dict[str, Any] = {"effect": "pure"}


class Again(Railway):
    """A run whose phases may be done anew."""

    def rework(self, *phases: str, **said: Any) -> Decision:
        command = {"project": "shop", "run": self.run_id, "phases": phases, "reason": "other needs", **said}
        decision = self.ask(ReworkPhases.model_validate(command))
        self.react()
        return decision

    def planned(self, *phases: str, **said: Any) -> ReworkPlanned:
        answer = accepted(self.rework(*phases, **said)).answer
        assert isinstance(answer, ReworkPlanned)
        return answer

    def retry(self, phase: str) -> Decision:
        decision = self.ask(RetryPhase(project="shop", run=self.run_id, phase=phase))
        self.react()
        return decision

    def generations(self) -> dict[str, int]:
        return {phase.key: self.run.phase(phase.key).generation for phase in self.definition.phases}


def test_what_took_from_a_phase_is_done_anew_and_the_rest_is_kept() -> None:
    again = Again(work("a", **SAFE), work("b", "a", **SAFE), work("c", **SAFE), work("d", "b", "c", **SAFE))
    again.succeed("a", "b", "c")
    planned = again.planned("a")
    assert (planned.redone, planned.kept) == (("a", "b", "d"), ("c",))
    assert again.statuses == {"a": "offered", "b": "pending", "c": "succeeded", "d": "pending"}
    again.succeed("a", "b", "d")
    assert again.stands() == "succeeded"
    assert again.generations() == {"a": 2, "b": 2, "c": 1, "d": 2}
    assert not stale(again.run)


def test_work_under_way_for_what_is_done_anew_ends_and_says_nothing_any_more() -> None:
    again = Again(work("a", **SAFE), work("b", "a", **SAFE))
    again.succeed("a")
    old, token = again.task_of("b"), again.begin("b")
    accepted(again.rework("a"))
    assert again.states[old].phase == Settled("cancelled", at=again.now)
    assert again.complete(old, token).rejection is not None
    assert again.statuses == {"a": "offered", "b": "pending"}


def test_a_phase_that_read_another_one_in_its_condition_took_from_it() -> None:
    told = ValueField(name="x", type="integer")
    found = work("a", outputs=(told,), **SAFE)
    again = Again(found, work("b", **SAFE), work("c", "a", "b", when="phases.a.output.x > 1", **SAFE))
    again.succeed("b")
    again.succeed("a", output='{"x": 1}')
    assert again.stands() == "succeeded"
    again = Again(
        found, work("b", "a", **SAFE), work("c", "b", when="phases.a.output.x > 1", **SAFE), work("d", **SAFE)
    )
    again.succeed("a", output='{"x": 1}')
    again.succeed("b")
    assert again.status("c") == "skipped"
    assert again.planned("a").redone == ("a", "b", "c")
    again.succeed("a", output='{"x": 2}')
    again.succeed("b")
    assert again.status("c") == "offered"


def test_a_run_that_failed_goes_on_with_what_was_blocked() -> None:
    again = Again(work("a", **SAFE), work("b", "a", **SAFE), work("c", "b", **SAFE))
    again.go_wrong("a")
    assert again.stands() == "failed"
    assert again.planned("a").redone == ("a", "b", "c")
    assert again.stands() == "running"
    again.succeed("a", "b", "c")
    assert again.stands() == "succeeded"


def test_a_branch_that_is_taken_otherwise_leaves_nothing_of_the_former_way() -> None:
    told = ValueField(name="x", type="integer")
    behind = (work("one", Edge(phase="way", arm="left"), **SAFE), work("two", Edge(phase="way", arm="right"), **SAFE))
    way = branch("way", "a", left="phases.a.output.x > 1", default="right")
    again = Again(work("a", outputs=(told,), **SAFE), way, *behind, work("end", "one", "two", **SAFE))
    again.succeed("a", output='{"x": 1}')
    again.succeed("two")
    accepted(again.rework("a"))
    again.succeed("a", output='{"x": 2}')
    assert (again.status("one"), again.status("two"), again.status("end")) == ("offered", "skipped", "pending")
    again.succeed("one", "end")
    assert again.stands() == "succeeded"


def test_a_gate_behind_what_is_done_anew_is_asked_anew() -> None:
    ask = GatePhase(key="ask", needs=(Edge(phase="a"),), gate=Gate(gate_class="merge", question="Well?"))
    again = Again(work("a", **SAFE), ask, work("b", "ask", **SAFE))
    again.succeed("a")
    said: dict[str, Any] = {"project": "shop", "run": again.run_id, "phase": "ask", "decision": "approved"}
    again.do(OverrideGate(**said, reason="yes"))
    assert again.status("b") == "offered"
    accepted(again.rework("a"))
    again.succeed("a")
    assert again.statuses == {"a": "succeeded", "ask": "waiting", "b": "pending"}


def test_what_may_change_the_world_is_done_once_more_only_with_a_reason() -> None:
    again = Again(work("a"), work("b", "a", **SAFE))
    again.succeed("a")
    assert isinstance(again.rework("a").rejection, ReworkRefused)
    tried = again.planned("a", dry_run=True)
    assert (tried.done, len(tried.refused)) == (False, 1)
    assert again.generations() == {"a": 1, "b": 1}
    assert again.planned("a", accept_repeat="it only adds").done


def test_nothing_is_done_anew_behind_a_point_of_no_return_or_in_a_run_that_succeeded() -> None:
    again = Again(work("a", **SAFE), work("b", "a", point_of_no_return=True, **SAFE), work("c", "b", **SAFE))
    again.succeed("a", "b")
    assert isinstance(again.rework("a", accept_repeat="yes").rejection, ReworkRefused)
    assert again.planned("c").redone == ("c",)
    again.succeed("c")
    assert isinstance(again.rework("c").rejection, RunNotInState)


def test_failed_work_is_tried_once_more_in_its_generation_and_what_it_blocked_begins() -> None:
    again = Again(work("a"), work("b", "a"), work("tidy", "a", "b", join="settled"))
    again.go_wrong("a")
    again.succeed("tidy")
    assert again.stands() == "failed"
    accepted(again.retry("a"))
    assert again.statuses == {"a": "offered", "b": "pending", "tidy": "pending"}
    again.succeed("a", "b", "tidy")
    assert again.stands() == "succeeded"
    assert again.generations() == {"a": 1, "b": 2, "tidy": 2}


def test_a_parked_phase_is_tried_once_more() -> None:
    again = Again(work("a", on_exhausted="park"))
    again.go_wrong("a")
    accepted(again.retry("a"))
    again.succeed("a")
    assert again.stands() == "succeeded"
    assert isinstance(Again(work("a")).retry("a").rejection, PhaseNotInState)


def test_what_could_not_be_told_is_told_again_on_a_retry() -> None:
    again = Again(work("a"), work("b", "a", when="phases.a.output.x > 1"))
    again.succeed("a")
    assert again.status("b") == "parked"
    accepted(again.retry("b"))
    assert again.status("b") == "parked"
    assert again.kinds().count("JoinFired") == 2


def test_a_cancelled_run_and_a_paused_one_are_done_anew() -> None:
    again = Again(work("a", **SAFE), work("b", "a", **SAFE))
    again.do(CancelRun(project="shop", run=again.run_id))
    assert again.stands() == "cancelled"
    accepted(again.rework("a"))
    again.succeed("a")
    again.do(PauseRun(project="shop", run=again.run_id))
    accepted(again.rework("a"))
    assert again.statuses == {"a": "pending", "b": "pending"}
    again.do(ResumeRun(project="shop", run=again.run_id))
    again.succeed("a", "b")
    assert again.stands() == "succeeded"


def test_a_phase_that_there_is_not_is_not_done_anew() -> None:
    assert isinstance(Again(work("a")).rework("z").rejection, UnknownThing)


def test_what_is_tried_once_more_in_a_paused_run_waits_for_it_to_go_on() -> None:
    again = Again(work("a"), work("b"), failure="continue")
    again.go_wrong("a")
    again.do(PauseRun(project="shop", run=again.run_id))
    accepted(again.retry("a"))
    assert again.claim(again.crew, again.task_of("a")).rejection is not None
    again.do(ResumeRun(project="shop", run=again.run_id))
    again.succeed("a", "b")
    assert again.stands() == "succeeded"


def test_a_gate_and_a_timer_took_from_all_that_they_looked_at() -> None:
    given = (ValueField(name="good"), ValueField(name="due"))
    asked = Gate.model_validate({"gate_class": "merge", "question": "?", "automatic": "phases.a.output.good == 'y'"})
    edges = (Edge(phase="late"),)
    again = Again(
        work("a", outputs=given, **SAFE),
        work("quick", **SAFE),
        work("late", "a", "quick", join="any", **SAFE),
        GatePhase(key="g", needs=edges, gate=asked),
        WaitPhase(key="w", needs=edges, wait=Timer(until="phases.a.output.due")),
        work("open", **SAFE),
    )
    again.succeed("quick")
    again.succeed("a", output='{"good": "y", "due": "2001-01-01T00:00:00"}')
    again.succeed("late")
    assert again.status("w") == "succeeded"
    assert again.planned("a", dry_run=True).redone == ("a", "g", "w")


def test_another_try_does_nothing_once_more_unasked_that_took_from_the_failure() -> None:
    failed = Edge(phase="a", accept=("failed",))
    again = Again(work("a"), work("b", failed, point_of_no_return=True), work("c", "a", "b", join="any"))
    again.go_wrong("a")
    again.succeed("b")
    refused = again.retry("a").rejection
    assert isinstance(refused, ReworkRefused)
    assert refused.reason == "b is a point of no return and was passed: fork the run instead"
    again = Again(work("a"), work("b", failed), work("c", "b"))
    again.go_wrong("a")
    again.succeed("b")
    refused = again.retry("a").rejection
    assert isinstance(refused, ReworkRefused)
    assert refused.reason.endswith("would once more: rework a with --undo or --accept-repeat instead")
