"""Taking back: the latest settled first, once each, halting where it fails, and saying what stays in the world."""

from typing import Any

import pytest

from domain.kernel.ids import StreamId
from domain.kernel.pipeline.definition import MapPhase
from domain.kernel.pipeline.flow import Map
from domain.kernel.pipeline.work import TaskSpec, Undo, Work
from domain.run.commands import CancelRun, ResolveUndo, RetryPhase, ReworkPhases, RollbackRun
from domain.run.errors import BehindNoReturn, ReworkRefused, RunNotInState, UndoNotFailed
from domain.run.events import RunReworked, RunSettled
from domain.run.evolve import changed
from domain.run.undo_events import RunCompensationStarted, UndoStarted
from projections.kernel.replay import replay
from projections.run_phases.projection import RUN_PHASES
from tests.support.fleet import accepted
from tests.support.runs import ONCE, Railway, join, work


def undone(key: str, *needs: Any, when: Any = "started", **said: Any) -> Any:
    """Work that can be taken back."""
    undo = Undo(task=TaskSpec(title=f"Undo {key}", retry=ONCE), when=when)
    return work(key, *needs, undo=undo, **said)


class Back(Railway):
    """A run whose effects are taken back."""

    def __init__(self, *phases: Any, **said: Any) -> None:
        super().__init__(*phases, **{"on_failure": "compensate", **said})

    def undoing(self) -> list[str]:
        """Places whose undo is under way."""
        return [one.place for one in self.run.ledger.values() if one.undo == "undoing"]

    def take_back(self, place: str, *, well: bool = True) -> None:
        entry = next(one for one in self.run.ledger.values() if one.place == place and one.undo == "undoing")
        token = self.claimed(self.crew, entry.undo_task).token
        accepted(self.complete(entry.undo_task, token) if well else self.fail(entry.undo_task, token))
        self.react()

    def ended(self) -> RunSettled:
        found = [one.event for one in self.log if isinstance(one.event, RunSettled)]
        return found[-1]

    def rollback(self, **said: Any) -> Any:
        command = {"project": "shop", "run": self.run_id, "reason": "it is bad", "grace_seconds": 0, **said}
        decision = self.ask(RollbackRun.model_validate(command))
        self.react()
        return decision


def test_a_failure_takes_back_what_was_done_the_latest_first_and_one_after_the_other() -> None:
    back = Back(undone("a"), undone("b", "a"), work("c", "b", effect="pure"), undone("d", "c"))
    back.succeed("a", "b", "c")
    back.go_wrong("d")
    assert back.stands() == "compensating"
    assert back.undoing() == ["d"]
    back.take_back("d")
    assert back.undoing() == ["b"]
    back.take_back("b")
    back.take_back("a")
    assert (back.stands(), back.ended().rollback, back.ended().because) == ("failed", "complete", ("d",))
    assert [one.event.place for one in back.log if isinstance(one.event, UndoStarted)] == ["d", "b", "a"]


def test_an_undo_gets_what_the_work_got_and_gave() -> None:
    back = Back(undone("a", inputs=({"name": "x", "value": "1 + 1"},)), work("b", "a"))
    back.succeed("a")
    back.go_wrong("b")
    (entry,) = [one for one in back.run.ledger.values() if one.undo == "undoing"]
    plan = back.states[StreamId(entry.undo_task)].plan
    assert plan.input == '{"input":{"x":2},"output":null,"checkpoint":null}'
    assert (plan.origin.purpose, plan.title) == ("undo", "Undo a")


def test_what_nobody_had_begun_is_passed_over_and_what_only_counts_as_done_is_no_effect_before() -> None:
    back = Back(undone("a", when="succeeded"), undone("b"), undone("c"))
    back.begin("c")
    back.go_wrong("a")
    assert back.statuses == {"a": "failed", "b": "blocked", "c": "offered"}
    accepted(back.fail(back.task_of("c"), str(back.states[back.task_of("c")].phase.attempt.token)))
    back.react()
    assert back.undoing() == ["c"]
    back.take_back("c")
    assert (back.stands(), back.ended().rollback) == ("failed", "complete")
    started = [one.event for one in back.log if isinstance(one.event, RunCompensationStarted)]
    assert [entry.place for entry in started[0].entries] == ["c", "b"]


