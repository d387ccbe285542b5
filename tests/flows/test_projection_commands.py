"""`signalbox projections` against a real server: what it shows, does and refuses."""

import json
from collections.abc import Iterator

import pytest

from tests.support.command_line import CommandLine, end

PLAN = """\
project: shop
tasks:
  - {key: schema, title: Design the schema, scope: ["path:repo//db/**"]}
  - {key: api, title: Write the API, needs: [schema]}
"""


@pytest.fixture(scope="module")
def cli(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CommandLine]:
    """A folder with a server and two planned tasks."""
    line = CommandLine(tmp_path_factory.mktemp("served"))
    server = line.serve()
    try:
        (line.folder / "plan.yaml").write_text(PLAN)
        line("plan", "apply", "plan.yaml")
        yield line
    finally:
        assert end(server) == 0


def test_read_models_are_listed_with_how_far_they_are(cli: CommandLine) -> None:
    said = cli("projections", "list").out
    assert "task_board" in said
    assert "following" in said
    models = {one["name"]: one for one in cli("projections", "list", "--json").json["projections"]}
    assert models["task_board"]["drifted"] is False
    assert models["task_board"]["generations"][0]["state"] == "live"


def test_a_rebuild_is_watched_to_its_end_and_taken_back(cli: CommandLine) -> None:
    assert "promoted" in cli("projections", "rebuild", "task_board", "lock_map").out
    assert [row["key"] for row in cli("task", "list", "--json").json["tasks"]] != []
    shown = cli("projections", "show", "task_board").out
    assert "retired" in shown
    assert "0 differ" in shown
    generations = cli("projections", "show", "task_board", "--json").json["generations"]
    cli("projections", "rollback", "task_board")
    latest_retired = max(one["number"] for one in generations if one["state"] == "retired")
    assert cli("projections", "show", "task_board", "--json").json["generation"] == latest_retired
    assert "task_board_v" in cli("projections", "prune", "--all", "--keep", "0").out


def test_piped_builds_are_lines_of_words_and_lines_of_json_where_that_is_asked_for(cli: CommandLine) -> None:
    assert "pools: verified, generation" in cli("projections", "verify", "pools").out
    lines = [json.loads(line) for line in cli("projections", "verify", "--all", "--json").out.splitlines()]
    last = {line["name"]: line for line in lines}
    assert {line["phase"] for line in last.values()} == {"verified"}
    assert last["timeline"]["comparison"]["differing"] == 0


def test_what_is_held_is_promoted_or_given_up(cli: CommandLine) -> None:
    assert "held" in cli("projections", "rebuild", "session_roster", "--hold").out
    assert "being built already" in cli("projections", "rebuild", "session_roster", code=1).err
    assert "promoted" in cli("projections", "promote", "session_roster").out
    cli("projections", "rebuild", "session_roster", "--hold")
    assert "given up" in cli("projections", "abandon", "session_roster").out
    refused = cli("projections", "promote", "session_roster", code=1).err
    assert "no built generation" in refused
    assert "next: " in refused


def test_a_paused_read_model_says_why_and_follows_again(cli: CommandLine) -> None:
    cli("projections", "pause", "timeline", "--reason", "its disk is moved")
    shown = cli("projections", "show", "timeline", "--json").json
    assert (shown["state"], shown["error"]) == ("paused", "its disk is moved")
    cli("projections", "resume", "timeline")


def test_nothing_stands_still_here(cli: CommandLine) -> None:
    assert "nothing stands still" in cli("projections", "parked", "list").out
    assert "does not stand still" in cli("projections", "parked", "retry", "task_board", "task_1", code=1).err
    assert "does not stand still" in cli("projections", "parked", "show", "task_board", "task_1", code=1).err


def test_bad_names_and_missing_ones_are_refused(cli: CommandLine) -> None:
    assert "no projection nothing" in cli("projections", "rebuild", "nothing", code=1).err
    assert "no projection nothing" in cli("projections", "show", "nothing", code=1).err
    assert "--all" in cli("projections", "rebuild", code=2).err
    assert "reason" in cli("projections", "pause", "timeline", "--reason", " ", code=1).err


def test_an_operator_may_verify_and_look_but_not_rebuild(cli: CommandLine) -> None:
    key = cli("key", "issue", "olga", "--role", "operator", "--json").json["secret"]
    cli("projections", "list", "--key", key)
    cli("projections", "verify", "api_keys", "--key", key)
    assert "does not have the right" in cli("projections", "rebuild", "api_keys", "--key", key, code=1).err
    viewer = cli("key", "issue", "vera", "--role", "viewer", "--json").json["secret"]
    assert "does not have the right" in cli("projections", "list", "--key", viewer, code=1).err
