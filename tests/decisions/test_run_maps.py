"""Maps: each item of a list is a task of its own, and together they settle the phase."""

from hashlib import sha256
from typing import Any

import orjson

from domain.kernel.pipeline.definition import MapPhase
from domain.kernel.pipeline.flow import Edge, Map
from domain.kernel.pipeline.words import ValueField
from domain.run.commands import CancelRun, PauseRun, ResolvePhase, ResumeRun, ReworkPhases, TellRun
from domain.run.errors import ReworkRefused
from domain.run.map_events import MapExpanded
from domain.run.maps import BEGUN_MAX
from domain.task.state import Settled, Task
from projections.kernel.replay import replay
from projections.pipeline_runs.projection import PIPELINE_RUNS
from projections.run_phases.projection import RUN_PHASES
from tests.support.fleet import accepted
from tests.support.runs import Railway, work
from tests.support.steps import calls_of

FILES = (ValueField(name="files", type="list"),)
DIGEST = sha256(b"x y").hexdigest()[:24]
"""What stands in the place of an item whose key no task could be named after."""


def each(key: str, *needs: str, **said: Any) -> MapPhase:
    """A map whose work takes the item, tries once, and says what is asked of it."""
    task = {"title": "Do ${item}", "retry": {"max_attempts": 1}}
    work_of_item = {
        "kind": "work",
        "task": task,
        "inputs": [{"name": "item", "value": "item"}, {"name": "index", "value": "index"}],
        **said.pop("work", {}),
    }
    found = Map.model_validate({"over": "['a', 'b', 'c']", "each": work_of_item, **said}, strict=False)
    return MapPhase(key=key, needs=tuple(Edge(phase=need) for need in needs), map=found)


def items(railway: Railway, key: str = "m") -> dict[str, str]:
    return {item.key: railway.status(item.place) for item in railway.run.phase(key).items}


def test_each_item_is_a_task_and_their_outputs_are_the_list_in_order() -> None:
    outputs = [{"name": "n", "type": "integer"}]
    railway = Railway(each("m", work={"outputs": outputs}), work("end", "m"))
    assert items(railway) == {"a": "offered", "b": "offered", "c": "offered"}
    task = railway.states[railway.task_of("m/b")]
    assert isinstance(task, Task)
    assert (task.plan.title, task.plan.key) == ("Do b", f"{railway.run_id}/m/b")
    for place, number in (("m/c", 3), ("m/a", 1), ("m/b", 2)):
        assert railway.status("end") == "pending"
        railway.succeed(place, output=f'{{"n": {number}}}')
    assert railway.run.phase("m").output == '[{"n":1},{"n":2},{"n":3}]'
    assert railway.run.phase("m").reason == "3 of 3 items succeeded"
    railway.succeed("end")
    assert railway.stands() == "succeeded"


def test_items_are_what_an_earlier_phase_found() -> None:
    railway = Railway(work("find", outputs=FILES), each("m", "find", over="phases.find.output.files"))
    assert railway.run.phase("m").items == ()
    railway.succeed("find", output='{"files": ["x y", "z"]}')
    assert items(railway) == {"x y": "offered", "z": "offered"}
    (expanded,) = [one.event for one in railway.log if isinstance(one.event, MapExpanded)]
    assert [(one.place, one.generation) for one in expanded.reads] == [("find", 1)]
    assert [one.place for one in expanded.items][1] == "m/z"
    assert expanded.items[0].place.startswith("m/")
    assert " " not in expanded.items[0].place, "a task is named after it"


def test_a_matrix_is_the_product_without_what_is_excluded_and_with_what_is_included() -> None:
    matrix = {
        "axes": [{"name": "os", "values": ["linux", "mac"]}, {"name": "py", "over": "['3.11', '3.12']"}],
        "exclude": [{"at": [{"axis": "os", "value": "mac"}, {"axis": "py", "value": "3.11"}]}],
        "include": [{"at": [{"axis": "os", "value": "win"}, {"axis": "py", "value": "3.12"}]}],
    }
    railway = Railway(each("m", over=None, matrix=matrix, work={"inputs": [{"name": "item", "value": "item.os"}]}))
    assert list(items(railway)) == ["linux-3.11", "linux-3.12", "mac-3.12", "win-3.12"]


def test_so_many_items_are_under_way_at_a_time() -> None:
    railway = Railway(each("m", max_parallel=1))
    assert items(railway) == {"a": "offered", "b": "pending", "c": "pending"}
    railway.succeed("m/a")
    assert items(railway) == {"a": "succeeded", "b": "offered", "c": "pending"}


def test_one_failure_loses_the_map_and_what_has_not_begun_is_left_out() -> None:
    railway = Railway(each("m", max_parallel=2), work("end", "m"))
    railway.go_wrong("m/a")
    assert items(railway) == {"a": "failed", "b": "offered", "c": "cancelled"}
    assert railway.status("m") == "waiting", "no verdict before all have settled"
    railway.succeed("m/b")
    assert (railway.status("m"), railway.status("end"), railway.stands()) == ("failed", "blocked", "failed")


