"""How many runs there may be at a time: who has a place, who waits for one, and who gives it back."""

from typing import Any

import pytest

from domain.dispatch.explain_run import explain_run
from domain.dispatch.explanation import Explanation, Reason
from domain.kernel.errors import UnknownThing
from domain.kernel.ids import ProjectId, StreamId
from domain.kernel.pipeline.flow import Concurrency
from domain.kernel.pipeline.words import Binding, ValueField
from domain.kernel.pipeline.work import TaskSpec, Undo
from domain.run.commands import (
    CancelRun,
    FollowParent,
    ForkRun,
    PassRunDeadline,
    PauseRun,
    ReachRunStart,
    ResumeRun,
    RetryPhase,
    ReworkPhases,
    RollbackRun,
    StartRun,
)
from domain.run.errors import NoTurn, RunNotInState, TurnUnfit
from domain.turn.decider import LINE, line_of
from domain.turn.events import TurnLeft, TurnMissed
from domain.turn.state import Line
from tests.support.fleet import accepted
from tests.support.nested import Yard, nested
from tests.support.runs import join, work

ONE = Concurrency(key="deploy", limit=1)
TWO = Concurrency(key="deploy", limit=2)
TAKEN_BACK = Undo(task=TaskSpec(title="Take it back"))


def yard_of(concurrency: Concurrency = ONE, *phases: Any, **said: Any) -> Yard:
    yard = Yard()
    yard.publish("ship", *(phases or (work("go"),)), concurrency=concurrency, **said)
    return yard


def line(yard: Yard, key: str = "deploy") -> Line:
    found: Line = yard.states.get(line_of(yard.project, key), LINE.initial)
    return found


def stands(yard: Yard, *runs: str) -> list[str]:
    return [yard.stands(run) for run in runs]


def test_so_many_run_and_the_others_wait_in_the_order_in_which_they_came() -> None:
    yard = yard_of(TWO)
    runs = [yard.start("ship") for _ in range(4)]
    assert stands(yard, *runs) == ["running", "running", "queued", "queued"]
    yard.succeed(runs[1], "go")
    assert stands(yard, *runs) == ["running", "succeeded", "running", "queued"]
    yard.succeed(runs[0], "go")
    assert stands(yard, *runs) == ["succeeded", "succeeded", "running", "running"]


def test_whoever_has_priority_comes_first_and_nobody_passes_the_head_of_the_line() -> None:
    yard = yard_of()
    yard.publish("many", work("go"), concurrency=TWO)
    first, low = yard.start("ship"), yard.start("ship")
    high, other = yard.start("ship", priority=5), yard.start("many")
    assert stands(yard, low, high, other) == ["queued", "queued", "queued"]
    yard.succeed(first, "go")
    assert stands(yard, low, high, other) == ["queued", "running", "queued"]
    yard.do(CancelRun(project="shop", run=low))
    assert yard.stands(other) == "running", "for it there are two places"


def test_nobody_passes_the_head_of_the_line_either_that_has_not_heard_yet_of_its_place() -> None:
    yard = yard_of()
    yard.publish("many", work("go"), concurrency=TWO)
    first, head = yard.start("ship"), yard.start("ship")
    yard.given(line_of(yard.project, "deploy"), TurnLeft(run=first, at=yard.now), project=yard.project)
    answer: Any = accepted(yard.ask(StartRun(project="shop", pipeline="many", idempotency_key="other"))).answer
    assert yard.stands(answer.run) == "queued", "with it there would be no place for the head"
    yard.react()
    assert stands(yard, head, answer.run) == ["running", "running"], "for it there are two places"


def test_a_line_of_runs_that_do_nothing_empties_itself() -> None:
    yard = yard_of(ONE, join("a"))
    yard.publish("work", work("go"), concurrency=ONE)
    first = yard.start("work")
    rest = [yard.start("ship") for _ in range(12)]
    yard.succeed(first, "go")
    assert set(stands(yard, *rest)) == {"succeeded"}
    assert not line(yard).places


