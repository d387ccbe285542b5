"""The command line against a real server: what it prints, how it refuses, with which code it ends."""

import json
import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.command_line import CommandLine, end
from tests.support.waiting import SECONDS_MAX, until

PLAN = """\
project: {project}
tasks:
  - {{key: schema, title: Design the schema, scope: ["path:repo//db/**"]}}
  - {{key: api, title: Write the API, kind: code, priority: 5, needs: [schema], scope: ["path:repo//src/**"]}}
  - {{key: docs, title: Write the docs, kind: docs, scope: ["path:repo//src/api.md"]}}
"""


@pytest.fixture(scope="module")
def cli(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CommandLine]:
    """A folder with a server, and three planned tasks in the project shop."""
    line = CommandLine(tmp_path_factory.mktemp("served"))
    server = line.serve()
    try:
        (line.folder / "plan.yaml").write_text(PLAN.format(project="shop"))
        line("plan", "apply", "plan.yaml")
        yield line
    finally:
        assert end(server) == 0


def test_up_says_what_to_do_next(cli: CommandLine) -> None:
    said = (cli.folder / "up.log").read_text()
    assert "signalbox plan apply" in said
    assert "signalbox watch" in said


def test_a_second_server_on_the_same_data_is_refused(cli: CommandLine) -> None:
    ran = cli("up", "--bind", "127.0.0.1:0", code=1)
    assert "in use" in ran.err
    assert "next: " in ran.err
    assert cli("status", "--json").json["ready"] is True


def test_an_exposed_server_has_to_be_wanted(cli: CommandLine) -> None:
    ran = cli("up", "--bind", "0.0.0.0:0", "--data", "elsewhere", code=1)
    assert "--allow-exposed" in ran.err


def test_the_server_is_found_from_a_folder_below(cli: CommandLine) -> None:
    below = cli.folder / "deep" / "down"
    below.mkdir(parents=True)
    assert CommandLine(below)("status", "--json").json["ready"] is True


def test_url_and_key_of_the_environment_are_used(cli: CommandLine, tmp_path: Path) -> None:
    data = cli.folder / ".signalbox"
    url, key = json.loads((data / "server.json").read_text())["url"], (data / "local.key").read_text().strip()
    assert CommandLine(tmp_path, {"SIGNALBOX_URL": url, "SIGNALBOX_KEY": key})("status").out.startswith("ready")
    assert CommandLine(tmp_path, {"SIGNALBOX_DATA": str(data)})("status").out.startswith("ready")
    assert CommandLine(tmp_path)("status", "--url", url, "--key", key).out.startswith("ready")


def test_a_plan_applied_again_changes_nothing(cli: CommandLine) -> None:
    told = cli("plan", "apply", "plan.yaml", "--json").json
    assert (told["created"], told["unchanged"], told["project"]) == (0, 3, "shop")
    assert set(told["ids"]) == {"schema", "api", "docs"}
    assert "0 tasks created, 3 unchanged" in cli("plan", "apply", "-", stdin=PLAN.format(project="shop")).out


def test_a_plan_is_compared_with_the_server(cli: CommandLine) -> None:
    (cli.folder / "edited.yaml").write_text(
        PLAN.format(project="shop").replace("priority: 5", "priority: 6") + "  - {key: new, title: New}\n"
    )
    told = cli("plan", "diff", "edited.yaml", "--json", code=1).json
    assert told["added"] == ["new"]
    assert told["unchanged"] == ["schema", "docs"]
    assert told["changed"] == [{"key": "api", "fields": [{"field": "priority", "before": 5, "after": 6}]}]
    assert "! api\n    priority: 5 -> 6" in cli("plan", "diff", "edited.yaml", code=1).out
    absent = PLAN.format(project="absent")
    assert cli("plan", "diff", "-", "--json", stdin=absent).json["added"] == ["schema", "api", "docs"]


def test_an_edited_plan_is_refused_with_the_line(cli: CommandLine) -> None:
    (cli.folder / "refused.yaml").write_text(PLAN.format(project="shop").replace("priority: 5", "priority: 7"))
    ran = cli("plan", "apply", "refused.yaml", code=1)
    assert "refused.yaml:4: api: priority" in ran.err
    assert "next: " in ran.err


