"""A version is put away only once no run that has not ended keeps to it."""

from typing import Any

from domain.kernel.ids import StreamId
from domain.kernel.pipeline.work import TaskSpec, Undo
from domain.pipeline.commands import DeprecateDefinition, RetireDefinition
from domain.pipeline.errors import VersionInUse, VersionNotPublished
from domain.pipeline.pins import PINS, pins_of_pipeline
from domain.run.commands import CancelRun, MigrateRun, PauseRun, ReworkPhases, RollbackRun
from tests.support.nested import Yard, nested
from tests.support.runs import work


def retired(yard: Yard, version: int, pipeline: str = "plain") -> Any:
    return yard.ask(RetireDefinition(project="shop", pipeline=pipeline, version=version)).rejection


def a_yard(*phases: Any) -> Yard:
    yard = Yard()
    yard.publish("plain", *phases)
    return yard


def test_a_version_that_no_run_keeps_to_is_put_away_and_again_without_effect() -> None:
    yard = a_yard(work("a"))
    assert retired(yard, 1) is None
    seen = len(yard.log)
    assert retired(yard, 1) is None
    assert len(yard.log) == seen


def test_a_run_that_has_not_ended_keeps_its_version() -> None:
    yard = a_yard(work("a"))
    first, second = yard.start("plain"), yard.start("plain")
    refused = retired(yard, 1)
    assert isinstance(refused, VersionInUse)
    assert (refused.total, set(refused.runs)) == (2, {first, second})
    yard.succeed(first, "a")
    yard.do(CancelRun(project="shop", run=second, grace_seconds=0))
    assert retired(yard, 1) is None


def test_a_version_that_a_run_may_still_call_is_kept_as_well() -> None:
    yard = Yard()
    yard.publish("inner", work("x"))
    yard.publish("plain", work("a"), nested("b", "a"))
    run = yard.start("plain")
    yard.publish("inner", work("x"), work("y"))
    assert isinstance(retired(yard, 1, "inner"), VersionInUse)
    assert retired(yard, 2, "inner") is None
    yard.succeed(run, "a")
    child = yard.child(run, "b")
    refused = retired(yard, 1, "inner")
    assert isinstance(refused, VersionInUse)
    assert set(refused.runs) == {run, child}
    yard.succeed(child, "x")
    assert yard.stands(run) == "succeeded"
    assert retired(yard, 1, "inner") is None


def test_a_run_that_goes_over_to_another_version_keeps_to_that() -> None:
    yard = a_yard(work("a"))
    run = yard.start("plain")
    yard.publish("plain", work("a"), work("b"))
    yard.do(DeprecateDefinition(project="shop", pipeline="plain", version=1))
    yard.do(PauseRun(project="shop", run=run))
    yard.do(MigrateRun(project="shop", run=run, reason="x"))
    assert retired(yard, 1) is None
    assert isinstance(retired(yard, 2), VersionInUse)


def test_a_run_that_is_done_anew_keeps_its_version_again_unless_that_was_put_away() -> None:
    yard = a_yard(work("a"), work("b", "a"))
    run = yard.start("plain")
    yard.go_wrong(run, "a")
    assert yard.stands(run) == "failed"
    again = ReworkPhases(project="shop", run=run, phases=("a",), reason="x", accept_repeat="fine")
    yard.do(again)
    assert isinstance(retired(yard, 1), VersionInUse)
    yard.go_wrong(run, "a")
    assert retired(yard, 1) is None
    assert isinstance(yard.ask(again).rejection, VersionNotPublished)
    yard.publish("plain", work("a"), work("b", "a"))
    yard.do(again)
    assert yard.stands(run) == "running"


def test_what_was_done_by_a_version_that_is_put_away_can_still_be_taken_back() -> None:
    yard = a_yard(work("a", undo=Undo(task=TaskSpec(title="Back"))))
    run = yard.start("plain")
    yard.succeed(run, "a")
    assert retired(yard, 1) is None
    yard.do(RollbackRun(project="shop", run=run, reason="no"))
    back = yard.run(run).rolled_back_by
    assert retired(yard, 1) is None
    yard.take_back(back, "a")
    assert yard.stands(back) == "succeeded"


def test_nothing_is_left_of_runs_that_have_ended() -> None:
    yard = a_yard(work("a"))
    for _ in range(5):
        yard.succeed(yard.start("plain"), "a")
    shares = [yard.read(PINS, StreamId(one)) for one in pins_of_pipeline(yard.project, "plain")]
    assert [len(one.runs) for one in shares] == [0] * len(shares)


def test_what_has_ended_does_not_begin_again_where_a_version_that_it_calls_was_put_away() -> None:
    yard = Yard()
    yard.publish("inner", work("x"))
    yard.publish("plain", work("a"), nested("b", "a"))
    run = yard.start("plain")
    yard.go_wrong(run, "a")
    yard.publish("inner", work("x"), work("y"))
    assert retired(yard, 1, "inner") is None
    again = ReworkPhases(project="shop", run=run, phases=("a",), reason="x", accept_repeat="fine")
    refused = yard.ask(again).rejection
    assert isinstance(refused, VersionNotPublished)
    assert (refused.name, refused.version) == ("inner", 1)
