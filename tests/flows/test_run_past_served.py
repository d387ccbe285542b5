"""What a run did, through GraphQL: who worked for it, what it cost, what is different, and all that happened."""

import asyncio
from pathlib import Path
from typing import Any

from tests.support.waiting import soon
from tests.support.whole_server import Caller, WholeServer, whole_server

PAGED = "first: $first, cursor: $cursor, after: $after"
DECLARED = "$id: ID!, $first: Int!, $cursor: String, $after: Position"
PAGE = "position stale pageInfo { hasNextPage endCursor }"
ATTEMPTS = f"""query({DECLARED}, $session: String) {{ page: runAttempts(id: $id, session: $session, {PAGED}) {{
  {PAGE} edges {{ cursor node {{ runId place generation purpose sessionId attempt endedAt how }} }} }} }}"""
COSTS = f"""query({DECLARED}) {{ page: runCosts(id: $id, {PAGED}) {{
  {PAGE} edges {{ cursor node {{ runId depth place taskId generation purpose status spent }} }} }} }}"""
DIFFERENCES = f"""query({DECLARED}, $other: ID, $since: Point, $at: Point) {{
  page: runDifferences(id: $id, other: $other, since: $since, at: $at, {PAGED}) {{
  {PAGE} edges {{ cursor node {{ place name before after }} }} }} }}"""
EVENTS = f"""query({DECLARED}) {{ page: runEvents(id: $id, {PAGED}) {{
  {PAGE} edges {{ cursor node {{ position stream version type }} }} }} }}"""
INNER: list[dict[str, Any]] = [
    {"kind": "work", "key": "try", "work": {"task": {"title": "Try"}, "undo": {"task": {"title": "Take it back"}}}}
]
LIFE = {"projects": ["shop"], "ttl_seconds": 600}
"""Nobody is called lost while a busy machine is at it."""
NEEDS = [{"phase": "make"}, {"phase": "inside"}]
OUTER: list[dict[str, Any]] = [
    {"kind": "work", "key": "make", "work": {"task": {"title": "Make"}, "effect": "pure"}},
    {"kind": "pipeline", "key": "inside", "call": {"pipeline": "inner"}},
    {"kind": "gate", "key": "ask", "needs": NEEDS, "gate": {"gate_class": "merge", "question": "So?"}},
]


async def works(owner: Caller, session: str, task: str, tokens: int) -> None:
    """Somebody takes a task by its key, gives it back, takes it once more, and says what that cost."""
    life = {"project": "shop", "task": task, "session": session, "incarnation": 1}
    given_back = (await owner.done("claim_task", **life))["token"]
    await owner.done("release_task", project="shop", task=task, token=given_back)
    token = (await owner.done("claim_task", **life))["token"]
    await owner.done("complete_task", project="shop", task=task, token=token, usage={"output_tokens": tokens})


async def pages(caller: Caller, query: str, after: int, first: int = 200, **said: object) -> list[dict[str, Any]]:
    """Everything that a question is answered with, page by page."""
    found: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        content = await caller.ask(query, first=first, cursor=cursor, after=after, **said)
        assert "errors" not in content, content
        page = content["data"]["page"]
        assert not page["stale"]
        assert len(page["edges"]) <= first
        found += [edge["node"] for edge in page["edges"]]
        cursor = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            return found
        assert cursor == page["edges"][-1]["cursor"]


async def ran(server: WholeServer, sessions: tuple[str, str]) -> tuple[str, str, str]:
    """A run that did a phase twice, the one inside of it, and the one that took that back."""
    owner = server.owner
    for name, phases in (("inner", INNER), ("outer", OUTER)):
        await owner.done("publish_definition", project="shop", definition={"name": name, "phases": phases})
    run = (await owner.done("start_run", project="shop", pipeline="outer"))["run"]
    await works(owner, sessions[0], f"{run}/make", 1)
    inside = await soon(begun_by(server, run, 1))
    await works(owner, sessions[1], f"{inside}/try", 300)
    await owner.done("rework_phases", project="shop", run=run, phases=["make"], reason="it was too little")
    await works(owner, sessions[0], f"{run}/make@2", 4_000)
    await owner.done("rollback_run", project="shop", run=run, reason="it is bad", grace_seconds=0)
    back = await soon(begun_by(server, run, 2))
    await works(owner, sessions[0], f"{back}/try+undo1", 50_000)
    await soon(has_ended(server, run))
    return run, inside, back


async def begun_by(server: WholeServer, run: str, number: int) -> str:
    """The run of that number that a run began, once it is there."""
    query = (
        "query($id: String!, $after: Position) { runs(where: {parent: $id}, after: $after) { edges { node { id } } } }"
    )
    while True:
        content = await server.owner.ask(query, id=run, after=server.head)
        found: list[str] = [edge["node"]["id"] for edge in reversed(content["data"]["runs"]["edges"])]
        if len(found) >= number:
            return found[number - 1]
        await asyncio.sleep(0.02)


