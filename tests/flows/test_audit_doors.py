"""The doors of the ledger: who may read what of it, and that refused commands that matter stand in it."""

import base64
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from infrastructure.bundle.jsonl import read_line
from infrastructure.ledger.signing import verified
from projections.audit_ledger.leaf import leaf_hash
from projections.audit_ledger.note import read_checkpoint, read_key, read_note
from tests.support import rfc6962
from tests.support.whole_server import Caller, Told, WholeServer, whole_server


@dataclass(frozen=True)
class Audited:
    """A server with two projects and their people."""

    server: WholeServer
    callers: dict[str, Caller]

    async def get(self, who: str, door: str, **query: object) -> Told:
        caller = self.callers[who]
        text = "&".join(f"{name}={value}" for name, value in query.items())
        return await caller.send(b"", f"/v1/audit/{door}", "GET", text)

    async def post(self, who: str, door: str, **fields: object) -> Told:
        return await self.callers[who].send(json.dumps(fields).encode(), f"/v1/audit/{door}")

    async def rows(self, who: str, **query: object) -> tuple[list[Any], int]:
        told = await self.get(who, "events", **query)
        assert told.status == 200, told.body
        *lines, last = told.body.splitlines(keepends=True)
        return [read_line(line).row for line in lines], json.loads(last)["position"]


@pytest.fixture
async def audited(tmp_path: Path) -> AsyncIterator[Audited]:
    async with whole_server(tmp_path) as server:
        for name in ("shop", "bank"):
            await server.owner.done("create_project", name=name)
            await server.owner.done("create_task", project=name, task={"key": "one", "title": name})
        callers = {"owner": server.owner}
        for role in ("admin", "operator", "viewer", "worker"):
            callers[role] = await server.caller(role, *(("shop", "bank") if role == "worker" else ()))
        callers["shopkeeper"] = await server.caller("operator", "shop")
        yield Audited(server, callers)


GETS: dict[str, dict[str, object]] = {
    "checkpoints": {},
    "keys": {},
    "hashes": {},
    "proof": {"event": "@1"},
    "consistency": {"old": 1, "new": 2},
    "events": {},
    "kept": {},
    "lost": {},
    "bases": {},
}
POSTS: dict[str, dict[str, object]] = {"checkpoint": {}, "statement": {"first": 1, "last": 2}}


async def test_only_those_who_watch_over_it_read_the_ledger(audited: Audited) -> None:
    for door, query in GETS.items():
        for role in ("admin", "operator", "owner"):
            assert (await audited.get(role, door, **query)).status == 200, (role, door)
        for role in ("viewer", "worker"):
            assert (await audited.get(role, door, **query)).code == "not_permitted", (role, door)
    for door, fields in POSTS.items():
        for role in ("admin", "operator", "owner"):
            assert (await audited.post(role, door, **fields)).status == 200, (role, door)
        for role in ("viewer", "worker"):
            assert (await audited.post(role, door, **fields)).code == "not_permitted", (role, door)


async def test_what_is_no_id_of_a_stream_ends_no_verification(audited: Audited) -> None:
    assert (await audited.get("owner", "bases", after="~%C3%A9")).content == {"bases": []}
    assert (await audited.get("owner", "bases", after="%00")).code == "invalid_request"


async def test_only_administrators_rotate_keys(audited: Audited) -> None:
    for role in ("operator", "viewer", "worker", "shopkeeper"):
        assert (await audited.post(role, "rotate", overlap_seconds=60)).code == "not_permitted"
    keys = (await audited.post("admin", "rotate", overlap_seconds=60)).content["keys"]
    assert len(keys) == 2
    note = read_note((await audited.post("owner", "checkpoint")).content["checkpoint"]["note"])
    assert len(verified(note, [read_key(one["key"]) for one in keys])) == 2


async def test_whoever_serves_one_project_exports_only_its_events(audited: Audited) -> None:
    for everything_at in ("events", "kept", "lost", "bases"):
        assert (await audited.get("shopkeeper", everything_at)).code == "not_permitted"
    foreign = await audited.get("shopkeeper", "events", project="bank")
    absent = await audited.get("shopkeeper", "events", project="none")
    assert foreign.body.replace(b"bank", b"none") == absent.body
    rows, position = await audited.rows("shopkeeper", project="shop")
    assert {row.project for row in rows} == {rows[0].project}
    assert position == audited.server.head
    everything, _ = await audited.rows("owner")
    bank = next(row for row in everything if row.project not in ("fleet", rows[0].project))
    named = f"{bank.stream}@{bank.version}"
    assert (await audited.get("operator", "proof", event=named)).status == 200
    assert (await audited.get("shopkeeper", "proof", event=named)).code == "unknown_thing"
    assert (await audited.get("shopkeeper", "proof", event=f"{rows[0].stream}@1")).status == 200


