"""The keys of what was said are gone for good: that is declared, and the log goes on with others."""

import asyncio
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
from tests.support.waiting import SECONDS_MAX
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


def declare_once_it_lives(settings: Settings) -> None:
    """Its first beat comes a moment after it was announced; the keys are there all the while."""
    for _ in range(int(SECONDS_MAX * 10)):
        try:
            declare(settings, "17")
        except CannotDeclareError as refused:
            if refused.code != "keys_there":
                raise
