"""What a run has done that has ended is taken back by another run: asked for, or as one effect of its parent."""

from typing import Any

import pytest

from domain.kernel.ids import SECOND, Instant
from domain.kernel.pipeline.work import TaskSpec, Undo
from domain.run.child_events import LedgerAdopted, RunRolledBack
from domain.run.commands import PauseRun, ResolveUndo, ReworkPhases, RollbackRun, TakeBackChild
from domain.run.errors import BehindNoReturn, BelongsToParent, NothingToTakeBack, ReworkRefused
from domain.run.events import RunQueued, RunSettled
from domain.task.commands import CompleteTask
from tests.support.nested import Yard, nested
from tests.support.runs import ONCE, work


def undone(key: str, *needs: Any, **said: Any) -> Any:
    return work(key, *needs, undo=Undo(task=TaskSpec(title=f"Undo {key}", retry=ONCE)), **said)


def back(run: str, **said: Any) -> RollbackRun:
    return RollbackRun(project="shop", run=run, reason="it is bad", grace_seconds=0, **said)


def settled(yard: Yard, run: str) -> RunSettled:
    return [one.event for one in yard.log if one.stream == run and isinstance(one.event, RunSettled)][-1]


def a_success(**said: Any) -> tuple[Yard, str]:
    """A run of two effects that has succeeded."""
    yard = Yard()
    yard.publish("plain", undone("a"), undone("b", "a", **said))
    run = yard.start("plain")
    yard.succeed(run, "a", "b")
    assert yard.stands(run) == "succeeded"
    return yard, run


def test_a_success_is_taken_back_by_a_run_of_its_own_and_stays_a_success() -> None:
    yard, run = a_success()
    yard.do(back(run))
    other = yard.run(run).rolled_back_by
    assert (yard.stands(run), yard.stands(other), yard.undoing(other)) == ("succeeded", "compensating", ["b"])
    yard.take_back(other, "b")
    yard.take_back(other, "a")
    assert (yard.stands(other), settled(yard, other).rollback) == ("succeeded", "complete")
    assert (yard.stands(run), yard.run(other).queued.rolls_back) == ("succeeded", run)


def test_it_is_taken_back_once_whoever_asks_and_not_done_anew_behind_that() -> None:
    yard, run = a_success()
    yard.do(back(run))
    yard.do(back(run))
    assert sum(isinstance(one.event, RunRolledBack) for one in yard.log) == 1
    other = yard.run(run).rolled_back_by
    said: dict[str, Any] = {"project": "shop", "phases": ("a",), "reason": "again"}
    assert yard.ask(ReworkPhases(run=run, **said)).rejection is not None
    yard.take_back(other, "b", well=False)
    yard.do(ResolveUndo(project="shop", run=other, phase="b", how="skip", reason="it stays"))
    yard.take_back(other, "a")
    assert (yard.stands(other), settled(yard, other).rollback) == ("failed", "partial")
    assert isinstance(yard.ask(ReworkPhases(run=other, **said)).rejection, ReworkRefused)


def test_what_is_taken_over_from_the_ledger_stands_in_one_order_wherever_that_is_decided() -> None:
    yard = Yard()
    places = ("e", "b", "f", "a", "d", "c")
    yard.publish("plain", *map(undone, places))
    run = yard.start("plain")
    yard.succeed(run, *places)
    yard.do(back(run))
    (taken,) = [one.event for one in yard.log if isinstance(one.event, LedgerAdopted)]
    assert [one.place for one in taken.entries] == sorted(places)


def test_points_of_no_return_and_runs_without_an_effect_are_refused() -> None:
    yard, run = a_success(point_of_no_return=True)
    assert isinstance(yard.ask(back(run)).rejection, BehindNoReturn)
    yard.do(back(run, force=True))
    assert yard.undoing(yard.run(run).rolled_back_by) == ["b"]
    yard.publish("empty", work("a"))
    run = yard.start("empty")
    yard.succeed(run, "a")
    assert isinstance(yard.ask(back(run)).rejection, NothingToTakeBack)


def a_parent(**inner: Any) -> tuple[Yard, str, str]:
    """A run with an effect before and behind a nested run, which has done its own."""
    yard = Yard()
    yard.publish("inner", undone("x"), undone("y", "x", **inner.pop("second", {})), **inner)
    phases = undone("a"), nested("sub", "a"), undone("b", "sub"), work("c", "b")
    yard.publish("outer", *phases, on_failure="compensate")
    run = yard.start("outer")
    yard.succeed(run, "a")
    child = yard.child(run, "sub")
    yard.succeed(child, "x", "y")
    yard.succeed(run, "b")
    return yard, run, child


def test_a_nested_run_is_taken_back_as_one_effect_in_its_place() -> None:
    yard, run, child = a_parent()
    yard.go_wrong(run, "c")
    yard.take_back(run, "b")
    assert yard.undoing(run) == ["sub"]
    other = yard.run(child).rolled_back_by
    yard.take_back(other, "y")
    yard.take_back(other, "x")
    assert (yard.stands(other), yard.stands(child), yard.undoing(run)) == ("succeeded", "succeeded", ["a"])
    yard.take_back(run, "a")
    assert (yard.stands(run), settled(yard, run).rollback) == ("failed", "complete")
    yard.do(TakeBackChild(project="shop", run=run, place="sub", generation=1))
    assert sum(isinstance(one.event, RunQueued) for one in yard.log) == 3


