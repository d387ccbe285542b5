"""Work has to begin and to be over in time, what follows stands in its definition, and nobody comes unnoticed."""

from typing import Any

import pytest

from domain.dispatch.explain_run import explain_run
from domain.dispatch.explain_task import explain_task
from domain.dispatch.explanation import Explanation
from domain.kernel.ids import SECOND
from domain.kernel.pipeline.definition import MapPhase
from domain.kernel.pipeline.flow import Map
from domain.kernel.pipeline.work import TaskSpec, Undo, Work
from domain.kernel.work import RetryPace
from domain.run.commands import FireTimer, PauseRun, ResolveUndo, ResumeRun, RetryPhase, TellRun
from domain.run.gate_events import TimerKind, TimerSet
from domain.task.commands import AcknowledgeAttempt, DismissAttention, ReleaseTask, RetryTask
from domain.task.events import TaskAttemptEnded
from projections.attention.projection import ATTENTION
from projections.kernel.replay import replay
from tests.decisions.test_run_gate import Station
from tests.support.fleet import accepted
from tests.support.runs import ONCE, work

PURE: dict[str, Any] = {"effect": "pure"}


def asked(station: Station, kind: Any, **said: Any) -> Any:
    return kind(project="shop", run=station.run_id, **said)


def taken(station: Station, place: str) -> str:
    """Somebody has begun the work of a place; answers the token."""
    token = station.begin(place)
    accepted(station.ask(AcknowledgeAttempt(project="shop", task=station.task_of(place), token=token)))
    return token


def wants_person(station: Station) -> list[str]:
    """Topics of tasks that a person has to look at."""
    rows = replay(ATTENTION, station.log).values()
    return sorted(row.topic for row in rows if row.stands and row.subject == "task")


def test_work_that_nobody_begins_in_time_is_parked_and_may_be_tried_again_with_the_whole_time() -> None:
    station = Station(work("build", start_within_seconds=60, **PURE))
    station.wait(59)
    assert station.status("build") == "offered"
    station.wait(2)
    assert (station.status("build"), station.run.phase("build").reason) == (
        "parked",
        "nobody has begun it within 60 s",
    )
    assert wants_person(station) == ["parked"]
    station.do(RetryTask(project="shop", task=station.task_of("build")))
    assert station.status("build") == "offered"
    station.wait(59)
    taken(station, "build")
    station.wait(100)
    assert station.status("build") == "offered", "somebody has begun it"


@pytest.mark.parametrize(
    ("rule", "status"), [("fail", "failed"), ("skip", "skipped"), ("fallback", "skipped"), ("park", "parked")]
)
def test_work_that_is_given_up_for_want_of_a_beginning_ends_as_one_that_is_out_of_tries(rule: Any, status: str) -> None:
    late: dict[str, Any] = {"start_within_seconds": 10, "on_start_late": "fail", "on_exhausted": rule}
    behind = (work("other", {"phase": "build", "arm": "fallback"}, **PURE),) if rule == "fallback" else ()
    station = Station(work("build", **late, **PURE), work("rest", **PURE), *behind)
    station.wait(11)
    assert station.status("build") == status
    if rule == "fallback":
        assert station.status("other") == "offered"


def test_more_time_to_begin_asks_for_a_person_and_doubles_each_time() -> None:
    station = Station(work("build", start_within_seconds=10, on_start_late="extend", **PURE))
    station.wait(11)
    assert (station.status("build"), wants_person(station)) == ("offered", ["unclaimed"])
    for _ in range(100):
        station.wait(10)
    set_anew = [one for one in station.told(TimerSet) if one.kind == "start"]
    assert len(set_anew) < 10, "a log does not grow with the time that it waits"
    station.begin("build")
    assert wants_person(station) == []


def test_a_lost_delivery_is_no_beginning() -> None:
    station = Station(work("build", start_within_seconds=20, **PURE))
    station.wait(10)
    station.begin("build")
    station.wait(15)
    assert station.status("build") == "offered", "it may still be acknowledged"
    station.wait(20)
    assert station.status("build") == "parked"


def test_work_that_is_not_over_in_time_has_no_more_tries_and_loses_its_token() -> None:
    station = Station(work("build", close_within_seconds=100, retry=RetryPace(max_attempts=5), **PURE))
    station.wait(60)
    accepted(station.fail(station.task_of("build"), station.begin("build")))
    station.react()
    station.wait(10)
    token = taken(station, "build")
    station.wait(31)
    assert (station.stands(), station.status("build")) == ("failed", "failed")
    assert station.run.phase("build").reason == "it was not over within 100 s"
    ended = [one.event for one in station.log if isinstance(one.event, TaskAttemptEnded)]
    assert [one.kind for one in ended] == ["agent", "timeout"]
    assert station.complete(station.task_of("build"), token).rejection is not None


