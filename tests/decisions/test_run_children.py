"""A phase that is a run of its own: begun once, steered by its parent, and taken for what it says it became."""

from typing import Any

import pytest

from domain.kernel.ids import SECOND, Instant
from domain.kernel.pipeline.definition import MapPhase, RepeatPhase
from domain.kernel.pipeline.flow import Call, Map
from domain.kernel.pipeline.words import Binding, ValueField
from domain.kernel.pipeline.work import TaskSpec, Undo
from domain.pipeline.commands import DeprecateDefinition
from domain.pipeline.errors import VersionUnknown
from domain.run.commands import (
    BeginChild,
    CancelRun,
    FollowParent,
    PassRunDeadline,
    PauseRun,
    ResolveUndo,
    ResumeRun,
    RetryPhase,
    ReworkPhases,
    RollbackRun,
    StartRun,
    TellParent,
)
from domain.run.errors import BelongsToParent, ReworkRefused
from domain.run.events import RunQueued, RunSettled
from tests.support.nested import Yard, nested
from tests.support.runs import ONCE, work

PAGE = Binding(name="page", value="phases.a.output.page")


def a_yard(*, inner: dict[str, Any] | None = None, **said: Any) -> tuple[Yard, str, str]:
    """A run of a pipeline whose second phase is a run of another one; that has begun."""
    yard = Yard()
    paged = work("a", outputs=(ValueField(name="page"),), effect="pure")
    yard.publish("inner", paged, work("b", "a", effect="pure"), outputs=(PAGE,), **(inner or {}))
    yard.publish("outer", work("first", effect="pure"), nested("sub", "first", **said), work("last", "sub"))
    run = yard.start("outer")
    yard.succeed(run, "first")
    return yard, run, yard.child(run, "sub")


def asked(run: str, **said: Any) -> dict[str, Any]:
    return {"project": "shop", "run": run, **said}


def test_a_phase_is_done_by_a_run_whose_outputs_it_hands_on() -> None:
    yard, run, child = a_yard()
    assert (yard.status(run, "sub"), yard.stands(child), yard.status(child, "a")) == ("waiting", "running", "offered")
    yard.succeed(child, "a", output='{"page": "x"}')
    yard.succeed(child, "b")
    assert (yard.stands(child), yard.status(run, "sub")) == ("succeeded", "succeeded")
    assert yard.run(run).phase("sub").output == '{"page":"x"}'
    yard.succeed(run, "last")
    assert yard.stands(run) == "succeeded"


def test_a_child_inherits_and_knows_its_ancestry() -> None:
    yard = Yard()
    yard.publish("inner", work("a"), labels=("own",))
    yard.publish("middle", nested("sub"))
    yard.publish("outer", nested("sub", pipeline="middle"))
    run = yard.start("outer", priority=7, labels=("night",), correlation_key="v1")
    middle = yard.child(run, "sub")
    queued = yard.run(yard.child(middle, "sub")).queued
    assert (queued.priority, queued.labels, queued.correlation_key, queued.by) == (
        7,
        ("own", "night"),
        "v1",
        "key_owner",
    )
    assert queued.parent is not None
    assert (queued.parent.run, queued.parent.root, queued.parent.ancestry) == (middle, run, ("outer", "middle"))


@pytest.mark.parametrize(("rule", "status"), [("fail", "failed"), ("skip", "skipped"), ("park", "parked")])
def test_a_run_that_failed_is_what_its_phase_makes_of_it(rule: str, status: str) -> None:
    yard, run, child = a_yard(on_exhausted=rule)
    yard.go_wrong(child, "a")
    assert (yard.stands(child), yard.status(run, "sub")) == ("failed", status)
    assert "has failed at a" in yard.run(run).phase("sub").reason


def test_a_run_that_was_cancelled_is_never_taken_for_failed() -> None:
    yard, run, child = a_yard(on_exhausted="skip")
    yard.do(CancelRun(**asked(child)))
    assert yard.status(run, "sub") == "cancelled"


def test_asked_twice_it_is_one_run_and_is_heard_once() -> None:
    yard, run, child = a_yard()
    again = BeginChild(**asked(run, place="sub", generation=1))
    before = len(yard.log)
    yard.do(again)
    yard.do(FollowParent(**asked(child)))
    yard.do(TellParent(**asked(run, child=child)))
    assert len(yard.log) == before
    yard.succeed(child, "a", output='{"page": "x"}')
    yard.succeed(child, "b")
    before = len(yard.log)
    yard.do(TellParent(**asked(run, child=child)))
    yard.do(again)
    assert len(yard.log) == before
    begun = [one.event for one in yard.log if isinstance(one.event, RunQueued)]
    assert [event.pipeline for event in begun] == ["outer", "inner"]