async def test_proofs_of_the_doors_convince_an_independent_verifier(audited: Audited) -> None:
    signed = (await audited.post("operator", "checkpoint")).content["checkpoint"]
    rows, position = await audited.rows("operator")
    size = signed["size"]
    assert size <= position == len(rows)
    leaves = [leaf_hash(row) for row in rows[:size]]
    keys = [read_key(one["key"]) for one in (await audited.get("operator", "keys")).content["keys"]]
    note = read_note(signed["note"])
    checkpoint = read_checkpoint(note.text)
    assert verified(note, keys)
    assert checkpoint.root == rfc6962.tree_hash(leaves)
    for event in (1, size // 2, size):
        proof = (await audited.get("operator", "proof", event=event, size=size)).content
        path = [base64.b64decode(one) for one in proof["path"]]
        assert base64.b64decode(proof["leaf"]) == leaves[event - 1]
        assert rfc6962.root_of_path(event - 1, size, leaves[event - 1], path) == checkpoint.root
    old = size // 2
    proof = (await audited.get("operator", "consistency", old=old, new=size)).content
    path = [base64.b64decode(one) for one in proof["path"]]
    roots = rfc6962.roots_of_proof(old, size, path, rfc6962.tree_hash(leaves[:old]))
    assert roots == (rfc6962.tree_hash(leaves[:old]), checkpoint.root)
    hashes = (await audited.get("operator", "hashes", count=256)).body
    assert hashes[: size * 32] == b"".join(leaves)


async def test_a_command_refused_to_somebody_is_a_leaf(audited: Audited) -> None:
    """Authorisation, and a stale fencing token: what the roles and the tokens keep out is on record."""
    told = await audited.callers["worker"].command("freeze_project", {"project": "shop"})
    assert told.code == "not_permitted"
    session = await audited.callers["worker"].done("open_session", projects=["shop"])
    late = {"session": session["session"], "incarnation": 1, "project": "shop", "token": "1", "task": "one"}
    fenced = await audited.callers["worker"].command("complete_task", late)
    assert fenced.status >= 400
    await audited.server.edge.settle()
    rows, _ = await audited.rows("owner")
    refused = [json.loads(row.state) for row in rows if row.type == "command.refused.v1"]
    assert {"freeze_project"} <= {one["command"] for one in refused}
    row = next(row for row in rows if row.type == "command.refused.v1")
    proof = (await audited.get("owner", "proof", event=f"{row.stream}@{row.version}")).content
    assert base64.b64decode(proof["leaf"]) == leaf_hash(row)


ASKED = """query($event: String!, $size: Position, $old: Position!, $new: Position!) { ledger {
latest { size at note } checkpoints(first: 3) { size } keys { key since until }
inclusion(event: $event, size: $size) { position leafIndex leaf path checkpoint { size note } }
consistency(old: $old, new: $new) { oldRoot newRoot path } } }"""


async def test_graphql_gives_the_same_proofs_under_the_same_rights(audited: Audited) -> None:
    size = (await audited.post("operator", "checkpoint")).content["checkpoint"]["size"]
    variables = {"event": "@3", "size": size, "old": 2, "new": size}
    told = (await audited.callers["operator"].ask(ASKED, **variables))["data"]["ledger"]
    proof = (await audited.get("operator", "proof", event="@3", size=size)).content
    assert (told["inclusion"]["leaf"], told["inclusion"]["path"]) == (proof["leaf"], proof["path"])
    assert told["inclusion"]["checkpoint"]["note"] == proof["checkpoint"]["note"]
    consistency = (await audited.get("operator", "consistency", old=2, new=size)).content
    assert told["consistency"]["path"] == consistency["path"]
    assert told["keys"] == (await audited.get("operator", "keys")).content["keys"]
    assert told["latest"]["size"] >= told["checkpoints"][0]["size"] > 0
    for role in ("viewer", "worker"):
        refused = await audited.callers[role].ask(ASKED, **variables)
        assert refused["errors"][0]["extensions"]["code"] == "not_permitted", role
    for change in ({"event": "@999999"}, {"event": "nonsense"}, {"new": 99_999}):
        refused = await audited.callers["operator"].ask(ASKED, **(variables | change))
        assert refused["errors"][0]["extensions"]["code"] == "unknown_thing", change


BAD: tuple[tuple[str, dict[str, object]], ...] = (
    ("proof", {}),
    ("proof", {"event": "x" * 101}),
    ("consistency", {"old": 0, "new": 1}),
    ("hashes", {"count": 257}),
    ("events", {"limit": 5_001}),
    ("lost", {"limit": 5_001}),
    ("checkpoints", {"size": -1}),
    ("checkpoints", {"other": 1}),
)


async def test_bad_questions_are_refused_in_words(audited: Audited) -> None:
    for door, query in BAD:
        assert (await audited.get("owner", door, **query)).code == "invalid_request", (door, query)
    for event in ("@999999", "task_00000000000000000000000000@1", "nonsense", "0", "@-1", "1@1"):
        assert (await audited.get("owner", "proof", event=event)).code == "unknown_thing", event
    assert (await audited.get("owner", "consistency", old=5, new=99_999)).code == "unknown_thing"
    assert (await audited.get("owner", "proof", event="@1", size=99_999)).code == "unknown_thing"
    assert (await audited.post("owner", "rotate", overlap_seconds=-1)).code == "invalid_request"
    assert (await audited.post("owner", "statement", first=0, last=1)).code == "invalid_request"
    assert (await audited.post("owner", "statement", first=1, last=1, more=1)).code == "invalid_request"
