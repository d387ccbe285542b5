"""Loops: their phases again and again, each iteration at places of its own, until a condition holds."""

from typing import Any

import pytest

from domain.kernel.ids import StreamId
from domain.kernel.pipeline.definition import RepeatPhase
from domain.kernel.pipeline.flow import Edge
from domain.kernel.pipeline.words import Binding, ValueField
from domain.kernel.pipeline.work import TaskSpec, Undo
from domain.run.commands import CancelRun, PauseRun, ResumeRun, RetryPhase, ReworkPhases, RollbackRun
from domain.run.errors import ReworkRefused
from domain.run.loop_events import IterationSettled, IterationStarted
from domain.task.commands import CompleteTask
from domain.task.state import Task
from tests.support.fleet import accepted
from tests.support.runs import ONCE, Railway, branch, join, work

FOUND = (ValueField(name="findings", type="integer"),)
ROUND = (Binding(name="round", value="iteration"),)


def loop(*needs: str, phases: tuple[Any, ...] = (), **said: Any) -> RepeatPhase:
    """Reviews and fixes until the review finds nothing."""
    inner = phases or (
        work("review", outputs=FOUND, inputs=ROUND),
        work("fix", "review", when="phases.review.output.findings > 0"),
    )
    limits: dict[str, Any] = {"until": "phases.review.output.findings == 0", "max_iterations": 3}
    return RepeatPhase(key="polish", needs=tuple(Edge(phase=need) for need in needs), phases=inner, **(limits | said))


def review(railway: Railway, iteration: int, findings: int) -> None:
    railway.succeed(f"polish/{iteration}/review", output=f'{{"findings": {findings}}}')
    if findings:
        railway.succeed(f"polish/{iteration}/fix")


def events_of(railway: Railway, *kinds: type[Any]) -> list[Any]:
    return [one.event for one in railway.log if isinstance(one.event, kinds)]


def test_it_goes_round_until_its_condition_holds_and_says_what_the_last_iteration_says() -> None:
    rounds = (Binding(name="rounds", value="iteration"), Binding(name="last", value="phases.review.output.findings"))
    railway = Railway(work("write"), loop("write", outputs=rounds), work("end", "polish"))
    assert railway.status("polish") == "pending"
    railway.succeed("write")
    assert railway.run.phase("polish").inside == ("polish/1/review", "polish/1/fix")
    review(railway, 1, 2)
    task = railway.states[railway.task_of("polish/2/review")]
    assert isinstance(task, Task)
    assert (task.plan.key, task.plan.input) == (f"{railway.run_id}/polish/2/review", '{"round":2}')
    assert (railway.status("polish"), railway.status("end")) == ("waiting", "pending")
    review(railway, 2, 0)
    assert (railway.status("polish"), railway.status("polish/2/fix")) == ("succeeded", "skipped")
    assert railway.run.phase("polish").output == '{"rounds":2,"last":0}'
    railway.succeed("end")
    assert railway.stands() == "succeeded"
    settled = events_of(railway, IterationSettled)
    assert [(one.iteration, one.outcome, one.until) for one in settled] == [
        (1, "succeeded", "false"),
        (2, "succeeded", "true"),
    ]
    assert len(events_of(railway, IterationStarted)) == 2


@pytest.mark.parametrize(("rule", "status"), [("fail", "failed"), ("skip", "skipped"), ("fallback", "skipped")])
def test_after_the_last_iteration_it_gives_up(rule: Any, status: str) -> None:
    other = (work("other", Edge(phase="polish", arm="fallback")),) if rule == "fallback" else ()
    railway = Railway(loop(max_iterations=2, on_exhausted=rule), *other)
    review(railway, 1, 1)
    review(railway, 2, 1)
    assert (railway.status("polish"), railway.run.phase("polish").reason) == (status, "not over after 2 iterations")
    assert railway.status("polish/3/review") == "pending", "there is no such iteration"
    if other:
        assert railway.status("other") == "offered"
    else:
        assert railway.stands() == ("failed" if rule == "fail" else "succeeded")


def test_a_loop_that_is_parked_goes_round_once_more_when_retried() -> None:
    railway = Railway(loop(max_iterations=1, on_exhausted="park"))
    review(railway, 1, 1)
    assert railway.status("polish") == "parked"
    railway.do(RetryPhase(project="shop", run=railway.run_id, phase="polish"))
    review(railway, 2, 0)
    assert (railway.status("polish"), railway.stands()) == ("succeeded", "succeeded")


def test_a_failure_inside_is_the_failure_of_the_iteration_unless_an_edge_takes_it() -> None:
    railway = Railway(loop())
    railway.go_wrong("polish/1/review")
    assert (railway.status("polish/1/fix"), railway.status("polish")) == ("blocked", "failed")
    assert railway.run.phase("polish").reason == "iteration 1 has failed"
    mend = work("mend", Edge(phase="try_it", accept=("failed",)))
    kept = Railway(loop(phases=(work("try_it"), mend), until="phases.try_it.outcome == 'succeeded'"))
    kept.go_wrong("polish/1/try_it")
    kept.succeed("polish/1/mend")
    kept.succeed("polish/2/try_it")
    assert (kept.status("polish"), kept.stands()) == ("succeeded", "succeeded")


