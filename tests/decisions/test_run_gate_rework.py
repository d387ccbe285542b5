"""A gate may ask for another try: its phase and all between are done anew, so many times; or all is taken back."""

from typing import Any

import pytest

from domain.kernel.ids import StreamId
from domain.kernel.pipeline.work import TaskSpec, Undo
from domain.run.commands import OverrideGate, PauseRun, ResumeRun
from domain.run.events import PhaseInvalidated, RunReworked
from domain.run.gate_events import GateDecided
from domain.run.rework import stale
from domain.task.state import Task
from projections.attention.projection import ATTENTION
from projections.gate_inbox.projection import GATE_INBOX
from projections.kernel.replay import replay
from tests.decisions.test_run_gate import Station, gate
from tests.decisions.test_run_maps import each
from tests.support.fleet import accepted
from tests.support.runs import ONCE, edges, work

UNDO = Undo(task=TaskSpec(title="Take it back", retry=ONCE))


def reviewed(**said: Any) -> Station:
    """Work, a test of it, a gate that may send it back, and what ships it."""
    asked = gate("ask", "check", rework="build", **said)
    return Station(work("build"), work("check", "build"), asked, work("other"), work("ship", "ask"))


def task_at(station: Station, place: str) -> Task:
    task = station.states[station.task_of(place)]
    assert isinstance(task, Task)
    return task


def test_changes_that_are_asked_for_do_the_phase_anew_with_all_between_and_tell_what_is_wanted() -> None:
    station = reviewed()
    station.succeed("build", "check", "other")
    first = station.task_of("build")
    counted = station.counted("ann", "request_changes", comment="use the other table")
    assert counted.decision == "changes_requested"
    assert {key: station.run.phase(key).generation for key in station.statuses} == {
        "build": 2,
        "check": 2,
        "ask": 2,
        "other": 1,
        "ship": 1,
    }
    assert station.statuses == {
        "build": "offered",
        "check": "pending",
        "ask": "pending",
        "other": "succeeded",
        "ship": "pending",
    }
    task = task_at(station, "build")
    assert station.task_of("build") != first
    assert task.plan.body.endswith("use the other table")
    assert task.plan.origin is not None
    assert (task.plan.origin.changes, task.plan.origin.generation) == ("use the other table", 2)
    (answer,), (again,) = station.told(GateDecided), station.told(RunReworked)
    assert (answer.decision, answer.how, answer.comment) == ("changes_requested", "request", "use the other table")
    assert (again.gate, again.accepted_repeat) == ("ask", "ask asks for it")
    station.succeed("build", "check")
    assert station.counted("ann").decision == "approved"
    station.succeed("ship")
    assert station.stands() == "succeeded"
    assert not stale(station.run)


def test_a_rejection_or_the_end_of_its_time_sends_it_back_where_the_gate_says_so() -> None:
    station = reviewed(on_reject="rework", on_expiry="reject", deadline_seconds=60)
    station.succeed("build", "check")
    station.counted("ann", "reject")
    assert (station.status("build"), station.run.phase("build").generation) == ("offered", 2)
    station.succeed("build", "check")
    station.wait(61)
    assert (station.status("build"), station.run.phase("build").generation) == ("offered", 3)
    assert [(one.decision, one.how) for one in station.told(GateDecided)] == [
        ("rejected", "veto"),
        ("rejected", "expiry"),
    ]


def test_whoever_works_between_loses_the_work_and_what_was_asked_twice_is_done_anew_once() -> None:
    station = Station(work("build"), work("slow", "build"), gate("ask", "build", rework="build"))
    station.succeed("build")
    station.begin("slow")
    lost = station.task_of("slow")
    station.counted("ann", "request_changes", comment="no")
    assert task_at(station, "build").plan.body.endswith("no")
    assert type(station.states[lost].phase).__name__ == "Settled"
    assert station.status("slow") == "pending"
    assert station.vote("ann", "request_changes").rejection is not None, "the gate is not open any more"
    assert len(station.told(RunReworked)) == 1