@pytest.mark.parametrize("how", ["good", "bad", "cancel", "deadline"])
def test_a_place_is_free_however_its_run_has_ended(how: str) -> None:
    yard = yard_of(ONE, deadline_seconds=60.0)
    first, second = yard.start("ship"), yard.start("ship")
    match how:
        case "good":
            yard.succeed(first, "go")
        case "bad":
            yard.go_wrong(first, "go")
        case "cancel":
            yard.do(CancelRun(project="shop", run=first))
        case _:
            yard.advance(60)
            yard.do(PassRunDeadline(project="shop", run=first))
    assert yard.stands(second) == "running"


def test_a_run_that_takes_back_keeps_its_place_until_that_is_done() -> None:
    yard = yard_of(ONE, work("go", undo=TAKEN_BACK), work("check", "go", effect="pure"), on_failure="compensate")
    first, second = yard.start("ship"), yard.start("ship")
    yard.succeed(first, "go")
    yard.go_wrong(first, "check")
    assert stands(yard, first, second) == ["compensating", "queued"]
    yard.take_back(first, "go")
    assert stands(yard, first, second) == ["failed", "running"]


def test_a_paused_run_keeps_the_place_that_it_has_but_not_one_in_line() -> None:
    yard = yard_of()
    first, second, third = yard.start("ship"), yard.start("ship"), yard.start("ship")
    yard.do(PauseRun(project="shop", run=first))
    yard.do(PauseRun(project="shop", run=second))
    assert stands(yard, first, second, third) == ["paused", "paused", "queued"]
    yard.do(CancelRun(project="shop", run=first, grace_seconds=0))
    assert stands(yard, second, third) == ["paused", "running"]
    yard.advance(1)
    fourth = yard.start("ship")
    yard.do(ResumeRun(project="shop", run=second))
    assert yard.stands(second) == "queued"
    yard.succeed(third, "go")
    assert stands(yard, second, fourth) == ["running", "queued"], "it comes where it was"


def test_a_queued_run_that_is_cancelled_waits_no_more() -> None:
    yard = yard_of()
    first, second, third = yard.start("ship"), yard.start("ship"), yard.start("ship")
    yard.do(CancelRun(project="shop", run=second))
    assert yard.stands(second) == "cancelled"
    assert [one.run for one in line(yard).waiting] == [third]
    yard.succeed(first, "go")
    assert yard.stands(third) == "running"


def test_a_run_gets_in_line_once_its_time_has_come() -> None:
    yard = yard_of()
    due = yard.now + 60_000_000
    first, later = yard.start("ship"), yard.start("ship", start_at=due)
    assert not line(yard).waiting
    second = yard.start("ship")
    yard.advance(60)
    yard.do(ReachRunStart(project="shop", run=later))
    assert [one.run for one in line(yard).waiting] == [second, later]
    yard.succeed(first, "go")
    assert stands(yard, second, later) == ["running", "queued"]


def test_the_key_speaks_of_the_inputs() -> None:
    where = ValueField(name="where", required=False, default="live")
    yard = yard_of(Concurrency(key="to ${where}", limit=1), inputs=(where,))
    runs = [yard.start("ship"), yard.start("ship", inputs='{"where": "test"}'), yard.start("ship")]
    assert stands(yard, *runs) == ["running", "running", "queued"]
    for text in ("", "x" * 300):
        asked = StartRun(project="shop", pipeline="ship", inputs=f'{{"where": "{text}"}}')
        assert isinstance(yard.ask(asked).rejection, TurnUnfit if text else type(None))


def test_a_start_may_name_a_key_where_the_definition_does_not() -> None:
    yard = yard_of()
    yard.publish("plain", work("go"))
    refused = yard.ask(StartRun(project="shop", pipeline="ship", concurrency=TWO)).rejection
    assert isinstance(refused, TurnUnfit)
    first, second = yard.start("plain", concurrency=ONE), yard.start("ship")
    assert stands(yard, first, second) == ["running", "queued"], "one key over all definitions"
    yard.succeed(first, "go")
    assert yard.stands(second) == "running"