def test_a_map_may_tolerate_failures_by_count_or_by_part() -> None:
    for settle in ({"rule": "tolerate", "items": 1}, {"rule": "tolerate", "percent": 34.0}):
        railway = Railway(each("m", settle=settle))
        railway.go_wrong("m/a")
        railway.succeed("m/b", "m/c")
        assert (railway.status("m"), railway.stands()) == ("succeeded", "succeeded")
        railway = Railway(each("m", settle=settle))
        railway.go_wrong("m/a", "m/b")
        railway.succeed("m/c")
        assert railway.status("m") == "failed"


def test_the_first_ones_may_be_enough_and_the_others_are_taken_back() -> None:
    railway = Railway(each("m", settle={"rule": "first", "items": 1}, max_parallel=2))
    railway.succeed("m/b")
    assert items(railway) == {"a": "cancelled", "b": "succeeded", "c": "cancelled"}
    assert (railway.status("m"), railway.stands()) == ("succeeded", "succeeded")
    task = railway.states[railway.task_of("m/a")]
    assert isinstance(task, Task)
    assert isinstance(task.phase, Settled)


def test_no_items_are_a_success_unless_they_skip_the_phase() -> None:
    assert Railway(each("m", over="[]")).run.phase("m").output == "[]"
    railway = Railway(each("m", over="[]", on_empty="skip"))
    assert (railway.status("m"), railway.stands()) == ("skipped", "succeeded")
    first = Railway(each("m", over="[]", settle={"rule": "first", "items": 2}))
    assert first.status("m") == "succeeded"


def test_items_that_cannot_be_told_apart_or_are_too_many_park_the_phase() -> None:
    for said, part in (
        ({"over": "['a', 'a']"}, "two items have the key a"),
        ({"over": f"['x y', '{DIGEST}']"}, f"the items x y and {DIGEST} have the same place"),
        ({"over": "['a', 'b']", "max_items": 1}, "more than max_items"),
        ({"over": "[{'x': 1}]"}, "needs an item_key"),
        ({"over": "[1]", "item_key": "item.x"}, ""),
        ({"over": "'a'"}, "no list"),
    ):
        railway = Railway(each("m", **said))
        assert railway.status("m") == "parked"
        assert part in railway.run.phase("m").reason


def test_no_item_takes_the_name_of_a_task_that_is_made_later() -> None:
    railway = Railway(each("m", over="['a', 'a@2', 'a+undo1', 'pip@26.1']", work={"effect": "pure"}))
    first = {item.key: railway.task_of(item.place) for item in railway.run.phase("m").items}
    assert [item.place for item in railway.run.phase("m").items if item.place == f"m/{item.key}"] == [
        "m/a",
        "m/pip@26.1",
    ]
    railway.do(ReworkPhases(project="shop", run=railway.run_id, phases=("m",), reason="anew"))
    again = [railway.task_of(item.place) for item in railway.run.phase("m").items]
    names = [task.plan.key for one in (*first.values(), *again) if isinstance(task := railway.states[one], Task)]
    assert len(set(names)) == len(names) == 8


def test_a_key_of_its_own_names_an_item() -> None:
    railway = Railway(each("m", over="[{'x': 'one'}, {'x': 'two'}]", item_key="item.x"))
    assert list(items(railway)) == ["one", "two"]


def test_a_map_that_gives_up_may_be_skipped_or_leave_its_work_to_another_phase() -> None:
    fallback = work("other", Edge(phase="m", arm="fallback"))
    railway = Railway(each("m", over="['a']", on_exhausted="fallback"), fallback)
    railway.go_wrong("m/a")
    assert (railway.status("m"), railway.status("other")) == ("skipped", "offered")


def test_a_cancelled_run_takes_its_items_back_and_a_paused_one_begins_none() -> None:
    railway = Railway(each("m", max_parallel=1))
    railway.do(PauseRun(project="shop", run=railway.run_id))
    railway.do(ResumeRun(project="shop", run=railway.run_id))
    railway.begin("m/a")
    railway.do(CancelRun(project="shop", run=railway.run_id, grace_seconds=0))
    assert items(railway) == {"a": "cancelled", "b": "cancelled", "c": "cancelled"}
    assert (railway.status("m"), railway.stands()) == ("cancelled", "cancelled")


def test_a_failure_elsewhere_ends_what_has_not_begun() -> None:
    railway = Railway(work("x"), each("m", max_parallel=1))
    railway.go_wrong("x")
    assert railway.stands() == "failed"
    assert "offered" not in items(railway).values()