def test_a_pause_of_the_parent_passes_down_and_back_but_not_over_one_that_somebody_else_paused() -> None:
    yard, run, child = a_yard()
    yard.do(PauseRun(**asked(run)))
    assert yard.stands(child) == "paused"
    yard.do(ResumeRun(**asked(run)))
    assert yard.stands(child) == "running"
    yard.do(PauseRun(**asked(child)))
    yard.do(PauseRun(**asked(run)))
    yard.do(ResumeRun(**asked(run)))
    assert (yard.stands(run), yard.stands(child)) == ("running", "paused")


def test_a_child_that_goes_on_is_not_paused_and_its_end_is_heard_in_the_pause() -> None:
    yard, run, child = a_yard(on_parent_pause="go_on")
    yard.do(PauseRun(**asked(run)))
    assert yard.stands(child) == "running"
    yard.succeed(child, "a", output='{"page": "x"}')
    yard.succeed(child, "b")
    assert (yard.status(run, "sub"), yard.status(run, "last")) == ("succeeded", "pending")
    yard.do(ResumeRun(**asked(run)))
    assert yard.status(run, "last") == "offered"


def test_a_cancel_of_the_parent_waits_for_the_child_to_have_ended() -> None:
    yard, run, child = a_yard()
    task, token = yard.begin(child, "a")
    yard.do(CancelRun(**asked(run, grace_seconds=30)))
    assert (yard.stands(run), yard.stands(child)) == ("cancelling", "cancelling")
    yard.fail(task, token)
    yard.react()
    assert (yard.stands(child), yard.stands(run), yard.status(run, "sub")) == ("cancelled", "cancelled", "cancelled")


def test_a_child_has_the_time_of_its_call_or_its_own_if_that_is_less() -> None:
    for own, seconds in ((None, 60), (30.0, 30), (90.0, 60)):
        yard, run, child = a_yard(inner={"deadline_seconds": own}, deadline_seconds=60.0)
        assert yard.run(child).deadline == yard.run(child).queued.start_at + seconds * SECOND
    yard, run, child = a_yard(deadline_seconds=60.0)
    yard.now = Instant(yard.now + 60 * SECOND)
    yard.do(PassRunDeadline(project="shop", run=child))
    assert (yard.stands(child), yard.status(run, "sub")) == ("cancelled", "cancelled")


def test_an_abandoned_child_goes_on_by_itself() -> None:
    yard, run, child = a_yard(on_parent_cancel="abandon")
    yard.do(CancelRun(**asked(run)))
    assert (yard.stands(run), yard.status(run, "sub"), yard.stands(child)) == ("cancelled", "cancelled", "running")
    yard.succeed(child, "a", output='{"page": "x"}')
    yard.succeed(child, "b")
    assert (yard.stands(child), yard.stands(run)) == ("succeeded", "cancelled")


def a_held_child(**outer: Any) -> tuple[Yard, str, str]:
    """A child that has failed behind a point of no return, so that a person has to say what becomes of its effects."""
    yard = Yard()
    back = Undo(task=TaskSpec(title="Undo", retry=ONCE))
    yard.publish("inner", work("a", undo=back, point_of_no_return=True), work("b", "a"), on_failure="compensate")
    yard.publish("outer", nested("sub"), work("beside", effect="pure"), **outer)
    run = yard.start("outer")
    child = yard.child(run, "sub")
    yard.succeed(child, "a")
    yard.go_wrong(child, "b")
    assert (yard.stands(child), yard.run(child).held) == ("running", ("a",))
    return yard, run, child


@pytest.mark.parametrize("answer", ["leave", "take back"])
def test_a_child_that_is_held_still_asks_when_its_parent_is_cancelled(answer: str) -> None:
    yard, run, child = a_held_child()
    yard.do(CancelRun(**asked(run, grace_seconds=0)))
    assert (yard.stands(run), yard.stands(child), yard.run(child).left) == ("cancelling", "cancelling", False)
    yard.do(CancelRun(**asked(run)))
    assert yard.stands(child) == "cancelling", "the same once more answers nothing"
    if answer == "leave":
        yard.do(CancelRun(**asked(child)))
        assert (yard.run(child).left, yard.run(child).ledger["a@1"].undo) == (True, "")
    else:
        yard.do(RollbackRun(**asked(child, reason="it is not to stay", force=True)))
        yard.take_back(child, "a")
        assert yard.run(child).ledger["a@1"].undo == "undone"
    assert (yard.stands(child), yard.stands(run)) == ("cancelled", "cancelled")