def test_an_effect_without_an_undo_makes_it_partial_and_none_at_all_is_none() -> None:
    back = Back(work("a"), undone("b", "a"), work("c", "b"))
    back.succeed("a", "b")
    back.go_wrong("c")
    back.take_back("b")
    assert back.ended().rollback == "partial"
    back = Back(work("a"))
    back.go_wrong("a")
    assert back.ended().rollback == "none"


@pytest.mark.parametrize(("how", "rollback"), [("done", "complete"), ("skip", "partial"), ("retry", "complete")])
def test_an_undo_that_fails_halts_until_somebody_decides(how: Any, rollback: str) -> None:
    back = Back(undone("a"), undone("b", "a"), work("c", "b"))
    back.succeed("a", "b")
    back.go_wrong("c")
    back.take_back("b", well=False)
    assert (back.stands(), back.undoing()) == ("compensating", [])
    said: dict[str, Any] = {"project": "shop", "run": back.run_id, "reason": "I looked"}
    assert isinstance(back.ask(ResolveUndo(**said, phase="a", how="done")).rejection, UndoNotFailed)
    back.do(ResolveUndo(**said, phase="b", how=how))
    if how == "retry":
        back.take_back("b")
    assert back.undoing() == ["a"]
    back.take_back("a")
    assert (back.stands(), back.ended().rollback) == ("failed", rollback)


def test_why_a_phase_has_failed_is_still_shown_when_its_undo_has_failed_too() -> None:
    back = Back(undone("a"), undone("b", "a"))

    def shown(place: str) -> str:
        return replay(RUN_PHASES, back.log)[f"{back.run_id}/{place}"].reason

    back.succeed("a")
    back.go_wrong("b")
    own = shown("b")
    assert own
    said: dict[str, Any] = {"project": "shop", "run": back.run_id, "reason": "I looked"}
    for _ in range(2):
        back.take_back("b", well=False)
        assert shown("b") == f"{own} · undo failed: it broke"
        back.do(ResolveUndo(**said, phase="b", how="retry"))
        assert shown("b") == own
    back.take_back("b")
    back.take_back("a", well=False)
    assert (shown("b"), shown("a")) == (own, "undo failed: it broke")
    back.do(ResolveUndo(**said, phase="a", how="retry"))
    assert shown("a") == "", "it had succeeded"


def test_best_effort_goes_on_behind_a_failed_undo() -> None:
    back = Back(undone("a"), undone("b", "a"), work("c", "b"), best_effort=True)
    back.succeed("a", "b")
    back.go_wrong("c")
    back.take_back("b", well=False)
    back.take_back("a")
    assert (back.stands(), back.ended().rollback) == ("failed", "partial")


def test_a_rollback_ends_what_is_under_way_first_and_settles_as_cancelled() -> None:
    back = Back(undone("a"), undone("b", "a"), on_failure="nothing")
    back.succeed("a")
    back.begin("b")
    accepted(back.rollback(grace_seconds=30))
    assert (back.stands(), back.status("b")) == ("cancelling", "offered")
    accepted(back.fail(back.task_of("b"), str(back.states[back.task_of("b")].phase.leaving.token)))
    back.react()
    assert back.undoing() == ["b"]
    assert isinstance(back.ask(CancelRun(project="shop", run=back.run_id)).rejection, RunNotInState)
    back.take_back("b")
    back.take_back("a")
    assert (back.stands(), back.ended().rollback) == ("cancelled", "complete")


def test_a_cancel_takes_back_where_the_definition_says_so() -> None:
    back = Back(undone("a"), undone("b", "a"), on_cancel="compensate")
    back.succeed("a")
    back.do(CancelRun(project="shop", run=back.run_id, grace_seconds=0))
    back.take_back("a")
    assert (back.stands(), back.ended().rollback) == ("cancelled", "complete")


