"""An item of a map that has failed or is parked is tried once more, as long as its map can count it."""

from typing import Any

from domain.kernel.errors import UnknownThing
from domain.run.commands import RetryPhase
from domain.run.errors import ReworkRefused
from projections.kernel.replay import replay
from projections.run_phases.projection import RUN_PHASES
from tests.decisions.test_run_loops import loop
from tests.decisions.test_run_maps import each
from tests.support.runs import Railway, work


def retry(railway: Railway, place: str) -> Any:
    decision = railway.ask(RetryPhase(project="shop", run=railway.run_id, phase=place))
    railway.react()
    return decision.rejection


def test_an_item_that_has_failed_is_tried_once_more_while_its_map_waits() -> None:
    railway = Railway(each("m", settle={"rule": "tolerate", "items": 1}))
    railway.go_wrong("m/a")
    before = railway.task_of("m/a")
    assert retry(railway, "m/a") is None
    assert (railway.status("m/a"), railway.task_of("m/a"), railway.run.phase("m/a").generation) == (
        "offered",
        before,
        1,
    )
    assert replay(RUN_PHASES, railway.log)[f"{railway.run_id}/m/a"].status == "offered"
    railway.succeed("m/b", "m/c")
    assert railway.status("m") == "waiting"
    railway.succeed("m/a")
    assert (railway.status("m"), railway.run.phase("m").reason) == ("succeeded", "3 of 3 items succeeded")


def test_with_all_items_under_way_one_that_failed_may_still_make_it() -> None:
    railway = Railway(each("m"))
    railway.go_wrong("m/a")
    railway.succeed("m/b")
    assert retry(railway, "m/a") is None
    railway.succeed("m/a", "m/c")
    assert railway.stands() == "succeeded"


def test_where_the_map_cannot_count_it_any_more_that_is_said() -> None:
    railway = Railway(each("m", max_parallel=1))
    railway.go_wrong("m/a")
    assert railway.status("m") == "failed"
    assert isinstance(retry(railway, "m/a"), ReworkRefused)
    railway = Railway(each("m", max_parallel=2))
    railway.go_wrong("m/a")
    assert (railway.status("m"), railway.status("m/c")) == ("waiting", "cancelled")
    refused = retry(railway, "m/a")
    assert isinstance(refused, ReworkRefused)
    assert "given up" in refused.reason
    assert isinstance(retry(railway, "m/z"), UnknownThing)


def test_what_is_parked_inside_is_let_go() -> None:
    railway = Railway(each("m", work={"on_exhausted": "park"}))
    railway.go_wrong("m/a")
    assert railway.status("m/a") == "parked"
    assert retry(railway, "m/a") is None
    assert railway.status("m/a") == "offered"
    railway = Railway(loop(phases=(work("a", on_exhausted="park"),), until="true"))
    railway.go_wrong("polish/1/a")
    assert retry(railway, "polish/1/a") is None
    railway.succeed("polish/1/a")
    assert railway.stands() == "succeeded"
    railway = Railway(loop(phases=(work("a"), work("b")), until="true"))
    railway.go_wrong("polish/1/a")
    assert isinstance(retry(railway, "polish/1/a"), ReworkRefused)
