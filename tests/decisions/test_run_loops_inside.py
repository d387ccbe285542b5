"""Gates, waits and maps go round as well: each iteration asks, waits and expands at places of its own."""

from typing import Any

import pytest

from domain.kernel.pipeline.definition import RepeatPhase
from domain.kernel.pipeline.words import Binding
from domain.kernel.pipeline.work import TaskSpec, Undo
from domain.project.commands import UpdateProject
from domain.run.commands import (
    CancelRun,
    CastVote,
    OverrideGate,
    PauseRun,
    ResumeRun,
    ReworkPhases,
    RollbackRun,
    SendSignal,
    SkipPhase,
)
from domain.run.errors import BehindNoReturn, ReworkRefused, SignalUnfit, VoteRefused
from domain.task.state import Task
from projections.attention.projection import ATTENTION
from projections.gate_inbox.projection import GATE_INBOX
from projections.kernel.replay import replay
from projections.pipeline_runs.projection import PIPELINE_RUNS
from projections.run_phases.projection import RUN_PHASES
from tests.decisions.test_run_gate import Station, gate, wait
from tests.decisions.test_run_loops import FOUND
from tests.decisions.test_run_maps import each
from tests.support.fleet import accepted
from tests.support.runs import ONCE, edges, work


def loop(*phases: Any, needs: tuple[str, ...] = (), **said: Any) -> RepeatPhase:
    limits: dict[str, Any] = {"until": "phases.ask.output.decision == 'approved'", "max_iterations": 3}
    return RepeatPhase(key="polish", needs=edges(needs), phases=phases, **(limits | said))


def voted(station: Station, who: str, place: str, verdict: Any = "approve", **said: Any) -> Any:
    decision = station.ask(
        CastVote(project="shop", run=station.run_id, phase=place, verdict=verdict, **said), by=station.keys[who]
    )
    station.react()
    return accepted(decision).answer


def test_each_iteration_asks_anew_and_the_inbox_knows_each() -> None:
    asked = gate("ask", "fix", veto=0, deadline_seconds=60, on_expiry="arm", quorum={"approvals": 2})
    station = Station(loop(work("fix"), asked, max_iterations=2, until="phases.ask.arm == 'approved'"))
    station.succeed("polish/1/fix")
    assert voted(station, "ann", "polish/1/ask").decision == ""
    row = replay(GATE_INBOX, station.log)[f"{station.run_id}/polish/1/ask"]
    assert (row.status, row.approvals_needed, row.pipeline, row.generation) == ("open", 2, "release", 1)
    station.wait(61)
    assert station.run.phase("polish/1/ask").arm == "expired"
    station.succeed("polish/2/fix")
    assert voted(station, "ann", "polish/2/ask").approvals == 1, "votes of the iteration before do not count"
    assert voted(station, "bob", "polish/2/ask").decision == "approved"
    assert station.stands() == "succeeded"


def test_inside_of_a_loop_a_gate_sends_back_within_its_iteration_and_no_task_comes_twice() -> None:
    station = Station(loop(work("fix"), work("try_it", "fix"), gate("ask", "try_it", rework="fix")))
    station.succeed("polish/1/fix", "polish/1/try_it")
    assert voted(station, "ann", "polish/1/ask", "request_changes", comment="no").decision == "changes_requested"
    polish = station.run.phase("polish")
    assert (polish.generation, polish.iteration) == (1, 1)
    assert {key: station.run.phase(f"polish/1/{key}").generation for key in ("fix", "try_it", "ask")} == {
        "fix": 2,
        "try_it": 2,
        "ask": 2,
    }
    row = replay(RUN_PHASES, station.log)[f"{station.run_id}/polish/1/fix"]
    assert (row.generation, row.status) == (2, "offered")
    station.succeed("polish/1/fix", "polish/1/try_it")
    voted(station, "ann", "polish/1/ask", "reject")
    assert station.stands() == "failed"
    again = ReworkPhases(project="shop", run=station.run_id, phases=("polish",), reason="r")
    assert isinstance(station.ask(again).rejection, ReworkRefused)
    station.do(again.model_copy(update={"accept_repeat": "it was only words"}))
    fix = station.run.phase("polish/1/fix")
    assert (station.run.phase("polish").generation, fix.generation, fix.status) == (2, 3, "offered")
    task = station.states[station.task_of("polish/1/fix")]
    assert isinstance(task, Task)
    assert task.plan.key == f"{station.run_id}/polish/1/fix@3"
    rows = replay(RUN_PHASES, station.log)
    assert rows[f"{station.run_id}/polish/1/fix"].generation == 3
    assert replay(GATE_INBOX, station.log)[f"{station.run_id}/polish/1/ask"].generation == 3


