"""Taking back at once: what no way of consumption connects overlaps, and who took from an effect is over before it."""

from typing import Any

from domain.kernel.pipeline.definition import MapPhase, RepeatPhase
from domain.kernel.pipeline.flow import Map
from domain.kernel.pipeline.work import TaskSpec, Undo, Work
from domain.run.commands import ResolveUndo
from domain.run.undo_events import UndoStarted
from tests.decisions.test_run_undo import Back, undone
from tests.support.runs import ONCE, edges, join, work

PURE: dict[str, Any] = {"effect": "pure"}


def at_once(*phases: Any, **said: Any) -> Back:
    """A run that is open as long as nobody has ended it."""
    return Back(*phases, work("open", **PURE), **{"undo_parallel": True, **said})


def test_branches_that_took_nothing_from_each_other_are_taken_back_at_once() -> None:
    back = at_once(undone("a"), undone("b", "a"), undone("c", "a"), work("end", "b", "c", **PURE))
    back.succeed("a", "b", "c")
    back.go_wrong("end")
    assert sorted(back.undoing()) == ["b", "c"]
    back.take_back("c")
    assert back.undoing() == ["b"]
    back.take_back("b")
    assert back.undoing() == ["a"]
    back.take_back("a")
    assert (back.stands(), back.ended().rollback) == ("failed", "complete")


def test_a_way_over_what_has_no_effect_counts_as_well() -> None:
    back = at_once(undone("a"), work("look", "a", **PURE), join("both", "look"), undone("c", "both"), undone("d"))
    back.succeed("a", "look", "c", "d")
    back.rollback()
    assert sorted(back.undoing()) == ["c", "d"]
    back.take_back("d")
    assert back.undoing() == ["c"]


def test_each_is_begun_once_whatever_is_heard_again() -> None:
    back = at_once(undone("a"), undone("b"), undone("c"))
    back.succeed("a", "b", "c")
    back.rollback()
    for place in ("b", "a", "c"):
        back.take_back(place)
    started = [one.event.place for one in back.log if isinstance(one.event, UndoStarted)]
    assert sorted(started) == ["a", "b", "c"]


def test_one_that_fails_lets_those_under_way_end_and_nothing_else_begin() -> None:
    back = at_once(undone("a"), undone("b", "a"), undone("c"), undone("d", "c"))
    back.succeed("a", "b", "c", "d")
    back.rollback()
    assert sorted(back.undoing()) == ["b", "d"]
    back.take_back("d", well=False)
    back.take_back("b")
    assert (back.stands(), back.undoing()) == ("compensating", [])
    said: dict[str, Any] = {"project": "shop", "run": back.run_id, "reason": "I looked"}
    back.do(ResolveUndo(**said, phase="d", how="done"))
    assert sorted(back.undoing()) == ["a", "c"]
    back.take_back("a")
    back.take_back("c")
    assert (back.stands(), back.ended().rollback) == ("cancelled", "complete")


def test_best_effort_goes_on_beside_one_that_failed() -> None:
    back = at_once(undone("a"), undone("b", "a"), undone("c"), best_effort=True)
    back.succeed("a", "b", "c")
    back.rollback()
    back.take_back("b", well=False)
    assert sorted(back.undoing()) == ["a", "c"]


def test_items_of_a_map_are_taken_back_at_once_behind_whoever_took_from_the_map() -> None:
    undo = Undo(task=TaskSpec(title="Undo", retry=ONCE))
    each = Work(task=TaskSpec(title="Do", retry=ONCE), undo=undo)
    many = MapPhase(key="many", needs=edges(("a",)), map=Map(over="['x', 'y']", each=each))
    back = at_once(undone("a"), many, undone("z", "many"))
    back.succeed("a", "many/x", "many/y", "z")
    back.rollback()
    assert back.undoing() == ["z"]
    back.take_back("z")
    assert sorted(back.undoing()) == ["many/x", "many/y"]
    back.take_back("many/x")
    assert back.undoing() == ["many/y"]
    back.take_back("many/y")
    assert back.undoing() == ["a"]


def test_rounds_of_a_loop_are_taken_back_one_after_the_other() -> None:
    loop = RepeatPhase(key="loop", phases=(undone("x"), undone("y")), until="iteration == 2", max_iterations=2)
    back = at_once(loop, work("end", "loop", **PURE))
    back.succeed("loop/1/x", "loop/1/y", "loop/2/x", "loop/2/y")
    back.go_wrong("end")
    assert sorted(back.undoing()) == ["loop/2/x", "loop/2/y"]
    back.take_back("loop/2/x")
    assert back.undoing() == ["loop/2/y"]
    back.take_back("loop/2/y")
    assert sorted(back.undoing()) == ["loop/1/x", "loop/1/y"]
