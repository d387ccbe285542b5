"""Rework with undo: what is done anew is taken back first, the latest first, and the rest of the run is kept."""

from typing import Any

import pytest

from domain.kernel.ids import SECOND
from domain.kernel.pipeline.definition import WaitPhase
from domain.kernel.pipeline.flow import Timer
from domain.kernel.pipeline.work import TaskSpec, Undo
from domain.policies.agenda import Agenda
from domain.run.commands import CastVote, OverrideGate, PauseRun, ResolveUndo, ReworkPhases
from domain.run.errors import ReworkRefused, RunNotInState
from domain.run.events import RunSettled
from domain.run.undo_events import RunCompensated, UndoStarted
from domain.task.events import TaskAttentionRaised
from tests.decisions.test_run_gate import Station, gate
from tests.support.fleet import accepted
from tests.support.nested import Yard, nested
from tests.support.runs import ONCE, edges, work


def undone(key: str, *needs: Any, **said: Any) -> Any:
    return work(key, *needs, undo=Undo(task=TaskSpec(title=f"Undo {key}", retry=ONCE)), **said)


def a_run(*phases: Any, **said: Any) -> tuple[Yard, str]:
    yard = Yard()
    yard.publish("inner", undone("x"))
    yard.publish("plain", *phases, **said)
    return yard, yard.start("plain")


def anew(run: str, *phases: str, **said: Any) -> ReworkPhases:
    return ReworkPhases(project="shop", run=run, phases=phases, reason="it is bad", undo=True, **said)


def chain() -> tuple[Yard, str]:
    yard, run = a_run(undone("a"), undone("b", "a"), undone("c", "b"), work("d", "c", effect="pure"))
    yard.succeed(run, "a", "b", "c")
    return yard, run


def test_what_they_did_is_taken_back_the_latest_first_and_then_they_begin_again() -> None:
    yard, run = chain()
    answer = yard.do(anew(run, "b"))
    assert (answer.redone, answer.kept, answer.undone) == (("b", "c", "d"), ("a",), ("c", "b"))
    assert (yard.stands(run), yard.undoing(run)) == ("compensating", ["c"])
    yard.take_back(run, "c")
    yard.take_back(run, "b")
    assert yard.stands(run) == "running"
    assert [yard.run(run).phase(place).generation for place in "abcd"] == [1, 2, 2, 2]
    assert [yard.status(run, place) for place in "abcd"] == ["succeeded", "offered", "pending", "pending"]
    yard.succeed(run, "b", "c", "d")
    assert yard.stands(run) == "succeeded"
    started = [one.event.place for one in yard.log if isinstance(one.event, UndoStarted)]
    assert started == ["c", "b"]


def test_a_run_that_has_failed_goes_on_behind_what_was_taken_back() -> None:
    yard, run = a_run(undone("a"), undone("b", "a"))
    yard.succeed(run, "a")
    yard.go_wrong(run, "b")
    assert yard.stands(run) == "failed"
    yard.do(anew(run, "a"))
    yard.take_back(run, "b")
    yard.take_back(run, "a")
    yard.succeed(run, "a", "b")
    assert yard.stands(run) == "succeeded"
    assert sum(isinstance(one.event, RunSettled) for one in yard.log) == 2


def test_what_somebody_works_on_is_ended_and_taken_back_as_well() -> None:
    yard, run = chain()
    yard.do(anew(run, "c"))
    yard.take_back(run, "c")
    yard.begin(run, "c")
    yard.do(anew(run, "c"))
    assert yard.undoing(run) == ["c"]
    yard.take_back(run, "c")
    assert (yard.status(run, "c"), yard.run(run).phase("c").generation) == ("offered", 3)


@pytest.mark.parametrize(("how", "rollback"), [("done", "complete"), ("skip", "partial")])
def test_an_undo_that_fails_halts_until_somebody_decides(how: Any, rollback: str) -> None:
    yard, run = chain()
    yard.do(anew(run, "c"))
    yard.take_back(run, "c", well=False)
    assert yard.stands(run) == "compensating"
    yard.do(ResolveUndo(project="shop", run=run, phase="c", how=how, reason="I looked"))
    (over,) = [one.event for one in yard.log if isinstance(one.event, RunCompensated)]
    assert (over.rollback, yard.status(run, "c")) == (rollback, "offered")