def test_faults_of_a_plan_are_told_with_file_and_line(cli: CommandLine) -> None:
    faulty = PLAN.format(project="shop").replace("needs: [schema]", "needs: [skema]").replace("kind: docs", "kind: 3")
    (cli.folder / "faulty.yaml").write_text(faulty)
    ran = cli("plan", "check", "faulty.yaml", code=1)
    assert "faulty.yaml:5:" in ran.err
    told = cli("plan", "check", "faulty.yaml", "--json", code=1).json["error"]
    assert told["code"] == "plan_faulty"
    assert told["data"]["faults"][0]["line"] == 5
    (cli.folder / "unknown.yaml").write_text(PLAN.format(project="shop").replace("[schema]", "[skema]"))
    assert "unknown.yaml:4:" in cli("plan", "apply", "unknown.yaml", code=1).err


def test_a_plan_is_judged_before_it_runs(cli: CommandLine) -> None:
    told = cli("plan", "check", "plan.yaml", "--workers", "2", "--json").json
    assert told["critical_path"] == ["schema", "api"]
    assert (told["width"], told["makespan_bound"], told["overlaps_total"]) == (2, 2.0, 1)
    assert told["proposed_needs"]
    (cli.folder / "cased.yaml").write_text(PLAN.format(project="shop").replace("src/api.md", "SRC/api.md"))
    assert cli("plan", "check", "cased.yaml", "--json").json["overlaps_total"] == 0
    assert cli("plan", "check", "cased.yaml", "--ignores-case", "repo", "--json").json["overlaps_total"] == 1
    words = cli("plan", "check", "plan.yaml").out
    assert "schema -> api" in words
    assert "src/api.md" in words


def test_the_schema_of_plans_is_json(cli: CommandLine) -> None:
    assert json.loads(cli("plan", "schema").out)["properties"].keys() >= {"project", "tasks"}


def test_tasks_are_listed_by_status_kind_and_project(cli: CommandLine) -> None:
    listed = cli("task", "list", "--json", "--project", "shop").json["tasks"]
    assert {task["key"] for task in listed} >= {"schema", "api", "docs"}
    pending = cli("task", "list", "--json", "--project", "shop", "--status", "pending,failed").json["tasks"]
    assert [task["key"] for task in pending] == ["api"]
    docs = cli("task", "list", "--json", "--project", "shop", "--kind", "docs").json["tasks"]
    assert [task["key"] for task in docs] == ["docs"]
    assert "Write the API" in cli("task", "list", "-p", "shop").out
    assert "is none of" in cli("task", "list", "-p", "shop", "--status", "nope", code=2).err


def test_a_task_is_named_by_key_id_or_the_end_of_its_id(cli: CommandLine) -> None:
    by_key = cli("task", "show", "api", "--json", "-p", "shop").json
    assert by_key["needs"][0]["key"] == "schema"
    assert cli("task", "show", by_key["id"], "--json", "-p", "shop").json["key"] == "api"
    assert cli("task", "show", by_key["id"][-8:], "--json", "-p", "shop").json["key"] == "api"
    assert "needs     schema: unmet" in cli("task", "show", "api", "-p", "shop").out
    ran = cli("task", "show", "nothing", "-p", "shop", code=1)
    assert "There is no task nothing here" in ran.err
    assert cli("task", "show", "zzz", "--json", "-p", "shop", code=1).json["error"]["code"] == "unknown_thing"


def test_it_is_explained_why_a_task_does_not_move(cli: CommandLine) -> None:
    told = cli("explain", "task", "api", "--project", "shop", "--json").json
    assert (told["status"], told["moving"], told["reasons"][0]["code"]) == ("pending", False, "need_unmet")
    assert told["kind"] == "task"
    words = cli("explain", "task", "api", "--project", "shop").out
    assert "it needs schema to be completed, which is ready" in words
    assert "next: schema has to become completed." in words
    assert "no live session serves the project" in cli("explain", "task", "schema", "--project", "shop").out
    assert "next: " in cli("explain", "lock", "17", "--project", "shop", code=1).err


def test_tasks_are_cancelled_and_begun_anew(cli: CommandLine) -> None:
    (cli.folder / "more.yaml").write_text(
        "project: steps\ntasks:\n  - {key: one, title: One}\n"
        "  - {key: two, title: Two, run: exit 1, retry: {max_attempts: 1}}\n"
    )
    cli("plan", "apply", "more.yaml")
    cli("task", "cancel", "one", "-p", "steps", "--reason", "not wanted")
    assert cli("task", "show", "one", "-p", "steps", "--json").json["status"] == "cancelled"
    assert "only failed and parked tasks begin anew" in cli("task", "retry", "one", "-p", "steps", code=1).err
    cli("worker", "-p", "steps", "--until-idle", code=5)
    assert cli("task", "show", "two", "-p", "steps", "--json").json["status"] == "failed"
    cli("task", "retry", "two", "-p", "steps")
    assert cli("task", "show", "two", "-p", "steps", "--json").json["status"] == "ready"