def test_inside_one_speaks_of_what_is_around_and_of_the_iteration_before() -> None:
    inputs = (
        Binding(name="start", value="phases.write.output.findings"),
        Binding(name="before", value="iteration == 1 ? -1 : previous.review.output.findings"),
    )
    inner = (work("review", outputs=FOUND, inputs=inputs),)
    railway = Railway(work("write", outputs=FOUND), loop("write", phases=inner))
    railway.succeed("write", output='{"findings": 9}')
    railway.succeed("polish/1/review", output='{"findings": 4}')
    assert railway.run.phase("polish/1/review").input == '{"start":9,"before":-1}'
    assert railway.run.phase("polish/2/review").input == '{"start":9,"before":4}'


def test_branches_and_joins_go_round_as_well() -> None:
    inner = (
        work("look", outputs=FOUND),
        branch("which", "look", much="phases.look.output.findings > 1", default="little"),
        work("rewrite", Edge(phase="which", arm="much")),
        join("end", "rewrite"),
    )
    railway = Railway(loop(phases=inner, until="phases.look.output.findings == 0"))
    railway.succeed("polish/1/look", output='{"findings": 2}')
    railway.succeed("polish/1/rewrite")
    railway.succeed("polish/2/look", output='{"findings": 0}')
    assert (railway.status("polish/2/rewrite"), railway.status("polish/2/end")) == ("skipped", "skipped")
    assert railway.stands() == "succeeded"


def test_what_cannot_be_told_or_does_nothing_is_parked() -> None:
    railway = Railway(loop(until="phases.fix.output.x == 1"))
    review(railway, 1, 1)
    assert railway.status("polish") == "parked"
    idle = Railway(loop(phases=(work("never", when="iteration > 5"),), until="false"))
    assert (idle.status("polish"), idle.run.phase("polish").reason) == ("parked", "nothing was done in iteration 1")


def test_nothing_goes_round_while_the_run_is_paused_and_a_cancel_ends_what_is_inside() -> None:
    railway = Railway(loop(phases=(work("a", outputs=FOUND),), until="phases.a.output.findings == 0"))
    token = railway.begin("polish/1/a")
    railway.do(PauseRun(project="shop", run=railway.run_id))
    task, output = railway.task_of("polish/1/a"), '{"findings": 1}'
    railway.do(CompleteTask(project="shop", task=task, token=token, output=output))
    assert (railway.status("polish/1/a"), railway.run.phase("polish").iteration) == ("succeeded", 1)
    assert not events_of(railway, IterationSettled)
    railway.do(ResumeRun(project="shop", run=railway.run_id))
    assert railway.status("polish/2/a") == "offered"
    railway.begin("polish/2/a")
    railway.do(CancelRun(project="shop", run=railway.run_id, grace_seconds=0))
    assert (railway.status("polish/2/a"), railway.status("polish"), railway.stands()) == ("cancelled",) * 3


def test_a_failure_elsewhere_ends_the_loop() -> None:
    railway = Railway(work("x"), loop())
    railway.go_wrong("x")
    assert (railway.status("polish/1/review"), railway.status("polish")) == ("blocked", "blocked")
    assert railway.stands() == "failed"


def test_a_loop_is_done_anew_from_its_first_iteration_and_only_with_consent_if_it_changed_the_world() -> None:
    railway = Railway(loop(max_iterations=2))
    review(railway, 1, 1)
    review(railway, 2, 1)
    again = {"project": "shop", "run": railway.run_id, "phases": ("polish",), "reason": "once more"}
    assert isinstance(railway.ask(ReworkPhases.model_validate(again)).rejection, ReworkRefused)
    railway.do(ReworkPhases.model_validate({**again, "accept_repeat": "it was only words"}))
    polish = railway.run.phase("polish")
    assert (polish.generation, polish.iteration, polish.status) == (2, 1, "waiting")
    task = railway.states[railway.task_of("polish/1/review")]
    assert isinstance(task, Task)
    assert task.plan.key == f"{railway.run_id}/polish/1/review@2"
    review(railway, 1, 0)
    assert railway.stands() == "succeeded"


def test_a_loop_is_done_anew_with_what_its_phases_took_from_around_it() -> None:
    inner = (work("a", effect="pure", inputs=(Binding(name="x", value="phases.first.outcome"),)),)
    phases = (work("first", effect="pure"), work("second", "first", effect="pure"))
    railway = Railway(*phases, loop("second", phases=inner, until="true"), work("end", "polish", effect="pure"))
    railway.succeed("first", "second", "polish/1/a")
    assert {one.place for one in railway.run.phase("polish").consumed} == {"first", "second"}
    railway.do(ReworkPhases(project="shop", run=railway.run_id, phases=("first",), reason="wrong"))
    assert {key: railway.run.phase(key).generation for key in ("first", "second", "polish")} == {
        "first": 2,
        "second": 2,
        "polish": 2,
    }


def test_iterations_are_taken_back_the_latest_first() -> None:
    undo = Undo(task=TaskSpec(title="Take it back", retry=ONCE), when="succeeded")
    inner = (work("step", undo=undo, outputs=FOUND),)
    railway = Railway(loop(phases=inner, until="phases.step.output.findings == 0"), work("end", "polish"))
    for iteration, findings in ((1, 1), (2, 0)):
        railway.succeed(f"polish/{iteration}/step", output=f'{{"findings": {findings}}}')
    railway.do(RollbackRun(project="shop", run=railway.run_id, reason="wrong", grace_seconds=0))
    for iteration in (2, 1):
        (entry,) = [one for one in railway.run.ledger.values() if one.undo == "undoing"]
        assert entry.place == f"polish/{iteration}/step"
        token = railway.claimed(railway.crew, StreamId(entry.undo_task)).token
        accepted(railway.complete(StreamId(entry.undo_task), token))
        railway.react()
    assert railway.stands() == "cancelled"
