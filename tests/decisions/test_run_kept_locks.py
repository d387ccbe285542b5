"""A gate that keeps locks: what it judges is touched by nobody until it has settled, at most so long."""

from typing import Any

from domain.dispatch.take import Claimed
from domain.kernel.pipeline.definition import GatePhase, RepeatPhase
from domain.lock.commands import LetGoLocks
from domain.run.commands import CancelRun, CastVote
from domain.task.commands import ApplyPlan, ReleaseTask
from tests.decisions.test_run_gate import Station, gate
from tests.support.fleet import a_task, accepted
from tests.support.runs import work

SRC: dict[str, Any] = {"effect": "pure", "task": {"scope": ({"claim": "path:repo//src/**"},)}}


def asking(*needs: str, **said: Any) -> GatePhase:
    return gate("ask", *needs, keep_locks_seconds=600.0, **said)


class Shut(Station):
    """Somebody else wants to change what is judged."""

    def __init__(self, *phases: Any, **said: Any) -> None:
        super().__init__(*phases, **said)
        self.other = self.a_session("other")
        self.do(ApplyPlan(project="shop", tasks=(a_task("fix", scope=("path:repo//src/a.py",)),)))

    def is_shut(self) -> bool:
        """Whether the other task cannot have its locks."""
        decision = self.claim(self.other, self.id_of("fix"))
        if isinstance(decision.answer, Claimed):
            accepted(self.ask(ReleaseTask(project="shop", task=self.id_of("fix"), token=decision.answer.token)))
        return decision.rejection is not None


def test_nobody_gets_the_locks_of_what_is_judged_until_the_gate_has_settled() -> None:
    shut = Shut(work("build", **SRC), asking("build"), work("ship", "ask", **SRC))
    assert shut.is_shut() is False
    shut.succeed("build")
    assert shut.status("ask") == "waiting"
    assert shut.is_shut()
    accepted(shut.vote("ann"))
    assert shut.status("ask") == "succeeded"
    assert shut.is_shut() is False
    shut.succeed("ship")


def test_they_are_kept_so_long_at_most() -> None:
    shut = Shut(work("build", **SRC), asking("build"))
    shut.succeed("build")
    shut.wait(599)
    assert shut.is_shut()
    shut.wait(2)
    assert shut.is_shut() is False
    assert shut.status("ask") == "waiting"


def test_a_gate_without_keeping_holds_no_locks() -> None:
    shut = Shut(work("build", **SRC), gate("ask", "build"))
    shut.succeed("build")
    assert shut.is_shut() is False


def test_a_run_that_ends_lets_go() -> None:
    shut = Shut(work("build", **SRC), asking("build"))
    shut.succeed("build")
    shut.do(CancelRun(project="shop", run=shut.run_id, grace_seconds=0))
    assert (shut.stands(), shut.is_shut()) == ("cancelled", False)


def test_what_is_sent_back_may_be_done_anew_at_once() -> None:
    shut = Shut(work("build", **SRC), asking("build", rework="build"))
    shut.succeed("build")
    accepted(shut.vote("ann", "request_changes", comment="once more"))
    assert shut.status("build") == "offered"
    shut.succeed("build")
    assert shut.is_shut()
    assert shut.status("ask") == "waiting"


def test_work_before_other_work_of_the_same_gate_shuts_that_out_not() -> None:
    shut = Shut(work("build", **SRC), work("check", "build", **SRC), asking("build", "check"))
    shut.succeed("build", "check")
    assert (shut.status("ask"), shut.is_shut()) == ("waiting", True)


def test_a_gate_that_is_passed_by_lets_go_and_one_that_is_parked_does_not() -> None:
    shut = Shut(work("build", **SRC), work("look", effect="pure"), asking("build", "look"), failure="continue")
    shut.succeed("build")
    assert shut.is_shut(), "the gate may still open"
    shut.go_wrong("look")
    assert (shut.status("ask"), shut.is_shut()) == ("blocked", False)
    shut = Shut(work("build", **SRC), asking("build", deadline_seconds=60.0))
    shut.succeed("build")
    shut.wait(61)
    assert (shut.status("ask"), shut.is_shut()) == ("parked", True)


def test_inside_of_a_loop_it_is_the_same_in_each_round() -> None:
    inner = (work("build", **SRC), asking("build"))
    shut = Shut(RepeatPhase(key="loop", phases=inner, until="iteration == 2", max_iterations=2))
    for number in (1, 2):
        shut.succeed(f"loop/{number}/build")
        assert shut.is_shut()
        said: dict[str, Any] = {"project": "shop", "run": shut.run_id, "phase": f"loop/{number}/ask"}
        shut.ask(CastVote(**said, verdict="approve"), by=shut.keys["ann"])
        shut.react()
    assert (shut.stands(), shut.is_shut()) == ("succeeded", False)


def test_work_that_is_cut_off_keeps_its_lock_delay_and_a_word_that_comes_again_changes_nothing() -> None:
    shut = Shut(work("build", **SRC), asking("build"))
    shut.succeed("build")
    before = len(shut.log)
    shut.ask(LetGoLocks(project="shop", run=shut.run_id))
    assert len(shut.log) == before, "the gate still keeps them"
    accepted(shut.vote("ann"))
    before = len(shut.log)
    shut.ask(LetGoLocks(project="shop", run=shut.run_id))
    assert len(shut.log) == before