def test_projects_are_created_frozen_and_thawed(cli: CommandLine) -> None:
    assert "created" in cli("project", "create", "cold", "--lock-delay", "5").out
    assert "was there already" in cli("project", "create", "cold", "--lock-delay", "5").out
    assert "other settings" in cli("project", "create", "cold", "--lock-delay", "6", code=1).err
    cli("project", "freeze", "cold", "--reason", "winter")
    by_name = {one["name"]: one for one in cli("project", "list", "--json").json["projects"]}
    assert by_name["cold"]["frozen"] is True
    assert "is frozen: winter" in cli("project", "show", "cold").out
    cli("project", "set", "cold", "--weight", "3")
    shown = cli("project", "show", "cold", "--json").json
    assert (shown["settings"]["weight"], shown["settings"]["autopilot"]) == (3, "observe")
    assert (shown["frozen_reason"], shown["lock_delay_seconds"], shown["needs_granted"]) == ("winter", 5, [])
    assert cli("project", "show", "nowhere", "--json", code=1).json["error"]["kind"] == "BAD_PATTERN"
    cli("project", "unfreeze", "cold")
    by_name = {one["name"]: one for one in cli("project", "list", "--json").json["projects"]}
    assert by_name["cold"]["frozen"] is False


def test_where_there_are_several_projects_one_has_to_be_named(cli: CommandLine) -> None:
    cli("project", "create", "other")
    ran = cli("task", "list", code=1)
    assert "several projects" in ran.err
    assert cli("task", "list", "--json", SIGNALBOX_PROJECT="other").json == {"tasks": []}


def test_a_key_opens_until_it_is_revoked(cli: CommandLine, tmp_path: Path) -> None:
    told = cli("key", "issue", "reader", "--role", "viewer", "--days", "1", "--json").json
    url = json.loads((cli.folder / ".signalbox" / "server.json").read_text())["url"]
    reader = CommandLine(tmp_path, {"SIGNALBOX_URL": url, "SIGNALBOX_KEY": told["secret"]})
    assert reader("project", "list", "--json").json["projects"]
    assert reader("project", "freeze", "shop", "--json", code=1).json["error"]["code"] == "not_permitted"
    listed = {one["id"]: one for one in cli("key", "list", "--json").json["keys"]}
    assert listed[told["key"]]["name"] == "reader"
    assert told["secret"] not in cli("key", "list").out
    assert cli("key", "show", told["key"][-6:], "--json").json["name"] == "reader"
    assert "viewer" in cli("key", "show", "reader").out
    assert cli("key", "show", "nobody", code=1).err
    cli("key", "revoke", "reader")
    assert reader("project", "list", "--json", code=1).json["error"]["code"] == "not_authenticated"
    assert "is none of" in cli("key", "issue", "x", "--role", "king", code=2).err


def test_events_are_shown_in_order_and_followed(cli: CommandLine) -> None:
    shown = [json.loads(line) for line in cli("events", "-p", "shop", "--json").out.splitlines()]
    positions = [event["position"] for event in shown]
    assert positions == sorted(positions)
    assert shown[0]["type"] == "project.created.v1"
    assert len(cli("events", "-p", "shop", "-n", "2").out.splitlines()) == 2
    of_task = cli("events", "--stream", shown[1]["stream"], "--json").out.splitlines()
    assert json.loads(of_task[0])["type"] == "task.planned.v1"
    log = cli.folder / "followed"
    following = cli.start("events", "-f", "-p", "shop", "--after", str(positions[-1]), "--json", log=log)
    try:
        cli("project", "freeze", "shop")
        cli("project", "unfreeze", "shop")
        until(lambda: log.read_text().count("\n") >= 2)
        types = [json.loads(line)["type"] for line in log.read_text().splitlines()]
        assert types == ["project.frozen.v1", "project.unfrozen.v1"]
    finally:
        following.send_signal(signal.SIGINT)
        assert following.wait(SECONDS_MAX) == 130


def test_watch_shows_it_once(cli: CommandLine) -> None:
    words = cli("watch", "--once", "-p", "shop").out
    assert "0/3 settled" in words
    told = cli("watch", "--once", "--json", "-p", "shop").json
    assert told["counts"] == {
        "pending": 1, "ready": 2, "assigned": 0, "running": 0, "backoff": 0, "parked": 0, "completed": 0, "failed": 0,
        "cancelled": 0,
    }  # fmt: skip