def test_a_run_that_is_not_to_wait_is_not_begun() -> None:
    yard = yard_of(Concurrency(key="deploy", limit=1, when_full="refuse"))
    first = yard.start("ship")
    refused = yard.ask(StartRun(project="shop", pipeline="ship")).rejection
    assert isinstance(refused, NoTurn)
    assert refused.holders == first
    yard.succeed(first, "go")
    assert yard.stands(yard.start("ship")) == "running"


def test_a_run_may_take_the_place_of_those_before_it() -> None:
    yard = yard_of(Concurrency(key="deploy", limit=1, when_full="replace"))
    first = yard.start("ship")
    _, token = yard.begin(first, "go")
    second = yard.start("ship")
    assert stands(yard, first, second) == ["cancelling", "queued"], "whoever works has its grace"
    third = yard.start("ship")
    assert stands(yard, second, third) == ["cancelled", "queued"]
    yard.complete(yard.run(first).phase("go").task, token)
    yard.react()
    assert stands(yard, first, third) == ["cancelled", "running"]


def test_a_run_inside_of_another_shares_its_place() -> None:
    yard = Yard()
    yard.publish("inner", work("go"), concurrency=ONE)
    yard.publish("outer", nested("call"), nested("more"), concurrency=ONE)
    outer, other = yard.start("outer"), yard.start("inner")
    call, more = yard.child(outer, "call"), yard.child(outer, "more")
    assert stands(yard, call, more, other) == ["running", "running", "queued"]
    yard.succeed(call, "go")
    yard.succeed(more, "go")
    assert stands(yard, outer, other) == ["succeeded", "running"]


def test_a_run_left_to_itself_keeps_the_place_that_it_shared() -> None:
    yard = Yard()
    yard.publish("inner", work("go"), concurrency=ONE)
    yard.publish("outer", nested("call", on_parent_cancel="abandon"), concurrency=ONE)
    outer, other = yard.start("outer"), yard.start("inner")
    yard.do(CancelRun(project="shop", run=outer))
    assert stands(yard, outer, other) == ["cancelled", "queued"]
    yard.succeed(yard.child(outer, "call"), "go")
    assert yard.stands(other) == "running"


def test_siblings_wait_for_each_other_where_no_run_around_them_has_the_key() -> None:
    yard = Yard()
    yard.publish("inner", work("go"), concurrency=ONE)
    yard.publish("outer", nested("a"), nested("b"))
    outer = yard.start("outer")
    a, b = yard.child(outer, "a"), yard.child(outer, "b")
    assert stands(yard, a, b) == ["running", "queued"]
    yard.succeed(a, "go")
    yard.succeed(b, "go")
    assert yard.stands(outer) == "succeeded"


def crossing(limit: int = 1) -> Yard:
    """Two pipelines that each keep a key while they call for the one of the other."""
    yard = Yard()
    for own, other in (("east", "west"), ("west", "east")):
        yard.publish(f"in-{own}", work("go"), concurrency=Concurrency(key=own, limit=limit))
        calls = nested("call", "first", pipeline=f"in-{other}")
        yard.publish(f"via-{own}", work("first"), calls, concurrency=Concurrency(key=own, limit=limit))
    return yard


def test_two_that_would_wait_for_each_other_for_ever_do_not() -> None:
    yard = crossing()
    east, west = yard.start("via-east"), yard.start("via-west")
    yard.succeed(east, "first")
    assert yard.stands(yard.child(east, "call")) == "queued"
    yard.succeed(west, "first")
    assert yard.status(west, "call") == "parked"
    assert east in yard.run(west).phase("call").reason
    yard.do(CancelRun(project="shop", run=east))
    assert yard.stands(east) == "cancelled"
    yard.do(RetryPhase(project="shop", run=west, phase="call"))
    yard.succeed(yard.child(west, "call"), "go")
    assert yard.stands(west) == "succeeded"


def test_it_is_no_circle_where_somebody_else_gives_a_place_back() -> None:
    yard = crossing(limit=2)
    east, west, free = yard.start("via-east"), yard.start("via-west"), yard.start("in-east")
    other = yard.start("in-west")
    yard.succeed(east, "first")
    yard.succeed(west, "first")
    calls = [yard.child(east, "call"), yard.child(west, "call")]
    assert stands(yard, *calls) == ["queued", "queued"]
    yard.succeed(free, "go")
    assert stands(yard, *calls) == ["queued", "running"]
    yard.succeed(other, "go")
    assert yard.stands(calls[0]) == "running"


