"""Archiving on a whole server: work goes on across the boundary, and everything is told as before, or where it is."""

import asyncio
import json
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from api.cli import archive_commands
from api.cli.terminal import Terminal
from infrastructure.bundle.reader import Bundle
from infrastructure.bundle.verify_bundle import verify_bundle
from projections.audit_ledger.note import read_key
from projections.audit_ledger.verdicts import Verdict
from signalbox.client.fields import objects
from tests.flows.test_erasure import (
    KEPT,
    PROPOSAL_WORDS,
    SESSION_WORDS,
    WORDS,
    carried_out,
    found_in,
    found_in_tables,
    read,
    told,
    told_of_proposal,
    told_of_session,
)
from tests.support.command_line import CommandLine, end
from tests.support.waiting import SECONDS_MAX, happens, until
from tests.support.whole_server import Caller, Told, WholeServer, whole_server

TASKS = 60
AT_ONCE = {"archive_age_days_min": 0.0}


async def archives(server: WholeServer) -> Any:
    """What is archived, and what is under way."""
    return (await server.owner.send(b"", "/v1/audit/archives", "GET")).content


async def asked(caller: Caller, point: str) -> Told:
    return await caller.send(json.dumps({"until": point}).encode(), "/v1/audit/archive")


async def archived(server: WholeServer) -> Any:
    """Archive everything that there is, once all who follow the log have seen it; answers the ranges."""
    async with asyncio.timeout(SECONDS_MAX):
        while True:
            signed = (await server.owner.send(b"{}", "/v1/audit/checkpoint")).content["checkpoint"]["size"]
            answer = await asked(server.owner, f"@{signed}")
            if answer.status == 200:
                break
            assert answer.code == "range_not_closed", answer.body
            await asyncio.sleep(0.02)
        while True:
            now = await archives(server)
            assert not now["trouble"], now
            if now["under_way"] is None and all(one["pruned"] for one in now["archives"]):
                break
            await asyncio.sleep(0.02)
    assert now["archives"][-1]["last"] == signed
    return now["archives"]