def test_a_child_whose_phase_is_done_anew_still_asks_what_becomes_of_its_effects() -> None:
    yard, run, child = a_held_child()
    yard.do(ReworkPhases(**asked(run, phases=("sub",), reason="again", accept_repeat="it may")))
    assert (yard.stands(child), yard.stands(yard.child(run, "sub"))) == ("cancelling", "running")
    yard.do(CancelRun(**asked(child)))
    assert yard.stands(child) == "cancelled"


def test_a_parent_that_takes_back_itself_asks_in_the_place_of_its_child() -> None:
    yard, run, child = a_held_child(on_cancel="compensate")
    yard.do(CancelRun(**asked(run, grace_seconds=0)))
    assert (yard.stands(child), yard.run(run).ledger["sub@1"].undo) == ("cancelled", "failed")
    yard.do(ResolveUndo(**asked(run, phase="sub", how="skip", reason="it stays")))
    assert yard.stands(run) == "cancelled"


def test_rework_of_the_phase_ends_its_run_and_begins_another() -> None:
    yard, run, child = a_yard()
    yard.do(ReworkPhases(**asked(run, phases=("sub",), reason="again")))
    second = yard.child(run, "sub")
    assert (yard.stands(child), yard.stands(second), second != child) == ("cancelled", "running", True)
    assert yard.run(run).phase("sub").generation == 2


def test_rework_that_would_repeat_what_a_child_did_has_to_be_accepted() -> None:
    yard = Yard()
    yard.publish("inner", work("a"))
    yard.publish("outer", work("x", effect="pure"), nested("sub", "x"), work("last", "sub", effect="pure"))
    run = yard.start("outer")
    yard.succeed(run, "x")
    yard.succeed(yard.child(run, "sub"), "a")
    refused = yard.ask(ReworkPhases(**asked(run, phases=("x",), reason="again"))).rejection
    assert isinstance(refused, ReworkRefused)
    assert "sub may have changed the world" in refused.message()


def test_a_failed_child_is_mended_where_its_phase_waits_for_that() -> None:
    yard, run, child = a_yard(on_exhausted="park")
    yard.go_wrong(child, "a")
    refused = yard.ask(RetryPhase(**asked(run, phase="sub"))).rejection
    assert isinstance(refused, ReworkRefused)
    assert child in refused.message()
    yard.do(RetryPhase(**asked(child, phase="a")))
    assert (yard.stands(child), yard.status(run, "sub")) == ("running", "waiting")
    yard.succeed(child, "a", output='{"page": "x"}')
    yard.succeed(child, "b")
    assert yard.status(run, "sub") == "succeeded"


def test_a_child_on_which_its_parent_has_counted_is_not_done_anew() -> None:
    yard, run, child = a_yard(on_exhausted="skip")
    yard.go_wrong(child, "a")
    refused = yard.ask(RetryPhase(**asked(child, phase="a"))).rejection
    assert isinstance(refused, BelongsToParent)
    assert (refused.parent, refused.phase) == (run, "sub")


def test_the_version_is_that_of_the_parents_start_unless_it_says_else() -> None:
    yard = Yard()
    yard.publish("inner", work("a"))
    yard.publish("outer", work("x"), nested("old", "x"), nested("new", "x", pin="call"))
    run = yard.start("outer")
    yard.publish("inner", work("a"), work("b"))
    yard.do(DeprecateDefinition(project="shop", pipeline="inner", version=1))
    yard.succeed(run, "x")
    versions = {place: yard.run(yard.child(run, place)).queued.version for place in ("old", "new")}
    assert versions == {"old": 1, "new": 2}


def test_what_is_called_has_to_be_there_when_the_parent_begins() -> None:
    yard = Yard()
    yard.publish("outer", nested("sub", pipeline="missing"))
    refused = yard.ask(StartRun(project="shop", pipeline="outer")).rejection
    assert refused is not None
    assert "missing" in refused.message()
    yard.publish("missing", work("a"))
    yard.publish("outer", nested("sub", pipeline="missing", version=3))
    assert isinstance(yard.ask(StartRun(project="shop", pipeline="outer")).rejection, VersionUnknown)


