"""Sessions on a real server: the doors that steer them, the beats that say what they do, the lists that find them."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from signalbox.client import Client, Endpoint
from signalbox.client.asks import Heard, events, heartbeat
from signalbox.client.errors import Refused
from tests.support.command_line import CommandLine, end
from tests.support.waiting import SECONDS_MAX, until


@pytest.fixture(scope="module")
def cli(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CommandLine]:
    line = CommandLine(tmp_path_factory.mktemp("sessions"))
    server = line.serve()
    try:
        line("project", "create", "shop")
        yield line
    finally:
        assert end(server) == 0


@pytest.fixture(scope="module")
def client(cli: CommandLine) -> Iterator[Client]:
    data = cli.folder / ".signalbox"
    url, key = json.loads((data / "server.json").read_text())["url"], (data / "local.key").read_text().strip()
    with Client(Endpoint(url, key)) as made:
        yield made


def opened(client: Client, **fields: object) -> str:
    return str(client.command("open_session", projects=["shop"], **fields).answer["session"])


def beat(client: Client, session: str, **said: object) -> Heard:
    return client.ask(heartbeat(session, 1, (), seconds_max=SECONDS_MAX, said=said or None))


def shown(cli: CommandLine, session: str, **expected: object) -> Any:
    """The session, once it looks as expected: a read that waited too long for a busy projector shows what was."""
    ends_at = time.monotonic() + SECONDS_MAX
    while True:
        told = cli("session", "show", session, "--json").json
        if time.monotonic() > ends_at or all(told[name] == value for name, value in expected.items()):
            return told


def test_sessions_are_found_by_what_they_are(cli: CommandLine, client: Client) -> None:
    fields = {"tool": "codex", "model": "m1", "host": "far", "role": "reviewer", "credential_pool": "max"}
    found = opened(client, name="one", capabilities={"gpu": True, "langs": ["py", "go"], "cpus": 8}, **fields)
    opened(client, name="other", capabilities={"gpu": False, "cpus": 80}, tool="gemini")
    asked = (
        ("--tool", "codex"), ("--model", "m1"), ("--host", "far"), ("--role", "reviewer"), ("--pool", "max"),
        ("--capability", "gpu=true"), ("--capability", "langs"), ("--capability", "langs=go"),
        ("--capability", "cpus=8"),
    )  # fmt: skip
    for option, value in asked:
        rows = cli("session", "list", option, value, "--json").json["sessions"]
        assert [row["id"] for row in rows] == [found], option
    assert len(cli("session", "list", "--capability", "gpu", "--json").json["sessions"]) == 2
    assert not cli("session", "list", "--tool", "codex", "--status", "waiting_for_person", "--json").json["sessions"]


def test_a_person_opens_a_session_and_locks_by_hand(cli: CommandLine) -> None:
    told = cli("session", "open", "--name", "ann", "--capability", "cpus=8", "--role", "editor").out.splitlines()
    assert told[-1].startswith("export SIGNALBOX_SESSION=sess_")
    assert told[-1].endswith(" SIGNALBOX_INCARNATION=1")
    session = told[-1].removeprefix("export SIGNALBOX_SESSION=").split()[0]
    row = shown(cli, session)
    assert (row["tool"], row["name"], row["role"]) == ("human", "ann", "editor")
    assert (row["capabilities"], row["ttl_seconds"]) == ({"cpus": 8}, 1_800)
    cli("lock", "acquire", "path:app//docs/**", "--session", session)
    assert cli("session", "open", "--resume", session[-8:], "--json").json["incarnation"] == 2
    assert "fenced" in cli("lock", "acquire", "path:app//a", "--session", session, "--json", code=1).out
    assert "key=value" in cli("session", "open", "--capability", "cpus", code=2).err
    assert "is none of working, " in cli("session", "list", "--status", "nonsense", code=2).err


def test_a_beat_says_what_a_session_does_and_the_log_hears_of_changes_only(cli: CommandLine, client: Client) -> None:
    session = opened(client, name="said")
    for _ in range(3):
        assert beat(client, session, signal="tool_started", tool="Bash").status == "live"
    told = shown(cli, session)
    assert (told["status"], told["running_tool"]) == ("busy_in_tool", "Bash")
    cli("session", "signal", session, "waiting_for_person", "--note", "which port?")
    assert shown(cli, session, status="waiting_for_person")["status"] == "waiting_for_person"
    lines = cli("events", "--stream", session, "--json").out
    assert lines.count("session.status_changed.v1") == 2
    with pytest.raises(Refused):
        beat(client, session, signal="sing")


def test_a_tree_shows_who_stands_below_whom(cli: CommandLine, client: Client) -> None:
    lead = opened(client, name="lead", role="lead")
    low = opened(client, name="low", parent=lead)
    other = opened(client, name="other")
    lines = cli("session", "tree").out.splitlines()
    place = next(number for number, line in enumerate(lines) if line.endswith("lead lead"))
    assert lines[place + 1].startswith("  ")
    assert lines[place + 1].endswith("low")
    cli("session", "reparent", other, low)
    assert shown(cli, other, parent_id=low)["parent_id"] == low
    assert "family_circular" in cli("session", "reparent", lead, other, "--json", code=1).out
    cli("session", "end", low)
    assert shown(cli, other, parent_id=lead)["parent_id"] == lead
    cli("session", "reparent", other)
    assert shown(cli, other, parent_id=None)["parent_id"] is None


def test_a_drained_session_finishes_and_claims_no_more(cli: CommandLine, client: Client) -> None:
    (cli.folder / "plan.yaml").write_text("project: shop\ntasks: [{key: a, title: A}, {key: b, title: B}]\n")
    cli("plan", "apply", "plan.yaml")
    session = opened(client, capacity=2)
    life = {"session": session, "incarnation": 1}
    work = client.command("claim_task", project="shop", **life).answer
    cli("session", "drain", session, "--reason", "update")
    assert beat(client, session).draining
    assert shown(cli, session, status="draining")["status"] == "draining"
    with pytest.raises(Refused) as refused:
        client.command("claim_task", project="shop", **life)
    assert refused.value.code == "session_is_draining"
    cli("session", "undrain", session)
    cli("session", "drain", session)
    client.command("complete_task", project="shop", task=work["task"], token=work["token"])
    assert shown(cli, session, status="ended")["status"] == "ended"
    heard = beat(client, session)
    assert (heard.status, heard.draining) == ("ended", True)


def test_a_worker_that_is_drained_ends(cli: CommandLine, tmp_path: Path) -> None:
    log = tmp_path / "worker.log"
    worker = cli.start("worker", "--project", "shop", "--name", "drained", "--json", "--exec", "true", log=log)
    try:
        session = _session_of(log)
        cli("session", "drain", session)
        assert worker.wait(SECONDS_MAX) == 0
    finally:
        end(worker)


def test_a_call_shows_life_as_a_beat_does(client: Client) -> None:
    """The smallest TTL is 10 s: a session that only asks things is never suspected meanwhile."""
    session, silent_seconds = "", 10.0
    while silent_seconds > 4.0:  # a machine that kept us from asking for so long has shown nothing
        session, silent_seconds = opened(client, ttl_seconds=10), 0.0
        began = asked = time.monotonic()
        while asked < began + 7.0:
            client.command("signal_session", session=session, incarnation=1, signal="progress")
            time.sleep(0.5)
            silent_seconds, asked = max(silent_seconds, time.monotonic() - asked), time.monotonic()
    types = [one["type"] for one in client.ask(events(stream=session)).events]
    assert types == ["session.opened.v1", "session.status_changed.v1"]


def test_quota_is_reported_seen_and_reset(cli: CommandLine, client: Client) -> None:
    one, two = opened(client, credential_pool="pro"), opened(client, credential_pool="pro")
    assert beat(client, one, signal="quota_refused", seconds=3_600, note="429").status == "live"
    assert shown(cli, two, status="quota_blocked")["status"] == "quota_blocked"
    with pytest.raises(Refused) as refused:
        client.command("claim_task", project="shop", session=two, incarnation=1)
    assert refused.value.code == "quota_blocked"
    (row,) = [one for one in cli("quota", "list", "--json").json["quotas"] if one["name"] == "pro"]
    assert (row["state"], row["kind"], row["reason"], row["sessionsLive"]) == ("open", "rate_limited", "429", 2)
    cli("quota", "reset", "pro")
    assert shown(cli, two, status="idle")["status"] == "idle"
    assert "unknown_thing" in cli("quota", "reset", "nope", "--json", code=1).out


def _session_of(log: Path) -> str:
    def told() -> list[str]:
        *whole, _ = log.read_text().split("\n")
        return [one["session"] for one in map(json.loads, whole) if "session" in one]

    until(told)
    return told()[0]