def test_behind_a_point_of_no_return_only_force_takes_back() -> None:
    back = Back(undone("a"), undone("b", "a", point_of_no_return=True), work("c", "b"))
    back.succeed("a", "b")
    assert isinstance(back.rollback().rejection, BehindNoReturn)
    back.go_wrong("c")
    assert (back.stands(), back.run.held, back.undoing()) == ("running", ("b",), [])
    back = Back(undone("a"), undone("b", "a", point_of_no_return=True), work("c", "b"))
    back.succeed("a", "b")
    accepted(back.rollback(force=True))
    assert back.undoing() == ["b"]


def test_what_was_taken_back_is_done_anew_before_anything_counts_on_it() -> None:
    back = Back(undone("a"), undone("b", "a"), work("c", "b"))
    back.succeed("a", "b")
    back.go_wrong("c")
    back.take_back("b")
    back.take_back("a")
    said: dict[str, Any] = {"project": "shop", "run": back.run_id, "phases": ("c",), "reason": "r"}
    back.do(ReworkPhases(**said, accept_repeat="it is gone"))
    assert back.statuses == {"a": "offered", "b": "pending", "c": "pending"}
    back.succeed("a", "b", "c")
    assert back.stands() == "succeeded"


def test_all_generations_are_taken_back() -> None:
    back = Back(undone("a"), join("end", "a"), work("c", "end"))
    back.succeed("a")
    said: dict[str, Any] = {"project": "shop", "run": back.run_id, "phases": ("a",), "reason": "r"}
    back.do(ReworkPhases(**said, accept_repeat="it adds"))
    back.succeed("a")
    back.go_wrong("c")
    back.take_back("a")
    back.take_back("a")
    assert (back.stands(), back.ended().rollback) == ("failed", "complete")


def test_a_map_takes_back_its_items_the_same_way() -> None:
    undo = Undo(task=TaskSpec(title="Undo", retry=ONCE))
    each = Work(task=TaskSpec(title="Do", retry=ONCE), undo=undo)
    back = Back(MapPhase(key="m", map=Map(over="['x', 'y']", each=each)), work("z", "m"))
    back.succeed("m/x", "m/y")
    back.go_wrong("z")
    back.take_back("m/y")
    back.take_back("m/x")
    assert (back.stands(), back.ended().rollback) == ("failed", "complete")


def test_failed_work_that_was_taken_back_is_not_tried_once_more_in_its_generation() -> None:
    back = Back(undone("a"), undone("b", "a"))
    back.succeed("a")
    back.go_wrong("b")
    back.take_back("b")
    back.take_back("a")
    refused = back.ask(RetryPhase(project="shop", run=back.run_id, phase="b"))
    assert isinstance(refused.rejection, ReworkRefused)
    assert back.stands() == "failed"


def test_what_was_given_up_before_it_settled_is_taken_back_before_what_it_took_from() -> None:
    back = Back(undone("a"), undone("b", "a", effect="idempotent"))
    back.succeed("a")
    back.begin("b")
    back.do(ReworkPhases(project="shop", run=back.run_id, phases=("b",), reason="r"))
    accepted(back.rollback())
    assert back.run.owed == ("b@1", "b@2", "a@1")
    assert back.undoing() == ["b"]


def test_force_counts_for_one_rollback() -> None:
    back = Back(undone("a", point_of_no_return=True), work("b", "a"))
    back.succeed("a")
    accepted(back.rollback(force=True))
    back.take_back("a")
    said: dict[str, Any] = {"project": "shop", "run": back.run_id, "phases": ("b",), "reason": "r"}
    assert isinstance(back.ask(ReworkPhases(**said)).rejection, ReworkRefused)
    again = changed(back.run, RunReworked(phases=("b",), reason="", accepted_repeat="", by="", at=back.now))
    assert (again.status, again.rollback_forced) == ("running", False)