def test_inputs_that_do_not_fit_park_the_phase_and_a_retry_asks_again() -> None:
    yard = Yard()
    yard.publish("outer", nested("sub", pin="call"))
    yard.publish("inner", work("a"), inputs=(ValueField(name="who"),))
    run = yard.start("outer")
    assert "who is missing" in yard.run(run).phase("sub").reason
    yard.publish("inner", work("a"))
    yard.do(RetryPhase(**asked(run, phase="sub")))
    assert yard.stands(yard.child(run, "sub")) == "running"


def test_a_pipeline_is_inside_of_itself_only_as_often_as_it_says() -> None:
    yard = Yard()
    yard.publish("inner", nested("sub", recursive_depth_max=2))
    run = child = yard.start("inner")
    for _ in range(2):
        child = yard.child(child, "sub")
        assert yard.stands(child) == "running"
    phase = yard.run(child).phase("sub")
    assert phase.status == "parked"
    assert "inner > inner > inner > inner" in phase.reason
    assert yard.stands(run) == "running"


def test_eight_runs_are_inside_of_each_other_and_no_more() -> None:
    yard = Yard()
    yard.publish("d9", work("a"))
    for number in range(8, 0, -1):
        yard.publish(f"d{number}", nested("sub", pipeline=f"d{number + 1}"))
    run = yard.start("d1")
    for _ in range(7):
        run = yard.child(run, "sub")
    assert yard.run(run).queued.pipeline == "d8"
    assert (yard.status(run, "sub"), "8 runs" in yard.run(run).phase("sub").reason) == ("parked", True)


def test_a_map_begins_a_run_for_each_item() -> None:
    yard = Yard()
    yard.publish(
        "inner",
        work("a", inputs=()),
        inputs=(ValueField(name="who"),),
        outputs=(Binding(name="was", value="inputs.who"),),
    )
    each = Call(pipeline="inner", inputs=(Binding(name="who", value="item"),))
    yard.publish("outer", MapPhase(key="all", map=Map(over="['x', 'y']", each=each)))
    run = yard.start("outer")
    for place in ("all/x", "all/y"):
        yard.succeed(yard.child(run, place), "a")
    assert yard.run(run).phase("all").output == '[{"was":"x"},{"was":"y"}]'
    assert yard.stands(run) == "succeeded"


def test_a_run_of_its_own_goes_round_in_a_loop_and_ends_with_the_loop() -> None:
    yard = Yard()
    yard.publish("inner", work("a", effect="pure"))
    loop = RepeatPhase(key="polish", phases=(nested("sub"),), until="iteration == 2", max_iterations=3)
    yard.publish("outer", work("x", effect="pure"), loop)
    run = yard.start("outer")
    first = yard.child(run, "polish/1/sub")
    yard.succeed(first, "a")
    second = yard.child(run, "polish/2/sub")
    assert (yard.stands(first), yard.stands(second), first != second) == ("succeeded", "running", True)
    yard.do(ReworkPhases(**asked(run, phases=("polish",), reason="again")))
    assert yard.stands(second) == "cancelled"
    for number in (1, 2):
        yard.succeed(yard.child(run, f"polish/{number}/sub"), "a")
    assert yard.status(run, "polish") == "succeeded"


def test_an_output_that_cannot_be_told_is_left_out_and_said() -> None:
    yard = Yard()
    wanted = (Binding(name="sum", value="1 + 1"), Binding(name="gone", value="phases.a.output.page"))
    yard.publish("plain", work("a", outputs=(ValueField(name="page", required=False),)), outputs=wanted)
    run = yard.start("plain")
    yard.succeed(run, "a")
    (settled,) = [one.event for one in yard.log if isinstance(one.event, RunSettled)]
    assert (settled.outcome, settled.outputs) == ("succeeded", '{"sum":2}')
    assert settled.untold[0].startswith("gone: ")


def test_why_runs_below_may_not_be_repeated_is_told_in_the_order_of_the_definition() -> None:
    yard = Yard()
    yard.publish("inner", work("a"))
    places = ("e", "b", "f", "a", "d", "c")
    yard.publish("outer", *map(nested, places), work("last", *places, effect="pure"))
    run = yard.start("outer")
    for place in places:
        yard.succeed(yard.child(run, place), "a")
    told = yard.do(ReworkPhases(**asked(run, phases=places, reason="r", dry_run=True)))
    assert [one.partition(" ")[0] for one in told.refused] == list(places)