@pytest.mark.parametrize("store", ["sqlite", "postgres"])
async def test_work_goes_on_across_the_boundary(store: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    url = request.getfixturevalue("postgres_url") if store == "postgres" else store
    words = (*WORDS, *SESSION_WORDS, *PROPOSAL_WORDS)
    async with whole_server(tmp_path, url, **AT_ONCE) as server:
        task, old = await told(server), await told_of_session(server)
        subjects = [task, old, await told_of_proposal(server)]
        owner = server.owner
        session = await owner.done("open_session", projects=["shop"], ttl_seconds=600)
        life = {"project": "shop", "session": session["session"], "incarnation": session["incarnation"]}
        claimed = await owner.done("claim_task", **life, task="two")
        seen = await read(server, old, after=server.head)
        events = (await owner.send(b"", "/v1/events", "GET", "limit=500")).content["events"]
        (first,) = await archived(server)
    # A process that remembers nothing goes on with a claim that began in what is archived.
    async with whole_server(tmp_path, url, **AT_ONCE) as server:
        owner = server.owner
        assert await read(server, old, after=server.head) == seen
        again = (await owner.send(b"", "/v1/events", "GET", "limit=500")).content["events"]
        assert again[: len(events)] == events
        report = {"project": "shop", "task": "two", "token": claimed["token"]}
        await owner.done("report_progress", **report, note="half")
        await owner.done("complete_task", **report, summary="all of it")
        await archived(server)
        for subject in subjects:
            erased = await owner.done("erase_subject", project="shop", subject=subject, reason="17")
            assert (erased["subject"], erased["erased"]) == (subject, True)
        await carried_out(server)
        said = await read(server, old, after=server.head)
        assert not [word for word in words if word in said]
        if store == "postgres":
            assert found_in_tables(url, (*words, KEPT)) == {KEPT}
        proof = (await owner.send(b"", "/v1/audit/proof", "GET", "event=@3")).content
        assert proof["position"] == 3
    assert found_in(tmp_path, (*words, KEPT)) == ({KEPT} if store == "sqlite" else set())
    keys = [read_key(line) for line in (tmp_path / "ledger-keys" / "public.txt").read_text().splitlines()]
    report_on = verify_bundle(Bundle(tmp_path / "archives" / first["name"]), keys)
    assert (report_on.verdict, report_on.events) == (Verdict.INTACT, first["last"])


async def test_only_administrators_archive_and_only_what_is_closed(tmp_path: Path) -> None:
    async with whole_server(tmp_path, "sqlite") as server:
        await server.owner.done("create_project", name="shop")
        for role in ("operator", "viewer", "worker"):
            caller = await server.caller(role, "shop")
            assert (await asked(caller, "@1")).code == "not_permitted", role
        assert (await asked(server.owner, "@1")).error["data"]["reason"] == "it is younger than 30 days"
        assert (await asked(server.owner, "@9999")).code == "point_not_reached"
        assert (await asked(server.owner, "yesterday, about noon")).code == "point_not_readable"
        assert (await asked(server.owner, "shop/mark")).code == "point_not_readable"
        assert (await asked(server.owner, "")).code == "invalid_request"
        assert (await archives(server))["archives"] == []


async def test_without_its_bundle_what_is_archived_says_where_it_is(tmp_path: Path) -> None:
    async with whole_server(tmp_path, "sqlite", **AT_ONCE) as server:
        await told(server)
        (first,) = await archived(server)
        await server.owner.done("create_task", project="shop", task={"key": "later", "title": "Later"})
        (tmp_path / "archives").rename(tmp_path / "elsewhere")
        refused = await server.owner.send(b"", "/v1/events", "GET", "after=0")
        assert (refused.status, refused.code) == (410, "events_in_bundle")
        assert refused.error["data"]["bundle"] == first["name"]
        event = await server.owner.ask('{ events(project: "shop", first: 1) { edges { node { position } } } }')
        assert event["errors"][0]["extensions"]["code"] == "events_in_bundle"
        behind = await server.owner.send(b"", "/v1/events", "GET", f"after={first['last']}")
        assert behind.status == 200
        assert "Later" in await read_after(server)
        assert not (await archives(server))["archives"][0]["here"]
    # Nor does a server need it to start, and to go on with tasks of before.
    async with whole_server(tmp_path, "sqlite", **AT_ONCE) as server:
        session = await server.owner.done("open_session", projects=["shop"])
        life = {"project": "shop", "session": session["session"], "incarnation": session["incarnation"]}
        claimed = await server.owner.done("claim_task", **life, task="two")
        await server.owner.done("complete_task", project="shop", task="two", token=claimed["token"], summary="done")
        assert "Later" in await read_after(server)


def _damaged(bundle: Path) -> None:
    (bundle / "tiles" / "000000000001.hashes").write_bytes(b"")


@pytest.mark.parametrize(
    ("spoil", "words"), [(_damaged, "it cannot be used"), (shutil.rmtree, "waits: the node that has")]
)
async def test_a_range_that_cannot_be_pruned_is_warned_of(
    spoil: Callable[[Path], None], words: str, tmp_path: Path
) -> None:
    async with whole_server(tmp_path, "sqlite", **AT_ONCE) as server:
        await told(server)
        await archived(server)
        later = server.head
    with sqlite3.connect(tmp_path / "signalbox.db") as changing:
        changing.execute("UPDATE archives SET pruned = 0")
    changing.close()
    (bundle,) = (tmp_path / "archives").glob("0*")
    spoil(bundle)
    async with whole_server(tmp_path, "sqlite", **AT_ONCE) as server:
        await happens(
            lambda: any("archive: " in one and words in one for one in server.services.health.health().warnings)
        )
        assert server.head >= later


def test_who_stays_for_a_range_that_waits_is_told_for_what_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(archive_commands, "LOOK_SECONDS", 0)
    looks = 3 * archive_commands.PATIENCE_LOOKS
    one = {"first": 1, "last": 9}
    waiting = {**one, "step": "waits", "done": 0, "waits_for": "the node that has the bundle far"}
    begun = {"until": 9, "archives": [{**one, "pruned": False}], "folder": "here", "under_way": waiting, "trouble": ""}
    answers = [*[begun] * looks, {**begun, "archives": [{**one, "pruned": True}], "under_way": None}]
    terminal = Terminal(server_url=None, api_key=None, data_folder=None, as_json=False)
    monkeypatch.setattr(Terminal, "client", SimpleNamespace(ask=lambda _request: answers.pop(0)))
    archive_commands.archive(terminal, "@9")
    told = capsys.readouterr()
    assert told.err.splitlines() == ["waits: the node that has the bundle far"]
    assert "@1 to @9 is archived in 1 bundle" in told.out


def test_what_is_on_no_record_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    left = [{"name": "one", "whole": True}, {"name": "two", "whole": False}]
    answer = {"archives": [], "folder": "here", "under_way": None, "trouble": "", "leftovers": left}
    terminal = Terminal(server_url=None, api_key=None, data_folder=None, as_json=False)
    monkeypatch.setattr(Terminal, "client", SimpleNamespace(ask=lambda _request: answer))
    archive_commands.archives(terminal)
    whole, begun = (line for line in capsys.readouterr().err.splitlines() if "not on record" in line)
    assert "one, a finished bundle: it is taken when" in whole
    assert "two, begun and not finished: gone on with" in begun


async def read_after(server: WholeServer) -> str:
    return await read(server, after=server.head)


def test_a_server_that_is_killed_while_it_archives_ends_it_when_it_is_back(tmp_path: Path) -> None:
    cli = CommandLine(tmp_path, {"SIGNALBOX_ARCHIVE_AGE_DAYS_MIN": "0"})
    server = cli.serve()
    try:
        plan = "\n".join(("project: shop", "tasks:", *(f"  - {{key: t{n}, title: Title {n}}}" for n in range(TASKS))))
        (tmp_path / "plan.yaml").write_text(plan)
        cli("plan", "apply", "plan.yaml")
        head = cli("audit", "checkpoint", "--json").json["size"]
        until(lambda: cli("status", "--json").json["projected"] >= head)
        cli("audit", "archive", "--until", f"@{head}", "--no-wait")
    finally:
        server.kill()
        server.wait(SECONDS_MAX)
    server = cli.serve()
    try:
        done = cli("audit", "archive", "--until", f"@{head}", "--json").json
        archives = objects(done, "archives")
        assert archives
        assert all(one["pruned"] for one in archives)
        assert len(cli("task", "list", "--json").json["tasks"]) == TASKS
        live = cli("audit", "verify", "--live", "--json").json
        assert (live["verdict"], live["archived"]) == ("intact", 0)
        assert int(str(live["bases"])) > TASKS, "what each stream had come to is folded anew"
        database = tmp_path / ".signalbox" / "signalbox.db"
        with sqlite3.connect(database, timeout=SECONDS_MAX) as changing:
            named = "SELECT stream FROM base_states WHERE stream LIKE 'task_%' LIMIT 1"
            (stream, state) = changing.execute(
                f"UPDATE base_states SET state = CAST(replace(state, '\"priority\":', '\"priority\":1') AS BLOB)"
                f" WHERE stream = ({named}) RETURNING stream, state"
            ).fetchone()
        (finding,) = objects(cli("audit", "verify", "--live", "--json", code=1).json, "findings")
        assert (finding["verdict"], f"{stream}@" in str(finding["words"])) == ("altered", True)
        with sqlite3.connect(database, timeout=SECONDS_MAX) as changing:
            state = state.replace(b'"priority":1', b'"priority":', 1)
            changing.execute("UPDATE base_states SET state = ? WHERE stream = ?", (state, stream))
        changing.close()
        assert "pruned" in cli("audit", "archives").out
        again = cli("replay", "redecide", "--json").json
        assert (again["different"], again["not_decidable"]) == (0, 0)
        shutil.rmtree(tmp_path / ".signalbox" / "archives")
        live = cli("audit", "verify", "--live", "--json").json
        assert (live["verdict"], live["archived"]) == ("intact", head)
        assert live["kept"] >= TASKS, "the last event of each"
        assert cli("replay", "redecide", "--json", code=1).json["error"]["code"] == "events_in_bundle"
        with sqlite3.connect(tmp_path / ".signalbox" / "signalbox.db", timeout=SECONDS_MAX) as changing:
            (stream, position) = changing.execute(
                "SELECT stream, position FROM base_states JOIN events USING (stream, position)"
                " WHERE stream LIKE 'task_%' AND stream NOT IN (SELECT stream FROM events WHERE position > ?)",
                (head,),
            ).fetchone()
            changing.execute("DELETE FROM events WHERE position = ?", (position,))
        changing.close()
        (finding,) = objects(cli("audit", "verify", "--live", "--json", code=1).json, "findings")
        assert (finding["verdict"], finding["position"]) == ("deleted", position)
        assert f"{stream}@" in str(finding["words"])
    finally:
        assert end(server) == 0


@pytest.mark.parametrize("shared", [True, False], ids=["one folder", "folders of their own"])
async def test_two_servers_of_one_database_archive_at_once(*, shared: bool, tmp_path: Path, postgres_url: str) -> None:
    said = {**AT_ONCE, "secret": "s" * 32, **({"archives": tmp_path / "shared"} if shared else {})}
    async with (
        whole_server(tmp_path / "one", postgres_url, **said) as one,
        whole_server(tmp_path / "other", postgres_url, **said) as other,
    ):
        await told(one)
        elsewhere = Caller(other.app, one.owner.key)
        session = await elsewhere.done("open_session", projects=["shop"])
        life = {"project": "shop", "session": session["session"], "incarnation": session["incarnation"]}
        claimed = await elsewhere.done("claim_task", **life, task="two")
        events = (await one.owner.send(b"", "/v1/events", "GET", "limit=500")).content["events"]
        first, second = await asyncio.gather(archived(one), archived(other))
        ranges = max(first, second, key=len)
        assert [found["first"] for found in ranges] == [1, *(found["last"] + 1 for found in ranges[:-1])]
        # Each knows what the other wrote, goes on with it, and refuses what comes with a token of before.
        report = {"project": "shop", "task": "two", "token": claimed["token"]}
        await one.owner.done("report_progress", **report, note="half")
        await elsewhere.done("complete_task", **report, summary="all of it")
        assert (await one.owner.command("report_progress", {**report, "note": "late"})).code
        # The refusal is told behind its answer: either may have it first.
        async with asyncio.timeout(SECONDS_MAX):
            while True:
                if await read(one, after=other.head) == await read(other, after=one.head):
                    break
                await asyncio.sleep(0.02)
        for server in (one, other):
            here = [found["here"] for found in (await archives(server))["archives"]]
            again = await server.owner.send(b"", "/v1/events", "GET", "limit=500")
            if all(here):
                assert again.content["events"][: len(events)] == events
            else:
                assert not shared
                assert again.code == "events_in_bundle"
