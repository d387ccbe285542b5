"""A holder is never refused by its own lease, whichever door it comes through and however it asks (locks.md 5)."""

import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.support.whole_server import Caller, WholeServer, whole_server

Fields = dict[str, Any]
Ask = Callable[[Caller, Fields], Awaitable[Fields]]
OF_THE_ATTEMPT: Mapping[str, tuple[str, ...]] = {
    "the very claim": ("path:r//src/**",),
    "less": ("path:r//src/core/a",),
    "a pattern within": ("path:r//src/*.py",),
    "the folder": ("path:r//src",),
    "within and beside": ("path:r//src/a", "path:r//docs/a"),
    "more": ("path:r//**/a",),
    "on one branch": ("path:r@main//src/a",),
}
OF_THE_SESSION = {"its own": ("name:db/migrations",), "below its own": ("name:db/migrations/7", "path:r//src/b")}
MODES = ("intent", "shared", "update", "exclusive")
WAITS = ("none", "preview", "queue")


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[WholeServer]:
    async with whole_server(tmp_path) as running:
        yield running


async def over_http(caller: Caller, fields: Fields) -> Fields:
    told: Fields = (await caller.command("acquire_locks", fields)).content
    return told


async def over_graphql(caller: Caller, fields: Fields) -> Fields:
    claims = [{"claim": one["claim"], "mode": one["mode"].upper()} for one in fields["claims"]]
    query = (
        "mutation($input: AcquireLocksInput!) { told: acquireLocks(input: $input)"
        " { ... on LockAnswer { outcome token } ... on Rejected { code kind message } } }"
    )
    answer = await caller.ask(query, input={**fields, "claims": claims, "wait": fields["wait"].upper()})
    told: Fields = answer["data"]["told"]
    return {"ok": False, "error": told} if "code" in told else {"ok": True, "answer": told}


@pytest.mark.parametrize("ask", [over_http, over_graphql])
async def test_by_no_shape_of_request(server: WholeServer, ask: Ask) -> None:
    owner = server.owner
    await owner.done("create_project", name="shop")
    tasks = [{"key": "work", "title": "Work", "scope": [{"claim": "path:r//src/**"}]}]
    await owner.done("apply_plan", project="shop", tasks=tasks)
    parent = (await owner.done("open_session", projects=["shop"], ttl_seconds=3_600))["session"]
    child = await owner.done("open_session", projects=["shop"], ttl_seconds=3_600, parent=parent)
    life = {"project": "shop", "session": parent, "incarnation": 1}
    own = await owner.done("acquire_locks", **life, claims=[{"claim": one} for one in OF_THE_SESSION["its own"]])
    below = {**life, "session": child["session"]}
    asked = {**below, "claims": [{"claim": "name:db/migrations/7", "mode": "exclusive"}], "wait": "none"}
    told = await ask(owner, asked)
    assert told["ok"], told
    await owner.done("release_locks", **below, token=told["answer"]["token"])
    # A task whose scope lies in what the session holds itself is no conflict either.
    token = (await owner.done("claim_task", task="work", **life))["token"]
    refused: list[object] = []
    shapes = itertools.product({**OF_THE_ATTEMPT, **OF_THE_SESSION}.items(), MODES, WAITS)
    for (shape, claims), mode, wait in shapes:
        asked = {**life, "claims": [{"claim": one, "mode": mode} for one in claims], "wait": wait}
        told = await ask(owner, asked)
        answer = told.get("answer", {})
        if str(answer.get("outcome")).lower() not in ("granted", "held", "possible"):
            refused.append((shape, mode, wait, told))
    assert refused == []
    checked = await owner.done("check_locks", **life, token=token, resources=["path:r//src/a", "name:db/migrations"])
    assert [one["state"] for one in checked["resources"]] == ["covered", "covered"]
    assert own["token"] != token


async def test_somebody_else_is(server: WholeServer) -> None:
    """The shapes above would pass anybody where the locks were not held at all."""
    owner = server.owner
    await owner.done("create_project", name="shop")
    lives = [(await owner.done("open_session", projects=["shop"], ttl_seconds=3_600))["session"] for _ in range(2)]
    one, two = ({"project": "shop", "session": life, "incarnation": 1} for life in lives)
    await owner.done("acquire_locks", **one, claims=[{"claim": "path:r//src/**"}])
    for ask in (over_http, over_graphql):
        for claims in OF_THE_ATTEMPT.values():
            asked = {**two, "claims": [{"claim": each, "mode": "exclusive"} for each in claims], "wait": "none"}
            assert (await ask(owner, asked))["error"]["code"] == "lock_conflict", claims
