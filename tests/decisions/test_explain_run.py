"""Why a run is where it is, in words: whatever its phases wait for, and what would make it go on."""

from typing import Any

import pytest

from domain.dispatch.explain_run import explain_run
from domain.dispatch.explain_task import explain_task
from domain.dispatch.explanation import Explanation
from domain.kernel.errors import UnknownThing
from domain.kernel.ids import SECOND, Instant
from domain.kernel.pipeline.definition import GatePhase, WaitPhase
from domain.kernel.pipeline.flow import Timer
from domain.kernel.pipeline.gate import Gate
from domain.kernel.pipeline.work import TaskSpec, Undo
from domain.run.commands import CancelRun, PauseRun, RollbackRun
from tests.support.nested import Yard, nested
from tests.support.runs import ONCE, edges, work


def told(yard: Yard, run: str, place: str = "") -> Explanation:
    def task(name: str) -> Explanation | UnknownThing:
        return explain_task(name, yard.project, yard.index, yard.serving, yard.now, yard)

    found = explain_run(run, place, yard.project, yard.now, yard, task)
    assert isinstance(found, Explanation), found
    return found


def words(yard: Yard, run: str, place: str = "") -> str:
    return "\n".join(one.words for one in told(yard, run, place).reasons)


def a_run(*phases: Any, **said: Any) -> tuple[Yard, str]:
    yard = Yard()
    yard.publish("inner", work("x"))
    yard.publish("plain", *phases, **said)
    return yard, yard.start("plain")


def test_what_waits_for_a_worker_is_explained_as_its_task_and_what_comes_after_by_its_inputs() -> None:
    yard, run = a_run(work("a"), work("b", "a"))
    found = told(yard, run)
    assert (found.kind, found.status, found.name) == ("run", "running", "plain")
    assert [one.code for one in found.reasons] == ["task"]
    assert words(yard, run, "b") == "b: it comes after a, which is offered"
    yard.succeed(run, "a")
    assert words(yard, run, "a").startswith("a: it has settled as succeeded")


def test_a_gate_a_timer_and_a_run_of_its_own_are_told_apart() -> None:
    gate = GatePhase(key="ask", gate=Gate(gate_class="merge", question="Ship?"))
    timer = WaitPhase(key="later", needs=edges(()), wait=Timer(seconds=60.0))
    yard, run = a_run(gate, timer, nested("sub"))
    found = told(yard, run)
    assert not found.moving
    by_code = {one.code: one for one in found.reasons}
    assert "'Ship?', and has 0 of 1 approvals" in by_code["gate"].words
    assert by_code["waiting"].until == yard.now + 60 * SECOND
    assert by_code["child"].about == yard.child(run, "sub")


def test_a_pause_is_the_reason_and_below_it_the_pause_above() -> None:
    yard, run = a_run(nested("sub"))
    child = yard.child(run, "sub")
    yard.do(PauseRun(project="shop", run=run))
    assert "it was paused by key_owner" in words(yard, run)
    assert f"it is paused because run {run} is" in words(yard, child)


def test_what_is_parked_or_has_failed_says_why() -> None:
    yard, run = a_run(work("a", on_exhausted="park"))
    yard.go_wrong(run, "a")
    assert "a: it is parked" in words(yard, run)
    yard, run = a_run(work("a"))
    yard.go_wrong(run, "a")
    assert words(yard, run) == "it has failed because of a"


def test_what_is_taken_back_says_how_far_it_is() -> None:
    undo = Undo(task=TaskSpec(title="Undo a", retry=ONCE))
    yard, run = a_run(work("a", undo=undo), work("b", "a"))
    yard.succeed(run, "a")
    yard.do(RollbackRun(project="shop", run=run, reason="it is bad", grace_seconds=0))
    assert words(yard, run) == "a is taken back by its undo task"
    yard.take_back(run, "a", well=False)
    assert told(yard, run).reasons[0].code == "undo_failed"


def test_a_run_that_ends_waits_for_who_works_for_it() -> None:
    yard, run = a_run(work("a"))
    yard.begin(run, "a")
    yard.do(CancelRun(project="shop", run=run, reason="not wanted"))
    assert "it ends as soon as nobody works for it any more: not wanted" in words(yard, run)


@pytest.mark.parametrize("place", ["nothing", "a/1"])
def test_what_is_not_there_is_unknown(place: str) -> None:
    yard, run = a_run(work("a"))
    found = explain_run(run, place, yard.project, yard.now, yard, lambda _: UnknownThing(kind="task", name="x"))
    assert found == UnknownThing(kind="phase", name=place)
    other = yard.a_project("other")
    found = explain_run(run, "", other, Instant(0), yard, lambda _: UnknownThing(kind="task", name="x"))
    assert found == UnknownThing(kind="run", name=run)