def test_what_has_an_effect_and_no_undo_has_to_be_accepted_and_asked_for_only_it_is_told() -> None:
    yard, run = a_run(undone("a"), work("b", "a"))
    yard.succeed(run, "a")
    yard.begin(run, "b")
    told = yard.do(anew(run, "a", dry_run=True))
    assert (told.done, told.undone) == (False, ("a",))
    assert told.refused == ("b may have changed the world, and would once more",)
    assert isinstance(yard.ask(anew(run, "a")).rejection, ReworkRefused)
    assert yard.do(anew(run, "a", accept_repeat="it only adds")).done


def test_a_paused_run_and_one_whose_child_is_under_way_are_refused_in_words() -> None:
    yard, run = chain()
    yard.do(PauseRun(project="shop", run=run))
    refused = yard.ask(anew(run, "c")).rejection
    assert refused is not None
    assert "resume it first" in refused.message()
    yard, run = a_run(undone("a"), nested("sub", "a"))
    yard.succeed(run, "a")
    refused = yard.ask(anew(run, "a")).rejection
    assert refused is not None
    assert f"run {yard.child(run, 'sub')} is under way for sub" in refused.message()


def test_the_run_of_a_phase_is_taken_back_by_its_own_ledger() -> None:
    yard, run = a_run(nested("sub"), work("d", "sub", effect="pure"))
    child = yard.child(run, "sub")
    yard.succeed(child, "x")
    yard.do(anew(run, "sub"))
    yard.take_back(yard.run(child).rolled_back_by, "x")
    assert (yard.stands(run), yard.stands(yard.child(run, "sub")), yard.child(run, "sub") != child) == (
        "running",
        "running",
        True,
    )


def test_what_came_due_meanwhile_is_looked_at_behind_it() -> None:
    timer = WaitPhase(key="later", needs=edges(()), wait=Timer(seconds=60.0))
    yard, run = a_run(undone("a"), timer, work("b", "a"))
    yard.succeed(run, "a")
    yard.do(anew(run, "a", accept_repeat="yes"))
    yard.now = type(yard.now)(yard.now + 61 * SECOND)
    yard.take_back(run, "a")
    agenda = Agenda()
    for one in yard.log:
        agenda.observe(one)
    for _, _, derived in agenda.due(yard.now):
        yard.ask(derived.command)
    yard.react()
    assert yard.status(run, "later") == "succeeded"


def test_work_for_which_nobody_came_meanwhile_asks_for_a_person_behind_it() -> None:
    station = Station(undone("a"), work("other", effect="pure"), work("b", "a", effect="pure"))
    station.succeed("a")
    station.do(ReworkPhases(project="shop", run=station.run_id, phases=("a",), reason="it is bad", undo=True))
    station.wait(301)
    assert station.stands() == "compensating"
    (entry,) = station.run.ledger.values()
    accepted(station.complete(entry.undo_task, station.claimed(station.crew, entry.undo_task).token))
    station.react()
    station.succeed("a")
    station.wait(301)
    asking = [one.stream for one in station.log if isinstance(one.event, TaskAttentionRaised)]
    assert station.task_of("other") in asking


def test_a_gate_is_answered_before_or_behind_it_so_that_nothing_that_is_owed_is_dropped() -> None:
    asked = gate("ask", "build", rework="build", eligible=[{"who": "principal", "name": "key_owner"}])
    yard, run = a_run(undone("a"), undone("b", "a"), work("build"), asked)
    yard.succeed(run, "a", "b", "build")
    yard.do(anew(run, "a"))
    vote = CastVote(project="shop", run=run, phase="ask", verdict="request_changes")
    override = OverrideGate(project="shop", run=run, phase="ask", decision="approved", reason="now")
    assert isinstance(yard.ask(vote, by="key_owner").rejection, RunNotInState)
    assert isinstance(yard.ask(override).rejection, RunNotInState)
    yard.take_back(run, "b")
    yard.take_back(run, "a")
    yard.do(vote, by="key_owner")
    assert [yard.run(run).phase(place).generation for place in ("a", "b", "build", "ask")] == [2, 2, 2, 2]