async def has_ended(server: WholeServer, run: str) -> None:
    query = "query($id: ID!, $after: Position) { run(id: $id, after: $after) { run { settledAt } } }"
    while True:
        content = await server.owner.ask(query, id=run, after=server.head)
        if content["data"]["run"]["run"]["settledAt"] is not None:
            return
        await asyncio.sleep(0.02)


async def test_a_run_tells_who_worked_what_it_cost_what_is_different_and_what_happened(tmp_path: Path) -> None:
    async with whole_server(tmp_path) as server:
        owner = server.owner
        await owner.done("create_project", name="shop", lock_delay_seconds=0)
        one, two = [(await owner.done("open_session", **LIFE))["session"] for _ in range(2)]
        run, inside, back = await ran(server, (one, two))
        await server.in_order()
        at = server.head

        attempts = await pages(owner, ATTEMPTS, at, first=2, id=run)
        assert [(a["runId"], a["place"], a["generation"], a["purpose"], a["how"]) for a in attempts] == [
            (*one, how)
            for one in (
                (run, "make", 1, "WORK"),
                (inside, "try", 1, "WORK"),
                (run, "make", 2, "WORK"),
                (back, "try", 1, "UNDO"),
            )
            for how in ("released", "completed")
        ]
        assert [a["attempt"] for a in await pages(owner, ATTEMPTS, at, id=run, session=two)] == [1, 2]

        costs = await pages(owner, COSTS, at, first=3, id=run)
        whole = [c for c in costs if c["taskId"] is None]
        assert [
            (c["runId"], c["depth"], c["spent"].get("tokens", 0)) for c in whole if c["runId"] in (run, inside)
        ] == [
            (run, 0, 54_301),
            (inside, 1, 300),
        ]
        tasks = [(c["place"], c["generation"], c["purpose"], c["spent"]["tokens"]) for c in costs if c["spent"]]
        assert [one for one in tasks if one[1] is not None] == [
            ("make", 1, "WORK", 1),
            ("make", 2, "WORK", 4_000),
            ("try", 1, "WORK", 300),
            ("try", 1, "UNDO", 50_000),
        ]

        changes = await pages(owner, DIFFERENCES, at, first=1, id=run)
        assert {"place": "make", "name": "generation", "before": 1, "after": 2} in changes
        assert changes == await pages(owner, DIFFERENCES, at, id=run, since=f"{run}@1")
        beside = await pages(owner, DIFFERENCES, at, id=inside, other=run)
        assert {"place": "", "name": "pipeline", "before": "inner", "after": "outer"} in beside
        assert {"place": "try", "name": "status", "before": "succeeded", "after": None} in beside
        assert await pages(owner, DIFFERENCES, at, id=run, since="now") == []

        events = await pages(owner, EVENTS, at, first=7, id=run)
        assert events == await pages(owner, EVENTS, at, id=run)
        places = [(e["stream"], e["version"]) for e in events]
        assert len(set(places)) == len(places)
        assert {run, inside, back} <= {stream for stream, _ in places}
        head = await server.services.events.page(after=0, limit=1_000)
        whose = tuple(stream for stream, version in places if version == 1)
        told = sorted(e["position"] for e in events if e["position"] <= at)
        assert told == [e.position for e in head if e.stream in whose and e.position <= at]


async def test_what_a_run_did_is_told_to_whoever_may_read_it(tmp_path: Path) -> None:
    async with whole_server(tmp_path) as server:
        owner = server.owner
        for name in ("shop", "other"):
            await owner.done("create_project", name=name, lock_delay_seconds=0)
        await owner.done("publish_definition", project="shop", definition={"name": "inner", "phases": INNER})
        run = (await owner.done("start_run", project="shop", pipeline="inner"))["run"]
        stranger, worker = await server.caller("operator", "other"), await server.caller("worker", "shop")
        await server.in_order()
        at = server.head
        for query in (ATTEMPTS, COSTS, EVENTS):
            for name in (run, "run_01m8hfzqp6frx878y1yq9906z5"):
                assert await pages(stranger, query, at, id=name) == []
        for said in ({"id": run}, {"id": run, "since": "now"}, {"id": "run_01m8hfzqp6frx878y1yq9906z5"}):
            content = await stranger.ask(DIFFERENCES, first=1, after=at, **said)
            assert content["errors"][0]["extensions"]["code"] == "unknown_thing"
        assert len(await pages(worker, COSTS, at, id=run)) == 2
        for query in (ATTEMPTS, EVENTS):
            content = await worker.ask(query, first=1, after=at, id=run)
            assert content["errors"][0]["extensions"]["code"] == "not_permitted"
        for query in (ATTEMPTS, COSTS, EVENTS, DIFFERENCES):
            content = await owner.ask(query, first=1, after=at, id=run, cursor="nowhere")
            assert content["errors"][0]["extensions"]["code"] == "cursor_unreadable"