def test_a_gate_that_has_asked_too_often_is_parked_and_may_still_be_answered() -> None:
    station = reviewed(reworks_max=1)
    station.succeed("build", "check")
    station.counted("ann", "request_changes")
    station.succeed("build", "check")
    station.counted("bob", "request_changes")
    assert (station.status("ask"), station.run.phase("build").generation) == ("parked", 2)
    assert "1 times" in station.run.phase("ask").reason
    row = replay(GATE_INBOX, station.log)[f"{station.run_id}/ask"]
    assert (row.status, row.generation) == ("parked", 2)
    station.counted("eve")
    assert station.status("ask") == "parked", "what bob asks for stands"
    assert station.counted("bob").decision == "approved"
    assert station.status("ship") == "offered"


def test_an_override_rejects_what_may_not_be_done_anew_any_more() -> None:
    station = reviewed(reworks_max=1, on_reject="rework")
    station.succeed("build", "check")
    said: dict[str, Any] = {"project": "shop", "run": station.run_id, "phase": "ask", "decision": "rejected"}
    station.do(OverrideGate(**said, reason="start over"))
    assert station.status("build") == "offered"
    station.succeed("build", "check", "other")
    station.do(OverrideGate(**said, reason="enough"))
    assert (station.status("ask"), station.stands()) == ("failed", "failed")


def test_nothing_is_done_anew_behind_a_point_of_no_return() -> None:
    asked = gate("ask", "publish", rework="build")
    station = Station(work("build"), work("publish", "build", point_of_no_return=True), asked)
    station.succeed("build", "publish")
    station.counted("ann", "request_changes")
    assert (station.status("ask"), station.run.phase("build").generation) == ("parked", 1)
    assert "publish" in station.run.phase("ask").reason


def test_items_of_a_map_are_told_what_is_wanted() -> None:
    station = Station(each("m"), gate("ask", "m", rework="m"))
    station.succeed("m/a", "m/b", "m/c")
    station.counted("ann", "request_changes", comment="shorter")
    assert [task_at(station, f"m/{key}").plan.body for key in "abc"] == ["Changes that were asked for:\n\nshorter"] * 3


def test_in_a_paused_run_it_waits_for_the_run_to_go_on() -> None:
    station = reviewed()
    station.succeed("build", "check")
    station.do(PauseRun(project="shop", run=station.run_id))
    station.counted("ann", "request_changes")
    assert (station.status("build"), station.run.phase("build").generation) == ("pending", 2)
    station.do(ResumeRun(project="shop", run=station.run_id))
    assert station.status("build") == "offered"


@pytest.mark.parametrize("failure", ["fail_fast", "continue"])
def test_a_rejection_takes_all_back_where_the_gate_says_so_whatever_accepts_it(failure: str) -> None:
    asked = gate("ask", "build", on_reject="compensate")
    after = work("after", *edges(({"phase": "ask", "accept": ("failed",)},)))
    station = Station(work("build", undo=UNDO), asked, after, work("later", "build", undo=UNDO), failure=failure)
    station.succeed("build")
    station.counted("ann", "reject")
    assert (station.status("ask"), station.run.failing) == ("failed", "ask")
    assert station.stands() == "compensating"
    (entry,) = [one for one in station.run.ledger.values() if one.undo == "undoing"]
    token = station.claimed(station.crew, StreamId(entry.undo_task)).token
    accepted(station.complete(StreamId(entry.undo_task), token))
    station.react()
    assert station.stands() == "failed"
    assert station.run.because == ("ask",)


def test_what_was_asked_for_is_in_the_reading_models() -> None:
    station = reviewed()
    station.succeed("build", "check")
    assert f"{station.run_id}/phase/ask" in replay(ATTENTION, station.log)
    station.counted("ann", "request_changes", comment="no")
    assert f"{station.run_id}/phase/ask" not in replay(ATTENTION, station.log)
    row = replay(GATE_INBOX, station.log)[f"{station.run_id}/ask"]
    assert row.status == "pending"
    (build,) = [one.changes for one in station.told(PhaseInvalidated) if one.place == "build"]
    assert build == "no"
