"""The keys of what was said are gone for good: that is declared, and the log goes on with others."""

import asyncio
import http.client
import json
import os
import signal
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from api.cli.exits import Exit
from api.composition import keys_lost
from api.composition.keys_lost import CannotDeclareError, declare
from api.composition.opening import opened
from infrastructure.erasure.sqlite import SqliteSeeds
from infrastructure.settings import Settings
from tests.support.command_line import CommandLine, end
from tests.support.waiting import SECONDS_MAX, until
from tests.support.whole_server import whole_server

WORD, LATER = "Zibeline", "Susquehanna"


class KilledError(Exception):
    """The process ended here."""


def test_a_server_starts_again_once_its_keys_are_declared_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cli, data = CommandLine(tmp_path), tmp_path / ".signalbox"
    server = cli.serve()
    try:
        (tmp_path / "plan.yaml").write_text(f"project: shop\ntasks:\n  - {{key: one, title: {WORD}}}\n")
        cli("plan", "apply", "plan.yaml")
        told = cli("audit", "keys", "lost", "--reason", "17", "--yes", code=Exit.REFUSED)
        assert "in use" in told.err
    finally:
        server.kill()
        server.wait(SECONDS_MAX)
    with pytest.raises(CannotDeclareError, match="the keys of the log are there"):
        declare(Settings(data=data), "17")
    for file in data.glob("subject-keys.db*"):
        file.unlink()
    assert "audit keys lost" in cli("up", "--bind", "127.0.0.1:0", code=Exit.REFUSED).err
    killed_on_the_way(data, monkeypatch)
    said = cli("audit", "keys", "lost", "--reason", "the disk broke", "--yes", "--json").json
    assert said["through"] < said["position"]
    server = cli.serve()
    try:
        (tmp_path / "plan.yaml").write_text(f"project: shop\ntasks:\n  - {{key: two, title: {LATER}}}\n")
        cli("plan", "apply", "plan.yaml")
        assert cli("audit", "verify", "--live", "--json").json["verdict"] == "intact"
    finally:
        assert end(server) == 0
    found = cli("replay", "log", "--json").out
    assert WORD not in found
    assert all(word in found for word in ("[erased]", LATER, "subject.keys_lost.v1", "never written"))
    assert cli("replay", "redecide", "--json").json["different"] == 0