def test_a_run_inside_that_may_not_wait_parks_its_phase() -> None:
    yard = Yard()
    yard.publish("inner", work("go"), concurrency=Concurrency(key="deploy", limit=1, when_full="refuse"))
    yard.publish("outer", nested("call"))
    first, outer = yard.start("inner"), yard.start("outer")
    assert yard.status(outer, "call") == "parked"
    yard.succeed(first, "go")
    yard.do(RetryPhase(project="shop", run=outer, phase="call"))
    assert yard.stands(yard.child(outer, "call")) == "running"


def test_an_input_that_makes_no_key_parks_the_phase() -> None:
    yard = Yard()
    where = ValueField(name="where", required=False, default="")
    yard.publish("inner", work("go"), inputs=(where,), concurrency=Concurrency(key="${where}", limit=1))
    yard.publish("outer", nested("call", inputs=(Binding(name="where", value="''"),)))
    outer = yard.start("outer")
    assert "concurrency key" in yard.run(outer).phase("call").reason


def test_what_has_failed_is_done_anew_only_with_a_place() -> None:
    yard = yard_of()
    first, second = yard.start("ship"), yard.start("ship")
    yard.go_wrong(first, "go")
    again = ReworkPhases(project="shop", run=first, phases=("go",), reason="r", accept_repeat="r")
    for asked in (again, RetryPhase(project="shop", run=first, phase="go")):
        assert isinstance(yard.ask(asked).rejection, NoTurn)
    planned = accepted(yard.ask(again.model_copy(update={"dry_run": True}))).answer
    assert second in str(planned)
    yard.succeed(second, "go")
    yard.do(again)
    third = yard.start("ship")
    assert stands(yard, first, third) == ["running", "queued"]
    yard.succeed(first, "go")
    assert stands(yard, first, third) == ["succeeded", "running"]


def test_a_fork_waits_like_any_other() -> None:
    yard = yard_of()
    first = yard.start("ship")
    forked = yard.do(ForkRun(project="shop", run=first))
    assert yard.stands(forked.run) == "queued"


def test_taking_back_what_has_ended_has_its_turn_before_all_others() -> None:
    yard = yard_of(ONE, work("go", undo=TAKEN_BACK))
    first = yard.start("ship")
    yard.succeed(first, "go")
    second, third = yard.start("ship"), yard.start("ship", priority=100)
    yard.do(RollbackRun(project="shop", run=first, reason="r"))
    back = yard.run(first).rolled_back_by
    assert stands(yard, second, third, back) == ["running", "queued", "queued"]
    for command in (CancelRun(project="shop", run=back),):
        assert isinstance(yard.ask(command).rejection, RunNotInState)
    yard.succeed(second, "go")
    assert stands(yard, third, back) == ["queued", "compensating"]
    yard.take_back(back, "go")
    assert stands(yard, third, back) == ["running", "succeeded"]


def test_whoever_waits_is_told_for_whom() -> None:
    yard = yard_of()
    first, second, third = yard.start("ship"), yard.start("ship"), yard.start("ship")
    told = explain_run(third, "", ProjectId(yard.project), yard.now, yard, lambda _: UnknownThing(kind="task", name=""))
    assert isinstance(told, Explanation)
    (reason,) = told.reasons
    assert (reason.code, reason.about, reason.data["ahead"]) == ("turn", first, 1)
    assert first in reason.words
    assert yard.stands(second) == "queued"


def test_asked_twice_nothing_changes() -> None:
    yard = yard_of()
    yard.start("ship")
    second = yard.start("ship")
    before = len(yard.log)
    for _ in range(2):
        yard.do(ReachRunStart(project="shop", run=second))
    assert len(yard.log) == before
    assert StreamId(second) in yard.states