def test_watch_ends_at_a_key_and_leaves_the_terminal_as_it_was(cli: CommandLine) -> None:
    leader, follower = pty.openpty()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SIGNALBOX_")}
    watching = subprocess.Popen(
        [sys.executable, "-m", "signalbox", "watch", "-p", "shop"],
        cwd=cli.folder, stdin=follower, stdout=follower, stderr=follower, env=environment | {"TERM": "xterm"},
    )  # fmt: skip
    os.close(follower)
    seen = b""
    try:
        while b"settled" not in seen and select.select([leader], [], [], SECONDS_MAX)[0]:
            seen += os.read(leader, 65_536)
        assert b"0/3 settled" in seen
        os.write(leader, b"q")
        ends_at = time.monotonic() + SECONDS_MAX
        while watching.poll() is None and time.monotonic() < ends_at:
            if select.select([leader], [], [], 0.1)[0]:
                try:
                    seen += os.read(leader, 65_536)
                except OSError:
                    break
        assert watching.wait(SECONDS_MAX) == 0
    finally:
        watching.kill()
        os.close(leader)
    assert b"\x1b[?1049l" in seen


def test_a_wrong_command_line_is_code_2(cli: CommandLine) -> None:
    cli("task", "list", "--limit", "0", code=2)
    cli("nonsense", code=2)
    cli("worker", "--capacity", "0", code=2)
    cli("worker", "--capability", "x", code=2)
    cli("project", "set", "shop", "--strategy", "foo", code=2)
    cli("project", "set", "shop", "--autopilot", "on", code=2)
    cli("task", "dismiss", "api", "foo", "-p", "shop", code=2)


def test_no_server_is_code_3(tmp_path: Path) -> None:
    line = CommandLine(tmp_path)
    assert "signalbox up" in line("status", code=3).err
    absent = ("--url", "http://127.0.0.1:9", "--key", "k", "--json")
    assert line("status", *absent, code=3).json["error"]["code"] == "unreachable"


def test_help_names_every_command(tmp_path: Path) -> None:
    words = CommandLine(tmp_path)("--help").out
    nouns = ("up", "demo", "status", "watch", "plan", "task", "session", "lock", "project", "events", "key", "worker")
    for noun in nouns:
        assert f"  {noun} " in words


def test_lists_and_things_are_shown_as_they_were(cli: CommandLine) -> None:
    cli("project", "create", "past")
    created = cli("task", "create", "first", "--project", "past", "--json").json["position"]
    cli("task", "cancel", "first", "--project", "past")
    then = cli("task", "list", "-p", "past", "--at", f"@{created}", "--json").json["tasks"]
    assert [one["status"] for one in then] == ["ready"]
    assert "no task first then" in cli("task", "show", "first", "-p", "past", "--at", "begin", code=1).err
    assert cli("project", "show", "past", "--at", f"@{created}", "--json").json["name"] == "past"
    assert "was no project past then" in cli("project", "show", "past", "--at", "begin", code=1).err
    cli("lock", "pool", "set", "gpu", "--count", "2", "-p", "past")
    assert cli("lock", "pool", "list", "-p", "past", "--at", f"@{created}", "--json").json["pools"] == []
    assert "was no pool gpu" in cli("lock", "pool", "show", "gpu", "-p", "past", "--at", f"@{created}", code=1).err
    cli("key", "issue", "later", "--role", "viewer")
    assert "was no key later then" in cli("key", "show", "later", "--at", f"@{created}", code=1).err
    assert cli("session", "tree", "-p", "past", "--at", f"@{created}", "--json").json["sessions"] == []
    assert len(cli("node", "list", "--at", f"@{created}", "--json").json["nodes"]) == 1


def test_a_bookmark_stands_for_its_point(cli: CommandLine) -> None:
    cli("project", "create", "marked")
    assert cli("bookmark", "set", "empty", "-p", "marked", "--at", "begin", "--json").json["bookmarked"] == 0
    assert cli("bookmark", "list", "-p", "marked", "--json").json["bookmarks"][0]["point"] == "marked/empty"
    assert cli("project", "list", "--at", "marked/empty", "--json").json["projects"] == []
    cli("bookmark", "remove", "empty", "-p", "marked")
    cli("project", "list", "--at", "marked/empty", code=1)
