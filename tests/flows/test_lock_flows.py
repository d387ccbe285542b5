"""Locks through a real server: waiting and being served, deadlocks, changing hands, breaking and checking."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from signalbox.client import Client, Endpoint
from tests.support.command_line import CommandLine, end
from tests.support.waiting import SECONDS_MAX, until


@pytest.fixture(scope="module")
def cli(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CommandLine]:
    line = CommandLine(tmp_path_factory.mktemp("locks"))
    server = line.serve()
    try:
        # What a session that ended held is free at once: other tests list all locks.
        line("project", "create", "shop", "--lock-delay", "0")
        yield line
    finally:
        assert end(server) == 0


def asked(cli: CommandLine, name: str, **fields: object) -> dict[str, Any]:
    data = cli.folder / ".signalbox"
    url, key = json.loads((data / "server.json").read_text())["url"], (data / "local.key").read_text().strip()
    with Client(Endpoint(url, key)) as client:
        return dict(client.command(name, **fields).answer)


def session(cli: CommandLine) -> str:
    return str(asked(cli, "open_session", projects=["shop"], ttl_seconds=600)["session"])


def waited_for(log: Path) -> str:
    until(lambda: "waiting as" in log.read_text())
    return log.read_text()


def test_who_waits_is_served_by_the_release_and_stands_in_the_list_until_then(cli: CommandLine, tmp_path: Path) -> None:
    one, two = session(cli), session(cli)
    held = cli("lock", "acquire", "path:r//src/**", "--session", one, "--purpose", "the release", "--json").json
    log = tmp_path / "waits.log"
    waiting = cli.start("lock", "acquire", "path:r//src/a", "--session", two, "--wait", log=log)
    assert f"behind {one} at src/a" in waited_for(log)
    listed = cli("lock", "list", "--json").json["locks"]
    assert [row["state"].split(" ")[0] for row in listed] == ["held", "waits"]
    assert listed[1]["resources"] == "path:r//src/a"
    cli("lock", "release", held["token"], "--session", one)
    assert waiting.wait(SECONDS_MAX) == 0
    assert "granted, token" in log.read_text()
    (row,) = cli("lock", "list", "--json").json["locks"]
    assert row["sessionId"] == two
    assert int(row["token"]) > int(held["token"])
    cli("lock", "break", row["token"], "--reason", "the test is over")
    assert cli("lock", "list", "--json").json["locks"] == []
    said = cli("lock", "release", row["token"], "--session", two, code=1).err
    assert "not one of a live grant" in said


def test_a_wait_ends_by_the_servers_clock(cli: CommandLine) -> None:
    one, two = session(cli), session(cli)
    held = cli("lock", "acquire", "env:staging", "--session", one, "--json").json["token"]
    said = cli("lock", "acquire", "env:staging", "--session", two, "--wait", "--timeout", "0.5", code=1).err
    assert "waited until its time was up" in said
    assert "next: Ask again" in said
    cli("lock", "release", held, "--session", one)


def test_a_deadlock_is_told_whole(cli: CommandLine, tmp_path: Path) -> None:
    one, two = session(cli), session(cli)
    first = cli("lock", "acquire", "name:a", "--session", one, "--json").json["token"]
    second = cli("lock", "acquire", "name:b", "--session", two, "--json").json["token"]
    log = tmp_path / "waits.log"
    waiting = cli.start("lock", "acquire", "name:b", "--session", one, "--wait", log=log)
    request = waited_for(log).partition("waiting as ")[2].partition(",")[0]
    said = cli("lock", "acquire", "name:a", "--session", two, "--wait", code=1).err
    assert f"{two}#1 wants name:a, which {one}#1 holds; {one}#1 wants name:b, which {two}#1 holds" in said
    assert f"Release name:b (token {second})" in said
    cli("lock", "withdraw", request, "--session", one)
    assert waiting.wait(SECONDS_MAX) == 1
    assert "waits no longer: withdrawn" in log.read_text()
    cli("lock", "release", first, "--session", one)
    cli("lock", "release", second, "--session", two)


def test_locks_change_mode_and_hands(cli: CommandLine) -> None:
    one, two = session(cli), session(cli)
    held = cli("lock", "acquire", "branch:r//main", "--session", one, "--mode", "update", "--json").json["token"]
    new = cli("lock", "upgrade", held, "--session", one, "--json").json["token"]
    cli("lock", "downgrade", new, "--session", one, "--mode", "shared")
    assert "mode shared" in cli("lock", "upgrade", new, "--session", one, "--mode", "shared", code=1).err
    given = cli("lock", "transfer", new, "--to", two, "--session", one, "--json").json["token"]
    (row,) = cli("lock", "list", "--json").json["locks"]
    assert row["state"].startswith("offered until")
    cli("lock", "accept", given, "--session", two)
    assert cli("lock", "list", "--json").json["locks"][0]["state"] == "held"
    cli("lock", "release", given, "--session", two)


def test_units_of_a_pool(cli: CommandLine) -> None:
    one = session(cli)
    made = cli("lock", "pool", "set", "gpu", "--member", "a=big", "--member", "b=big,fast", "--json").json["members"]
    assert [(row["name"], row["state"], row["labels"]) for row in made] == [
        ("a", "free", "big"),
        ("b", "free", "big, fast"),
    ]
    held = cli("lock", "acquire", "pool:gpu;label=fast", "--session", one, "--json").json
    assert held["members"] == [{"pool": "gpu", "members": ["b"]}]
    cli("lock", "pool", "quarantine", "gpu", "a", "--reason", "hot")
    found = cli("lock", "pool", "show", "gpu", "--json").json
    assert [(row["name"], row["state"], row["session_id"]) for row in found["members"]] == [
        ("a", "quarantined", None),
        ("b", "held", one),
    ]
    assert "0 of 2 units free, 0 requests wait" in cli("lock", "pool", "show", "gpu").out
    (row,) = (one for one in cli("lock", "pool", "list", "--json").json["pools"] if one["name"] == "gpu")
    counted = ("name", "quantity", "free", "taken", "quarantined", "draining", "waiting", "quota")
    assert tuple(row[key] for key in counted) == ("gpu", 2, 0, 1, 1, 0, 0, None)
    assert cli("lock", "pool", "show", "tpu", "--json", code=1).json["error"]["kind"] == "BAD_PATTERN"
    cli("lock", "release", held["token"], "--session", one)


def test_a_check_before_an_edit(cli: CommandLine) -> None:
    one, two = session(cli), session(cli)
    held = cli("lock", "acquire", "path:r//src/**", "--session", one, "--json").json["token"]
    other = cli("lock", "acquire", "path:r//docs/**", "--session", two, "--json").json["token"]
    resources = ("path:r//src/a.py", "path:r//free", "path:r//docs/b")
    found = cli("lock", "check", held, *resources, "--session", one, "--json").json["resources"]
    assert [(row["state"], row["holder"]) for row in found] == [("covered", None), ("free", None), ("held", two)]
    assert cli("lock", "preview", "path:r//docs/c", "--session", one, "--json").json["outcome"] == "blocked"
    cli("lock", "release", held, "--session", one)
    cli("lock", "release", other, "--session", two)
    assert "not one of a live grant" in cli("lock", "check", held, *resources, "--session", one, code=1).err


def test_a_worker_and_the_command_line_inside_its_task_meet_no_lock_of_their_own(
    cli: CommandLine, tmp_path: Path
) -> None:
    """The command of a task takes, checks and gives back what its own attempt covers already, and something beside."""
    said = tmp_path / "said.log"
    own = f"{sys.executable} -m signalbox lock"
    who = '--session "$SIGNALBOX_SESSION" --json'
    run = " && ".join(
        f"{command} >> {said}"
        for command in (
            f"{own} acquire 'path:own//src/**' {who}",
            f"{own} acquire path:own//src/a path:own//docs/a {who} --wait --timeout 5",
            f"{own} preview path:own//src/b {who}",
            f'{own} check "$SIGNALBOX_TOKEN" path:own//src/c {who}',
        )
    )
    plan = tmp_path / "plan.json"
    task = {"key": "inner", "title": "Inner", "scope": ["path:own//src/**"], "run": run, "retry": {"max_attempts": 1}}
    plan.write_text(json.dumps({"project": "shop", "tasks": [task]}))
    cli("plan", "apply", str(plan))
    # What other tests left ready is done on the way.
    cli("worker", "--exec", "true", "-p", "shop", "--until-idle")
    assert cli("task", "show", "inner", "-p", "shop", "--json").json["status"] == "completed"
    lines = [json.loads(line) for line in said.read_text().splitlines()]
    assert [one["outcome"] for one in lines[:3]] == ["held", "granted", "held"]
    assert [one["state"] for one in lines[3]["resources"]] == ["covered"]


def test_what_a_person_has_to_look_at_over_tasks_locks_and_sessions(cli: CommandLine) -> None:
    agent = session(cli)
    cli("session", "signal", agent, "waiting_for_person", "--note", "merge or rebase?")
    cli("lock", "pool", "set", "oven", "--count", "2")
    cli("lock", "pool", "quarantine", "oven", "2", "--reason", "too hot")
    asked(cli, "create_task", project="shop", task={"key": "whole", "title": "w", "scope": [{"claim": "path:w//**"}]})
    worker = session(cli)
    asked(cli, "claim_task", project="shop", session=worker, incarnation=1, task="whole")
    part = {"key": "part", "title": "p", "scope": [{"claim": "path:w//a"}], "parent": "whole"}
    asked(cli, "create_task", project="shop", task=part)
    found = {row["topic"]: row for row in cli("attention", "list", "-p", "shop", "--json").json["attention"]}
    assert (found["waiting_for_person"]["about"], found["waiting_for_person"]["why"]) == (agent, "merge or rebase?")
    assert (found["quarantined_units"]["about"], found["quarantined_units"]["units"]) == ("oven", ["2"])
    assert "part is not given out without path:w//a, which whole has" in found["standstill"]["why"]
    assert "Have whole release its locks" in found["standstill"]["resolve"]
    assert {step["because"] for step in found["standstill"]["steps"]} == {"PART", "SCOPE"}
    told = cli("attention", "list").out
    assert "merge or rebase?" in told
    head = cli("status", "--json").json["head"]
    cli("session", "end", agent)
    cli("task", "cancel", "part", "-p", "shop")
    cli("lock", "pool", "return", "oven", "2")
    left = cli("attention", "list", "-p", "shop", "--json").json["attention"]
    assert not {row["about"] for row in left} & {"oven", agent}
    assert "standstill" not in {row["topic"] for row in left}
    then = cli("attention", "list", "-p", "shop", "--at", f"@{head}", "--json").json["attention"]
    assert {"oven", agent} <= {row["about"] for row in then}
    assert "standstill" not in {row["topic"] for row in then}, "waits that go round are known of now only"
    cli("session", "end", worker)


def test_a_repository_that_ignores_case_has_one_lock_for_all_spellings(cli: CommandLine) -> None:
    one, two = session(cli), session(cli)
    life: dict[str, object] = {"project": "shop", "session": one, "incarnation": 1}
    said = cli("project", "set", "shop", "--repository", "mac:sometimes", code=2).err
    assert "NAME:ignores-case" in said
    cli("project", "set", "shop", "--repository", "mac:ignores-case", "--repository", "linux")
    held = asked(cli, "acquire_locks", **life, claims=[{"claim": "path:mac//Src/[A-C]*"}])
    assert held["claims"] == [{"claim": "path:mac//src/[a-c]*", "mode": "exclusive"}]
    assert "at src/" in cli("lock", "acquire", "path:mac//SRC/Bb.py", "--session", two, code=1).err
    checked = asked(cli, "check_locks", **life, token=held["token"], resources=["path:mac//SRC/Bb.py"])
    assert [row["state"] for row in checked["resources"]] == ["covered"]
    assert "path:mac//src/[a-c]* is held" in cli("project", "set", "shop", "--repository", "mac", code=1).err
    asked(cli, "release_locks", **life, token=held["token"])
    asked(cli, "update_project", project="shop", repositories=[{"name": "mac"}])
    exact = asked(cli, "acquire_locks", **life, claims=[{"claim": "path:mac//Src/A"}])
    assert exact["claims"] == [{"claim": "path:mac//Src/A", "mode": "exclusive"}]
    asked(cli, "release_locks", **life, token=exact["token"])