def test_whoever_replaces_does_not_say_what_becomes_of_the_effects_of_a_run_that_is_held() -> None:
    concurrency = Concurrency(key="deploy", limit=1, when_full="replace")
    phases = (work("a", undo=TAKEN_BACK, point_of_no_return=True), work("b", "a"))
    yard = yard_of(concurrency, *phases, on_failure="compensate")
    run = yard.start("ship")
    yard.succeed(run, "a")
    yard.go_wrong(run, "b")
    later = yard.start("ship")
    assert (yard.stands(run), yard.run(run).held, yard.run(run).left) == ("running", ("a",), False)
    yard.do(CancelRun(project="shop", run=run))
    assert stands(yard, run, later) == ["cancelled", "running"]


def test_whoever_comes_back_from_a_pause_closes_no_circle_either() -> None:
    yard = crossing()
    east, west = yard.start("via-east"), yard.start("via-west")
    yard.succeed(east, "first")
    call = yard.child(east, "call")
    yard.do(PauseRun(project="shop", run=call))
    yard.succeed(west, "first")
    assert stands(yard, call, yard.child(west, "call")) == ["paused", "queued"]
    assert isinstance(yard.ask(ResumeRun(project="shop", run=call)).rejection, NoTurn)
    yard.do(CancelRun(project="shop", run=west))
    yard.do(ResumeRun(project="shop", run=call))
    yard.succeed(call, "go")
    assert yard.stands(east) == "succeeded"


def test_who_resumes_a_run_whose_child_cannot_go_on_is_told_why_that_stays_paused() -> None:
    yard = crossing()
    east, west = yard.start("via-east"), yard.start("via-west")
    yard.succeed(east, "first")
    call = yard.child(east, "call")
    yard.do(PauseRun(project="shop", run=east))
    assert told_of(yard, call).words == f"it is paused because run {east} is, which began it"
    yard.succeed(west, "first")
    yard.do(ResumeRun(project="shop", run=east))
    assert stands(yard, east, call) == ["running", "paused"]
    child, phase = told_of(yard, call), told_of(yard, east)
    assert child.words.startswith(f"run {east}, which began it, goes on, and it has stayed paused: Under the key west")
    assert (phase.code, phase.about, child.words in phase.words) == ("child", call, True)
    assert (
        phase.unblock == child.unblock == "Wait until one of those has ended, or cancel it: then it goes on by itself."
    )
    yard.do(CancelRun(project="shop", run=west))
    assert stands(yard, call) == ["running"], "the cause is gone"
    yard.succeed(call, "go")
    assert yard.stands(east) == "succeeded"


def test_a_child_that_missed_its_turn_is_told_once_and_not_at_all_where_somebody_paused_it_meanwhile() -> None:
    yard = crossing()
    east, west = yard.start("via-east"), yard.start("via-west")
    yard.succeed(east, "first")
    call = yard.child(east, "call")
    yard.do(PauseRun(project="shop", run=east))
    yard.succeed(west, "first")
    yard.do(ResumeRun(project="shop", run=east))
    yard.do(FollowParent(project="shop", run=call))
    assert len([one for one in yard.log if isinstance(one.event, TurnMissed)]) == 1
    yard.do(PauseRun(project="shop", run=east))
    yard.do(CancelRun(project="shop", run=west))
    assert stands(yard, east, call) == ["paused", "paused"]
    yard.do(ResumeRun(project="shop", run=east))
    assert stands(yard, east, call) == ["running", "running"]


def test_a_child_that_missed_its_turn_and_is_cancelled_is_forgotten() -> None:
    yard = crossing()
    east, west = yard.start("via-east"), yard.start("via-west")
    yard.succeed(east, "first")
    call = yard.child(east, "call")
    yard.do(PauseRun(project="shop", run=east))
    yard.succeed(west, "first")
    yard.do(ResumeRun(project="shop", run=east))
    line = line_of(yard.project, "west")
    assert list(yard.read(LINE, line).missed) == [call]
    yard.do(CancelRun(project="shop", run=east))
    assert list(yard.read(LINE, line).missed) == []


def told_of(yard: Yard, run: str) -> Reason:
    """The only reason why the run does not go on."""
    told = explain_run(run, "", ProjectId(yard.project), yard.now, yard, lambda _: UnknownThing(kind="task", name=""))
    assert isinstance(told, Explanation)
    (reason,) = told.reasons
    return reason
