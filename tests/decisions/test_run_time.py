"""A run has so much time, which pauses move; behind a point of no return its effects wait for a person."""

from typing import Any

from domain.kernel.ids import SECOND, Instant, StreamId
from domain.kernel.pipeline.work import TaskSpec, Undo
from domain.run.commands import CancelRun, PauseRun, ResumeRun, RetryPhase, ReworkPhases, RollbackRun
from domain.run.errors import BehindNoReturn
from domain.run.events import RunCancelRequested, RunSettled
from domain.run.undo_events import RunHeld
from projections.attention.projection import ATTENTION
from projections.kernel.replay import replay
from tests.decisions.test_run_gate import Station, gate
from tests.support.fleet import accepted
from tests.support.runs import ONCE, work

UNDO = Undo(task=TaskSpec(title="Take it back", retry=ONCE))


def asked(station: Station, kind: Any, **said: Any) -> Any:
    return kind(project="shop", run=station.run_id, **said)


def test_a_run_whose_time_is_over_is_cancelled_and_a_pause_does_not_count() -> None:
    station = Station(work("build"), gate("ask", "build"), deadline_seconds=100)
    station.wait(50)
    station.do(asked(station, PauseRun))
    station.wait(200)
    assert station.stands() == "paused"
    station.do(asked(station, ResumeRun))
    assert station.run.deadline == Instant(station.run.queued.start_at + 300 * SECOND)
    station.wait(49)
    assert station.stands() == "running"
    station.begin("build")
    station.wait(2)
    assert station.stands() == "cancelling", "whoever works for it has a grace"
    station.wait(31)
    assert station.stands() == "cancelled"
    assert [one.reason for one in station.told(RunCancelRequested)] == ["its deadline has passed"]


def test_a_run_that_has_ended_knows_no_deadline_and_one_that_goes_on_has_its_time_anew() -> None:
    station = Station(work("build"), deadline_seconds=100)
    station.wait(90)
    station.go_wrong("build")
    station.wait(1_000)
    assert station.stands() == "failed"
    station.do(asked(station, RetryPhase, phase="build"))
    station.wait(99)
    assert station.stands() == "running"
    station.wait(2)
    assert station.stands() == "cancelled"


def test_a_deadline_takes_effects_back_where_a_cancel_does() -> None:
    station = Station(work("build", undo=UNDO), work("rest", "build"), deadline_seconds=100, on_cancel="compensate")
    station.succeed("build")
    station.wait(101)
    assert station.stands() == "compensating"


def held(**definition: Any) -> Station:
    """Something is published for good, and what comes behind it fails."""
    station = Station(
        work("build", undo=UNDO),
        work("publish", "build", point_of_no_return=True),
        work("announce", "publish"),
        **{"on_failure": "compensate", **definition},
    )
    station.succeed("build", "publish")
    return station


def test_behind_a_point_of_no_return_a_failed_run_waits_for_a_person() -> None:
    station = held(deadline_seconds=1_000)
    station.go_wrong("announce")
    assert station.stands() == "running"
    (said,) = station.told(RunHeld)
    assert (said.behind, said.then, said.because) == (("publish",), "failed", ("announce",))
    row = replay(ATTENTION, station.log)[f"{station.run_id}/whole"]
    assert row.topic == "held_run"
    station.wait(2_000)
    assert station.stands() == "running", "time does not decide for the person"
    assert isinstance(station.ask(asked(station, RollbackRun, reason="r")).rejection, BehindNoReturn)
    station.do(asked(station, RollbackRun, reason="it was the wrong one", force=True))
    (entry,) = [one for one in station.run.ledger.values() if one.undo == "undoing"]
    token = station.claimed(station.crew, StreamId(entry.undo_task)).token
    accepted(station.complete(StreamId(entry.undo_task), token))
    station.react()
    assert station.stands() == "failed"
    assert f"{station.run_id}/whole" not in replay(ATTENTION, station.log)


def test_whoever_cancels_a_run_that_is_held_leaves_its_effects() -> None:
    station = held()
    station.go_wrong("announce")
    station.do(asked(station, CancelRun))
    assert station.stands() == "cancelled"
    assert [one.rollback for one in station.told(RunSettled)] == ["none"]
    assert all(one.undo == "" for one in station.run.ledger.values())


def test_a_cancel_is_held_as_well_and_a_second_one_or_force_ends_it() -> None:
    station = held(on_cancel="compensate")
    station.do(asked(station, CancelRun, grace_seconds=0))
    assert (station.stands(), station.run.held) == ("cancelling", ("publish",))
    station.do(asked(station, CancelRun))
    assert station.stands() == "cancelled"
    station = held(on_cancel="compensate")
    station.do(asked(station, CancelRun, grace_seconds=0))
    station.do(asked(station, RollbackRun, reason="r", force=True))
    assert station.stands() == "compensating"


def test_a_run_that_is_held_goes_on_when_what_failed_is_tried_once_more() -> None:
    station = held()
    station.go_wrong("announce")
    station.do(asked(station, RetryPhase, phase="announce"))
    assert (station.status("announce"), station.run.held) == ("offered", ())
    station.succeed("announce")
    assert station.stands() == "succeeded"
    station = held()
    station.go_wrong("announce")
    station.do(asked(station, ReworkPhases, phases=("announce",), reason="r", accept_repeat="it only writes"))
    station.succeed("announce")
    assert station.stands() == "succeeded"


def test_a_run_that_was_held_past_its_time_has_its_whole_time_once_it_goes_on() -> None:
    final = work("final", "a", point_of_no_return=True)
    phases = (work("a", undo=UNDO), final, work("bad", "final", effect="pure"))
    station = Station(*phases, on_failure="compensate", deadline_seconds=100)
    station.succeed("a", "final")
    station.go_wrong("bad")
    station.wait(200)
    assert (station.stands(), station.run.held) == ("running", ("final",))
    station.do(asked(station, RetryPhase, phase="bad"))
    station.wait(99)
    assert station.stands() == "running"
    station.wait(2)
    assert station.stands() != "running"


def test_a_run_that_is_held_and_paused_is_taken_back_where_that_is_forced() -> None:
    final = work("final", "a", point_of_no_return=True)
    station = Station(work("a", undo=UNDO), final, work("bad", "final", effect="pure"), on_failure="compensate")
    station.succeed("a", "final")
    station.go_wrong("bad")
    station.do(asked(station, PauseRun))
    station.do(asked(station, RollbackRun, reason="it has to", force=True))
    undone = {place: one.undo for place, one in station.run.ledger.items()}
    assert (station.stands(), undone) == ("compensating", {"a@1": "undoing", "final@1": ""})