def killed_on_the_way(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once behind the event, and once behind the planting of the new keys."""
    settings = Settings(data=data)

    def killed(*_: object, **__: object) -> None:
        raise KilledError

    with monkeypatch.context() as patch:
        patch.setattr(SqliteSeeds, "begin", killed)
        with pytest.raises(KilledError):
            declare(settings, "never planted")
    with monkeypatch.context() as patch:
        patch.setattr(keys_lost, "bind", killed)
        with pytest.raises(KilledError):
            declare(settings, "never written in the mark")


def test_where_there_is_no_log_or_no_administrator_nothing_is_made(tmp_path: Path) -> None:
    for store, code in (("sqlite", "no_log"), ("memory", "no_log"), ("postgresql://127.0.0.1:1/x", "not_permitted")):
        with pytest.raises(CannotDeclareError) as refused:
            declare(Settings(data=tmp_path, store=store), "17")
        assert refused.value.code == code
    assert not list(tmp_path.iterdir())


async def test_while_a_node_of_a_shared_database_lives_its_keys_are_not_lost(tmp_path: Path, postgres_url: str) -> None:
    settings = Settings(data=tmp_path, store=postgres_url)
    async with whole_server(tmp_path, postgres_url) as server:
        await server.owner.done("create_project", name="shop")
        task = {"key": "one", "title": WORD}
        await server.owner.done("create_task", project="shop", task=task)
        server.services.health.announce("http://127.0.0.1:9")
        with pytest.raises(CannotDeclareError) as refused:
            await asyncio.to_thread(declare_once_it_lives, settings)
        assert refused.value.code == "server_lives"
    with psycopg.connect(postgres_url) as connection:
        connection.execute("DELETE FROM signalbox.subject_seeds")
    cli = CommandLine(tmp_path)
    asked = ("audit", "keys", "lost", "--reason", "17", "--yes", "--store", postgres_url, "--data", str(tmp_path))
    await asyncio.to_thread(cli, *asked)
    again = await asyncio.to_thread(lambda: cli(*asked, code=Exit.REFUSED))
    assert "the keys of the log are there" in again.err
    async with whole_server(tmp_path, postgres_url) as server:
        await server.owner.done("create_task", project="shop", task={"key": "two", "title": LATER})
    with opened(postgres_url, tmp_path) as past:
        states = repr([past.state(row.stream, past.head()) for row in past.history.page(after=0, limit=100)])
    assert WORD not in states
    assert "[erased]" in states
    assert LATER in states


def test_a_server_that_stood_still_meanwhile_writes_nothing_under_the_lost_keys_and_ends(
    tmp_path: Path, postgres_url: str
) -> None:
    """What it is asked next waits in its socket when it goes on, so that it decides before it has read of the loss."""
    cli, data = CommandLine(tmp_path, {"SIGNALBOX_STORE": postgres_url}), tmp_path / ".signalbox"
    settings = Settings(data=data, store=postgres_url)
    server = cli.serve()
    try:
        address = json.loads((data / "server.json").read_text())["url"].removeprefix("http://")
        asked = http.client.HTTPConnection(address, timeout=SECONDS_MAX)
        ask(asked, data, "create_project", name="shop")
        assert was_accepted(asked)
        ask(asked, data, "create_task", project="shop", task={"key": "one", "title": WORD})
        assert was_accepted(asked)
        with psycopg.connect(postgres_url, autocommit=True) as connection:
            # It joins under the lock of the log, with which it must not stand still.
            until(lambda: connection.execute("SELECT 1 FROM signalbox.leases WHERE session LIKE 'node%'").fetchone())
            os.kill(server.pid, signal.SIGSTOP)
            connection.execute("DELETE FROM signalbox.subject_seeds")
            position = declared_once_its_lease_is_over(settings, connection)
        ask(asked, data, "create_task", project="shop", task={"key": "two", "title": LATER})
        os.kill(server.pid, signal.SIGCONT)
        with closing(asked):
            assert not was_accepted(asked)
        assert server.wait(SECONDS_MAX) == Exit.REFUSED
    finally:
        server.kill()
        server.wait(SECONDS_MAX)
    assert "were declared lost" in (tmp_path / "up.log").read_text()
    with opened(postgres_url, data) as past:
        assert not [row for row in past.history.page(after=position, limit=100) if b"sealed" in row.state]


def ask(connection: http.client.HTTPConnection, data: Path, kind: str, **fields: object) -> None:
    """Send a command as the owner, without waiting for its answer."""
    headers = {
        "Authorization": f"Bearer {(data / 'local.key').read_text().strip()}",
        "Content-Type": "application/json",
    }
    connection.request("POST", "/v1/commands", json.dumps({"type": kind, "command": fields}), headers)


def was_accepted(connection: http.client.HTTPConnection) -> bool:
    """Of the command that was sent last; a server that ends may hang up."""
    try:
        return bool(json.loads(connection.getresponse().read()).get("ok"))
    except ConnectionError:
        return False


def declared_once_its_lease_is_over(settings: Settings, connection: psycopg.Connection) -> int:
    """The position of the declaration. A renewal that was under way may still come."""
    found: list[int] = []

    def is_declared() -> bool:
        connection.execute("UPDATE signalbox.leases SET renewed_at = 1")
        try:
            found.append(declare(settings, "17").position)
        except CannotDeclareError as refused:
            if refused.code != "server_lives":
                raise
        return bool(found)

    until(is_declared)
    return found[0]


def declare_once_it_lives(settings: Settings) -> None:
    """Its first beat comes a moment after it was announced; the keys are there all the while."""
    for _ in range(int(SECONDS_MAX * 10)):
        try:
            declare(settings, "17")
        except CannotDeclareError as refused:
            if refused.code != "keys_there":
                raise