def test_an_item_that_is_parked_is_resolved_by_hand() -> None:
    railway = Railway(each("m", over="['a']", work={"on_exhausted": "park"}))
    railway.go_wrong("m/a")
    assert railway.status("m/a") == "parked"
    railway.do(
        ResolvePhase(project="shop", run=railway.run_id, phase="m/a", outcome="succeeded", output="", reason="done")
    )
    assert railway.stands() == "succeeded"


def test_many_items_are_begun_in_parts_so_that_no_append_holds_up_the_others() -> None:
    railway = Railway(work("find", outputs=FILES), each("m", "find", over="phases.find.output.files"))
    names = ", ".join(f'"{number:03}"' for number in range(250))
    railway.succeed("find", output=f'{{"files": [{names}]}}')
    assert list(items(railway).values()).count("offered") == BEGUN_MAX
    railway.succeed("m/000")
    assert list(items(railway).values()).count("offered") == BEGUN_MAX + 2


def test_a_map_that_is_done_anew_takes_its_items_back_and_expands_once_more() -> None:
    railway = Railway(work("find", outputs=FILES, effect="pure"), each("m", "find", over="phases.find.output.files"))
    railway.succeed("find", output='{"files": ["a", "b"]}')
    railway.begin("m/a")
    old = railway.task_of("m/a")
    again = ReworkPhases(project="shop", run=railway.run_id, phases=("find",), reason="found too little")
    assert isinstance(railway.ask(again).rejection, ReworkRefused), "its items may have changed the world"
    railway.do(again.model_copy(update={"accept_repeat": "it is a drill"}))
    task = railway.states[old]
    assert isinstance(task, Task)
    assert isinstance(task.phase, Settled)
    assert railway.run.phase("m").items == ()
    railway.succeed("find", output='{"files": ["a", "c"]}')
    assert items(railway) == {"a": "offered", "c": "offered"}
    assert railway.task_of("m/a") != old
    railway.succeed("m/a", "m/c")
    assert railway.stands() == "succeeded"


def test_items_that_are_there_no_more_are_shown_no_more() -> None:
    found = work("find", outputs=FILES, effect="pure")
    railway = Railway(found, each("m", "find", over="phases.find.output.files", work={"effect": "pure"}))
    railway.succeed("find", output='{"files": ["a", "b"]}')
    railway.succeed("m/a")
    shown = [key.partition("/")[2] for key in replay(RUN_PHASES, railway.log)]
    assert sorted(shown) == ["find", "m", "m/a", "m/b"]
    railway.do(ReworkPhases(project="shop", run=railway.run_id, phases=("find",), reason="found too much"))
    assert sorted(key.partition("/")[2] for key in replay(RUN_PHASES, railway.log)) == ["find", "m"]
    railway.succeed("find", output='{"files": ["b", "c"]}')
    rows = {key.partition("/")[2]: row for key, row in replay(RUN_PHASES, railway.log).items()}
    assert sorted(rows) == ["find", "m", "m/b", "m/c"]
    assert {row.generation for row in rows.values()} == {2}


def test_maps_without_items_follow_one_another_to_the_end() -> None:
    railway = Railway(*(each(f"m{one}", *([f"m{one - 1}"] if one else []), over="[]") for one in range(70)))
    assert railway.stands() == "succeeded"


def test_items_that_each_look_at_much_or_are_handed_much_park_the_phase() -> None:
    files = [f"f{one}" for one in range(400)]
    run = {"inputs": orjson.dumps({"files": files, "text": "x" * 20_000}).decode()}
    for text, reason in (("size(inputs.files) > 1", "look at"), ("inputs.text", "are handed")):
        given = {"inputs": [{"name": "item", "value": text}]}
        railway = Railway(each("m", over="inputs.files", work=given), run=run)
        assert railway.status("m") == "parked"
        assert reason in railway.run.phase("m").reason


def test_a_run_counts_its_phases_and_not_their_items() -> None:
    railway = Railway(each("m"), work("end", "m"))
    railway.succeed("m/a", "m/b", "m/c")
    row = replay(PIPELINE_RUNS, railway.log)[railway.run_id]
    assert (row.phases_total, row.phases_settled, row.settled) == (2, 1, '["m"]')


def test_a_report_on_one_item_takes_as_many_steps_with_many_others_as_with_few() -> None:
    steps: list[int] = []
    for count in (200, 800):
        railway = Railway(
            work("find", outputs=FILES), each("m", "find", over="phases.find.output.files"), work("z", "m")
        )
        names = ", ".join(f'"{number}"' for number in range(count))
        railway.succeed("find", output=f'{{"files": [{names}]}}')
        for number in range(20):
            railway.succeed(f"m/{number}")
        task = railway.task_of("m/30")
        accepted(railway.complete(task, railway.begin("m/30")))
        steps.append(calls_of(railway.ask, TellRun(project="shop", run=railway.run_id, task=task)))
    few, many = steps
    assert many < 1.1 * few, "two more begin, and nobody walks through the others"