def test_the_time_that_is_over_between_two_tries_ends_the_work_as_well() -> None:
    slow = RetryPace(max_attempts=5, backoff_seconds_first=3_600, backoff_seconds_max=3_600)
    station = Station(work("build", close_within_seconds=100, retry=slow, on_exhausted="park", **PURE))
    accepted(station.fail(station.task_of("build"), station.begin("build")))
    station.react()
    station.wait(101)
    assert station.status("build") == "parked"


def test_a_pause_moves_both_and_a_try_in_a_paused_run_counts_from_when_it_goes_on() -> None:
    station = Station(work("build", start_within_seconds=60, close_within_seconds=90, **PURE))
    station.wait(50)
    station.do(asked(station, PauseRun))
    station.wait(500)
    assert station.status("build") == "offered"
    station.do(asked(station, ResumeRun))
    station.wait(9)
    assert station.status("build") == "offered"
    station.wait(2)
    assert station.status("build") == "parked"
    station.do(asked(station, PauseRun))
    station.wait(30)
    station.do(asked(station, RetryPhase, phase="build"))
    station.wait(100)
    station.do(asked(station, ResumeRun))
    due = station.run.phase("build").timers["start"]
    assert due == station.now + 60 * SECOND


def test_each_item_of_a_map_has_its_own_time() -> None:
    each = Work(task=TaskSpec(title="Do", retry=ONCE), start_within_seconds=60, on_start_late="fail", effect="pure")
    many = MapPhase(key="many", map=Map(over="['x', 'y']", each=each))
    station = Station(many, failure="continue")
    taken(station, "many/x")
    station.wait(61)
    assert (station.status("many/x"), station.status("many/y")) == ("offered", "failed")


def test_an_undo_that_is_given_back_asks_for_a_person_when_nobody_comes_again() -> None:
    undo = Undo(task=TaskSpec(title="Undo", retry=ONCE))
    station = Station(work("a", undo=undo), work("b", "a", **PURE), on_failure="compensate")
    station.succeed("a")
    station.go_wrong("b")
    station.wait(200)
    (entry,) = station.run.ledger.values()
    token = station.claimed(station.crew, entry.undo_task).token
    accepted(station.ask(AcknowledgeAttempt(project="shop", task=entry.undo_task, token=token)))
    station.wait(200)
    accepted(station.ask(ReleaseTask(project="shop", task=entry.undo_task, token=token)))
    for _ in range(2):
        station.wait(149)
        assert wants_person(station) == []
    station.wait(3)
    assert wants_person(station) == ["unclaimed"]


def test_an_undo_for_which_nobody_comes_asks_for_a_person_until_somebody_does() -> None:
    undo = Undo(task=TaskSpec(title="Undo", retry=ONCE), close_within_seconds=5_000)
    station = Station(work("a", undo=undo), work("b", "a", **PURE), on_failure="compensate")
    station.succeed("a")
    station.go_wrong("b")
    station.wait(299)
    assert wants_person(station) == []
    station.wait(2)
    (entry,) = station.run.ledger.values()
    assert (entry.undo, wants_person(station)) == ("undoing", ["unclaimed"])
    token = station.claimed(station.crew, entry.undo_task).token
    station.react()
    assert wants_person(station) == []
    accepted(station.ask(AcknowledgeAttempt(project="shop", task=entry.undo_task, token=token)))
    accepted(station.ask(ReleaseTask(project="shop", task=entry.undo_task, token=token)))
    station.react()
    told = station.ask(TellRun(project="shop", run=station.run_id, task=entry.undo_task))
    assert accepted(told).writes == (), "the run knows since when it waits"
    station.wait(299)
    assert wants_person(station) == []
    station.wait(2)
    assert wants_person(station) == ["unclaimed"], "whoever came has given it back, and nobody came again"
    accepted(station.ask(DismissAttention(project="shop", task=entry.undo_task, topic="unclaimed")))
    station.wait(700)
    assert wants_person(station) == [], "a person has seen it"
    token = station.claimed(station.crew, entry.undo_task).token
    accepted(station.complete(entry.undo_task, token))
    station.react()
    assert (station.stands(), station.run.ledger[entry.key].undo) == ("failed", "undone")
    station.wait(5_000)
    assert wants_person(station) == []