def test_each_iteration_waits_and_a_pause_does_not_count() -> None:
    station = Station(loop(work("look", outputs=FOUND), wait("rest", "look", seconds=60), until="iteration == 2"))
    station.succeed("polish/1/look", output='{"findings": 1}')
    station.wait(30)
    accepted(station.ask(PauseRun(project="shop", run=station.run_id)))
    station.wait(500)
    accepted(station.ask(ResumeRun(project="shop", run=station.run_id)))
    station.wait(29)
    assert (station.status("polish/1/rest"), station.run.phase("polish").iteration) == ("waiting", 1)
    station.wait(2)
    assert station.run.phase("polish").iteration == 2
    station.succeed("polish/2/look", output='{"findings": 1}')
    station.wait(61)
    assert station.stands() == "succeeded"


def test_a_loop_may_only_wait_until_what_it_waits_for_says_enough() -> None:
    told = {"name": "more", "type": "boolean"}
    heard = wait("word", name="word", outputs=(told,))
    station = Station(loop(heard, until="!phases.word.output.more", max_iterations=5))
    said: dict[str, Any] = {"project": "shop", "run": station.run_id, "name": "word"}
    station.do(SendSignal(**said, content='{"more": true}'))
    assert (station.status("polish/1/word"), station.status("polish/2/word")) == ("succeeded", "waiting")
    station.do(SendSignal(**said, content='{"more": false}'))
    assert station.stands() == "succeeded"


def test_an_iteration_that_only_the_autopilot_or_no_time_at_all_has_passed_is_no_other() -> None:
    station = Station(
        work("first"), loop(gate("ask", automatic="true", gate_class="merge"), needs=("first",), until="false")
    )
    accepted(station.ask(UpdateProject(project="shop", autopilot="fix_forward")))
    station.succeed("first")
    assert (station.status("polish"), station.run.phase("polish").iteration) == ("parked", 1)
    station = Station(loop(wait("rest", seconds=0.0001), until="false"))
    station.wait(1)
    assert station.run.phase("polish").iteration == 2


def test_each_iteration_has_a_map_of_its_own() -> None:
    outputs = [{"name": "left", "type": "integer"}]
    inner = each("m", over="['a', 'b']", work={"outputs": outputs}, max_parallel=1)
    left = (Binding(name="left", value="phases.m.output.map(one, one.left)"),)
    station = Station(loop(inner, until="phases.m.output.all(one, one.left == 0)", outputs=left))
    assert (station.status("polish/1/m/a"), station.status("polish/1/m/b")) == ("offered", "pending")
    station.succeed("polish/1/m/a", "polish/1/m/b", output='{"left": 1}')
    assert station.run.phase("polish").iteration == 2
    station.succeed("polish/2/m/a", "polish/2/m/b", output='{"left": 0}')
    assert (station.stands(), station.run.phase("polish").output) == ("succeeded", '{"left":[0,0]}')
    rows = replay(RUN_PHASES, station.log)
    assert rows[f"{station.run_id}/polish/2/m/b"].status == "succeeded"