def test_what_is_inside_of_what_is_inside_goes_back_as_well() -> None:
    yard = Yard()
    yard.publish("core", undone("z"))
    yard.publish("inner", nested("deep", pipeline="core"))
    yard.publish("outer", nested("sub"), work("c", "sub"), on_failure="compensate")
    run = yard.start("outer")
    inner = yard.child(run, "sub")
    core = yard.child(inner, "deep")
    yard.succeed(core, "z")
    yard.go_wrong(run, "c")
    yard.take_back(yard.run(core).rolled_back_by, "z")
    assert (yard.stands(yard.run(inner).rolled_back_by), yard.stands(run)) == ("succeeded", "failed")
    assert settled(yard, run).rollback == "complete"


def test_what_a_nested_run_leaves_in_the_world_its_parent_says_too() -> None:
    yard, run, child = a_parent()
    yard.go_wrong(run, "c")
    yard.take_back(run, "b")
    other = yard.run(child).rolled_back_by
    yard.take_back(other, "y", well=False)
    yard.do(ResolveUndo(project="shop", run=other, phase="y", how="skip", reason="it stays"))
    yard.take_back(other, "x")
    yard.take_back(run, "a")
    assert (settled(yard, other).rollback, settled(yard, run).rollback) == ("partial", "partial")


def test_word_to_take_back_a_nested_run_may_come_twice() -> None:
    yard, run, child = a_parent()
    yard.go_wrong(run, "c")
    yard.take_back(run, "b")
    other, before = yard.run(child).rolled_back_by, len(yard.log)
    asked = TakeBackChild(project="shop", run=run, place="sub", generation=1)
    assert yard.undoing(run) == ["sub"]
    yard.do(asked)
    assert (len(yard.log), yard.undoing(run), yard.undoing(other)) == (before, ["sub"], ["y"])


def test_a_nested_run_past_its_point_of_no_return_halts_until_somebody_decides() -> None:
    yard, run, child = a_parent(second={"point_of_no_return": True})
    yard.go_wrong(run, "c")
    yard.take_back(run, "b")
    entry = yard.run(run).ledger["sub@1"]
    assert (entry.undo, yard.run(child).rolled_back_by) == ("failed", "")
    yard.do(ResolveUndo(project="shop", run=run, phase="sub", how="skip", reason="it stays"))
    yard.take_back(run, "a")
    assert settled(yard, run).rollback == "partial"


def test_a_nested_run_is_taken_back_only_for_as_long_as_it_says() -> None:
    yard, run, _ = a_parent(undo_ttl_seconds=60.0)
    yard.now = Instant(yard.now + 61 * SECOND)
    yard.go_wrong(run, "c")
    yard.take_back(run, "b")
    assert yard.run(run).ledger["sub@1"].undo == "failed"


def test_a_nested_run_is_not_taken_back_by_itself_while_its_parent_counts_on_it() -> None:
    yard, run, child = a_parent()
    assert isinstance(yard.ask(back(child)).rejection, BelongsToParent)
    yard.succeed(run, "c")
    yard.do(back(child))
    assert yard.undoing(yard.run(child).rolled_back_by) == ["y"]


@pytest.mark.parametrize("how", ["before", "meanwhile"])
def test_a_nested_run_that_is_taken_back_already_is_not_twice(how: str) -> None:
    yard, run, child = a_parent()
    yard.succeed(run, "c")
    yard.do(back(child))
    other = yard.run(child).rolled_back_by
    if how == "before":
        yard.take_back(other, "y")
        yard.take_back(other, "x")
    yard.do(back(run))
    whole = yard.run(run).rolled_back_by
    yard.take_back(whole, "b")
    assert yard.run(whole).ledger["sub@1"].undo == ("undone" if how == "before" else "failed")


def test_a_run_that_only_takes_back_is_not_paused() -> None:
    yard, run = a_success()
    yard.do(back(run))
    assert yard.ask(PauseRun(project="shop", run=yard.run(run).rolled_back_by)).rejection is not None


def test_a_child_that_is_given_up_is_taken_back_once_nobody_works_for_it_any_more() -> None:
    yard = Yard()
    yard.publish("inner", undone("x"), undone("w", "x"))
    first = work("a", effect="pure")
    yard.publish("plain", first, nested("sub", "a"), work("bad", effect="pure"), on_failure="compensate")
    run = yard.start("plain")
    yard.succeed(run, "a")
    child = yard.child(run, "sub")
    yard.succeed(child, "x")
    task, token = yard.begin(child, "w")
    yard.do(ReworkPhases(project="shop", run=run, phases=("a",), reason="again", accept_repeat="yes"))
    yard.go_wrong(run, "bad")
    assert (yard.stands(run), yard.stands(child), yard.run(child).rolled_back_by) == ("compensating", "cancelling", "")
    yard.ask(CompleteTask(project="shop", task=task, token=token))  # too late, but it tells that nobody works any more
    yard.react()
    other = yard.run(child).rolled_back_by
    yard.take_back(other, "w")
    yard.take_back(other, "x")
    assert (yard.stands(run), settled(yard, run).rollback) == ("failed", "complete")