def test_an_undo_that_somebody_took_in_time_asks_nobody() -> None:
    undo = Undo(task=TaskSpec(title="Undo", retry=ONCE), close_within_seconds=400)
    station = Station(work("a", undo=undo), work("b", "a", **PURE), on_failure="compensate")
    station.succeed("a")
    station.go_wrong("b")
    (entry,) = station.run.ledger.values()
    station.claimed(station.crew, entry.undo_task)
    station.wait(301)
    assert wants_person(station) == []
    station.wait(100)
    assert next(iter(station.run.ledger.values())).undo == "failed", "its own time still counts"


def test_an_undo_has_its_time_and_another_one_with_another_try() -> None:
    undo = Undo(task=TaskSpec(title="Undo", retry=ONCE), close_within_seconds=50)
    station = Station(work("a", undo=undo), work("b", "a", **PURE), on_failure="compensate")
    station.succeed("a")
    station.go_wrong("b")
    station.wait(51)
    (entry,) = station.run.ledger.values()
    assert (station.stands(), entry.undo) == ("compensating", "failed")
    station.do(asked(station, ResolveUndo, phase="a", how="retry", reason="again"))
    (entry,) = station.run.ledger.values()
    assert entry.undo == "undoing"
    token = station.claimed(station.crew, entry.undo_task).token
    station.wait(51)
    assert next(iter(station.run.ledger.values())).undo == "failed"
    assert station.complete(entry.undo_task, token).rejection is not None


def test_work_for_which_nobody_comes_asks_for_a_person_once_and_no_more_once_somebody_has() -> None:
    station = Station(work("build", **PURE))
    station.wait(299)
    assert wants_person(station) == []
    station.wait(2)
    assert wants_person(station) == ["unclaimed"]
    station.begin("build")
    assert wants_person(station) == []


def test_of_a_map_one_item_asks_and_the_next_when_that_is_done_and_nobody_comes_again() -> None:
    each = Work(task=TaskSpec(title="Do", retry=ONCE), effect="pure")
    station = Station(MapPhase(key="many", map=Map(over="['x', 'y', 'z']", each=each)))
    station.wait(301)
    assert wants_person(station) == ["unclaimed"]
    station.succeed("many/x")
    assert wants_person(station) == []
    station.wait(301)
    assert wants_person(station) == ["unclaimed"]


def test_work_that_is_to_be_tried_again_asks_as_well_and_a_paused_run_asks_nobody() -> None:
    station = Station(work("build", retry=RetryPace(max_attempts=3, backoff_seconds_first=1), **PURE))
    station.wait(10)
    accepted(station.fail(station.task_of("build"), station.begin("build")))
    station.react()
    station.do(asked(station, PauseRun))
    station.wait(900)
    assert wants_person(station) == []
    station.do(asked(station, ResumeRun))
    station.wait(299)
    assert wants_person(station) == []
    station.wait(2)
    assert wants_person(station) == ["unclaimed"]
    station.do(DismissAttention(project="shop", task=station.task_of("build"), topic="unclaimed"))
    assert wants_person(station) == []


def test_a_timer_that_fires_twice_early_or_behind_what_it_was_for_changes_nothing() -> None:
    station = Station(work("build", start_within_seconds=60, close_within_seconds=90, **PURE))
    kinds: tuple[TimerKind, ...] = ("start", "close", "pickup", "undo")
    for kind in kinds:
        before = len(station.log)
        station.do(FireTimer(project="shop", run=station.run_id, place="build", generation=1, kind=kind))
        assert len([one for one in station.log[before:] if one.event.TYPE != "run.timer_set.v1"]) == 0
    station.succeed("build")
    station.advance(1_000)
    for kind in kinds:
        before = len(station.log)
        station.do(FireTimer(project="shop", run=station.run_id, place="build", generation=1, kind=kind))
        assert len(station.log) == before


def test_until_when_it_has_to_begin_and_to_be_over_is_explained() -> None:
    station = Station(work("build", start_within_seconds=60, close_within_seconds=90, **PURE))

    def tell(task: str) -> Any:
        return explain_task(task, station.project, station.index, station.serving, station.now, station)

    told = explain_run(station.run_id, "build", station.project, station.now, station, tell)
    assert isinstance(told, Explanation)
    found = {one.code: one.until for one in told.reasons}
    assert (found["start_by"], found["close_by"]) == (station.now + 60 * SECOND, station.now + 90 * SECOND)