@pytest.mark.parametrize("grace", [0, 30])
def test_a_cancel_ends_items_inside_of_a_loop(grace: int) -> None:
    station = Station(loop(each("m"), until="true"))
    token = station.begin("polish/1/m/a")
    station.do(CancelRun(project="shop", run=station.run_id, grace_seconds=grace))
    if grace:
        assert station.stands() == "cancelling"
        accepted(station.fail(station.task_of("polish/1/m/a"), token))
        station.react()
    assert station.stands() == "cancelled"
    assert {station.status(f"polish/1/m/{key}") for key in "abc"} == {"cancelled"}


def test_a_failure_elsewhere_ends_gates_and_items_inside() -> None:
    station = Station(work("x"), loop(each("m"), gate("ask", "m"), until="true"))
    station.go_wrong("x")
    assert station.stands() == "failed"
    assert station.status("polish") == "blocked"


def test_a_gate_inside_is_skipped_only_by_whoever_may_override_it() -> None:
    station = Station(loop(work("fix"), gate("ask", "fix"), until="true"))
    command = SkipPhase(project="shop", run=station.run_id, phase="polish/1/ask", reason="r")
    assert isinstance(station.ask(command, by=station.keys["ann"]).rejection, VoteRefused)


def test_a_point_of_no_return_inside_is_one() -> None:
    undo = Undo(task=TaskSpec(title="Take it back", retry=ONCE))
    inner = (work("fix", undo=undo), work("publish", "fix", point_of_no_return=True))
    station = Station(loop(*inner, until="true"), work("end", "polish"))
    station.succeed("polish/1/fix", "polish/1/publish")
    rollback = RollbackRun(project="shop", run=station.run_id, reason="r")
    assert isinstance(station.ask(rollback).rejection, BehindNoReturn)
    again = ReworkPhases(project="shop", run=station.run_id, phases=("polish",), reason="r", accept_repeat="r")
    assert isinstance(station.ask(again).rejection, ReworkRefused)


def test_a_signal_has_to_fit_one_of_the_phases_that_wait_for_it_and_goes_to_that_one() -> None:
    url, code = {"name": "url"}, {"name": "code", "type": "integer"}
    station = Station(
        work("a"), wait("one", "a", name="done", outputs=(url,)), wait("two", name="done", outputs=(code,))
    )
    said: dict[str, Any] = {"project": "shop", "run": station.run_id, "name": "done"}
    assert isinstance(station.ask(SendSignal(**said, content='{"other": 1}')).rejection, SignalUnfit)
    station.do(SendSignal(**said, content='{"url": "x"}'))
    assert station.statuses == {"a": "offered", "one": "pending", "two": "waiting"}
    station.do(SendSignal(**said, content='{"code": 7}'))
    assert (station.status("two"), station.run.phase("two").output) == ("succeeded", '{"code":7}')
    station.succeed("a")
    assert station.run.phase("one").output == '{"url":"x"}'
    assert station.stands() == "succeeded"


def test_what_stood_in_an_iteration_that_is_not_there_any_more_asks_nobody() -> None:
    bad = work("bad", on_exhausted="park")
    asking = RepeatPhase(key="polish", phases=(gate("ask"), bad), until="iteration == 2", max_iterations=2)
    station = Station(asking)
    station.do(OverrideGate(project="shop", run=station.run_id, phase="polish/1/ask", decision="approved", reason="go"))
    station.succeed("polish/1/bad")
    station.go_wrong("polish/2/bad")
    assert replay(GATE_INBOX, station.log)[f"{station.run_id}/polish/2/ask"].status == "open"
    station.do(ReworkPhases(project="shop", run=station.run_id, phases=("polish",), reason="anew", accept_repeat="yes"))
    asked = [key for key in replay(ATTENTION, station.log) if key.startswith(station.run_id)]
    assert asked == [f"{station.run_id}/phase/polish/1/ask"]
    assert replay(PIPELINE_RUNS, station.log)[station.run_id].parked == "[]"
    (row,) = replay(GATE_INBOX, station.log).values()
    assert (row.place, row.status, row.generation) == ("polish/1/ask", "open", 2)
    assert station.run.phase("polish/1/ask").generation == row.generation
