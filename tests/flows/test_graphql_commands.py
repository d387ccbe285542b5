"""Commands and questions over GraphQL, on a real node with SQLite."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from graphql import get_introspection_query

from api.graphql import execution
from api.ports import ServiceFault
from tests.support.graphql import Client, Installation, installed
from tests.support.waiting import soon

PLAN = """mutation($project: String!, $tasks: [PlannedTaskInput!]!, $id: String) {
  applyPlan(input: {project: $project, tasks: $tasks, commandId: $id}) {
    __typename ... on PlanApplied { ids created repeated position } ... on Rejected { code message next data } } }"""
OPEN = """mutation($project: String!) { openSession(input: {projects: [$project], capabilities: {os: "linux"}}) {
    ... on SessionLife { session incarnation } ... on Rejected { code message } } }"""
CLAIM = """mutation($project: String!, $session: String!, $wait: Float! = 0) {
  claimTask(input: {project: $project, session: $session, incarnation: 1, waitSeconds: $wait}) {
    __typename ... on Claimed { task key token position } ... on Rejected { code message next data position } } }"""
TASKS = """query($project: String, $first: Int! = 50, $cursor: String, $asOf: Position, $after: Position,
    $prefix: String) {
  tasks(where: {project: $project, keyPrefix: $prefix}, order: OLDEST_FIRST, first: $first, cursor: $cursor,
    asOf: $asOf, after: $after) {
    position stale pageInfo { hasNextPage endCursor }
    edges { cursor node { key status token needs { key satisfied task { key } } session { id attempts { task
    { key } } } } } } }"""

KEYS = """query($first: Int! = 50, $cursor: String, $after: Position, $prefix: String) {
  tasks(where: {keyPrefix: $prefix}, order: OLDEST_FIRST, first: $first, cursor: $cursor, after: $after) {
    pageInfo { hasNextPage endCursor } edges { cursor node { key } } } }"""


@pytest.fixture
async def box(tmp_path: Path) -> AsyncIterator[Installation]:
    async with installed(tmp_path) as installation:
        yield installation


async def plan(client: Client, *keys: str, project: str = "shop", **more: Any) -> Any:
    tasks = [{"key": key, "title": key} for key in keys]
    return (await client.ask(PLAN, project=project, tasks=tasks, **more))["applyPlan"]


async def opened(client: Client, project: str = "shop") -> str:
    return str((await client.ask(OPEN, project=project))["openSession"]["session"])


async def test_a_task_goes_its_way_and_each_answer_is_read_back(box: Installation) -> None:
    await box.project("shop")
    tasks = [
        {"key": "a", "title": "A"},
        {"key": "b", "title": "B", "needs": [{"task": "a"}]},
    ]
    applied = (await box.owner.ask(PLAN, project="shop", tasks=tasks))["applyPlan"]
    assert applied["created"] == 2
    session = await opened(box.owner)
    claimed = (await box.owner.ask(CLAIM, project="shop", session=session))["claimTask"]
    assert (claimed["key"], claimed["token"].isdigit()) == ("a", True)
    page = (await box.owner.ask(TASKS, project="shop", after=claimed["position"]))["tasks"]
    assert page["stale"] is False
    assert page["position"] >= claimed["position"]
    nodes = {edge["node"]["key"]: edge["node"] for edge in page["edges"]}
    assert nodes["a"]["status"] == "ASSIGNED"
    assert nodes["a"]["session"] == {"id": session, "attempts": [{"task": {"key": "a"}}]}
    assert nodes["b"]["needs"] == [{"key": "a", "satisfied": False, "task": {"key": "a"}}]
    past = (await box.owner.ask(TASKS, project="shop", asOf=applied["position"]))["tasks"]
    assert {edge["node"]["key"]: edge["node"]["status"] for edge in past["edges"]} == {"a": "READY", "b": "PENDING"}
    done = (
        'mutation($task: String!, $token: String!) { completeTask(input: {project: "shop", task: '
        "$task, token: $token, usage: {costMicrodollars: 5000000000}}) { ... on Done { position } "
        "... on Rejected { code } } }"
    )
    finished = (await box.owner.ask(done, task=claimed["task"], token=claimed["token"]))["completeTask"]
    found = await box.owner.ask(
        "query($id: ID!, $after: Position) { task(id: $id, after: $after) { task { status usage } } }",
        id=claimed["task"],
        after=finished["position"],
    )
    assert found["task"]["task"]["status"] == "COMPLETED"
    assert found["task"]["task"]["usage"]["cost_microdollars"] == 5_000_000_000


async def test_a_refusal_is_an_answer_with_advice(box: Installation) -> None:
    await box.project("shop")
    session = await opened(box.owner)
    refused = (await box.owner.ask(CLAIM, project="shop", session=session))["claimTask"]
    assert refused["__typename"] == "Rejected"
    assert refused["code"] == "nothing_ready"
    assert refused["next"]
    bad = await plan(box.owner, "not a key!")
    assert (bad["code"], bad["data"]["faults"][0]["field"]) == ("invalid_command", "tasks.0.key")


async def test_a_claim_waits_for_work(box: Installation) -> None:
    await box.project("shop")
    session = await opened(box.owner)
    waiting = asyncio.ensure_future(box.owner.ask(CLAIM, project="shop", session=session, wait=30))
    await asyncio.sleep(0.05)
    await plan(box.owner, "late")
    assert (await soon(waiting))["claimTask"]["key"] == "late"


async def test_a_command_id_is_answered_once_more(box: Installation) -> None:
    await box.project("shop")
    first = await plan(box.owner, "a", id="plan-0001")
    again = await plan(box.owner, "a", id="plan-0001")
    assert (first["repeated"], again["repeated"]) == (False, True)
    assert again["position"] == first["position"]
    assert (await plan(box.owner, "b", id="plan-0001"))["code"] == "command_id_reused"


async def test_a_key_shows_its_secret_once_and_opens_its_project_only(box: Installation) -> None:
    shop, other = await box.project("shop"), await box.project("other")
    viewer = await box.client("viewer", "shop")
    asked = "query($after: Position) { projects(after: $after) { edges { node { id } } } }"
    seen = await viewer.ask(asked, after=box.services.events.head())
    assert seen["projects"]["edges"] == [{"node": {"id": shop}}]
    foreign, absent = [await viewer.refused(TASKS, project=name) for name in ("other", "nowhere")]
    assert foreign["code"] == "unknown_thing"
    assert {**foreign, "data": 0} == {**absent, "data": 0}
    for name in (other, "other", "nowhere"):
        question = "query($name: String!) { project(name: $name) { project { id } } }"
        assert (await viewer.ask(question, name=name))["project"]["project"] is None
    applied = await plan(box.owner, "secret", project="other")
    question = "query($id: ID!, $after: Position) { task(id: $id, after: $after) { task { key } } }"
    for who, key in ((viewer, None), (box.owner, {"key": "secret"})):
        found = await who.ask(question, id=applied["ids"]["secret"], after=applied["position"])
        assert found["task"]["task"] == key
    session = await opened(box.owner, "other")
    assert (await viewer.ask("query($id: ID!) { session(id: $id) { session { id } } }", id=session))["session"][
        "session"
    ] is None
    assert (await viewer.refused("{ keys { edges { node { id } } } }"))["code"] == "not_permitted"
    assert (await viewer.refused("{ tasks { edges { node { id } } } }"))["code"] == "not_permitted"
    assert (await plan(viewer, "x"))["code"] == "not_permitted"
    keys = (await box.owner.ask("{ keys { edges { node { name role revoked projectIds } } } }"))["keys"]["edges"]
    assert {"name": "k", "role": "VIEWER", "revoked": False, "projectIds": [shop]} in [edge["node"] for edge in keys]


async def test_pages_follow_each_other_without_gap_or_repeat(box: Installation) -> None:
    await box.project("shop")
    keys = [f"api/{number:02}" for number in range(7)] + ["web/api/1", "web/2"]
    position = (await plan(box.owner, *keys))["position"]

    async def all_keys(first: int, prefix: str | None = None) -> list[str]:
        found: list[str] = []
        cursor = None
        while True:
            asked = {"first": first, "cursor": cursor, "prefix": prefix, "after": position}
            page = (await box.owner.ask(KEYS, **asked))["tasks"]
            assert len(page["edges"]) <= first
            found += [edge["node"]["key"] for edge in page["edges"]]
            cursor = page["pageInfo"]["endCursor"]
            assert page["pageInfo"]["hasNextPage"] == (cursor is not None)
            if cursor is None:
                return found

    everything = await all_keys(200)
    assert sorted(everything) == sorted(keys)
    for first in (1, 2, 9):
        assert await all_keys(first) == everything
        assert await all_keys(first, "api/") == [key for key in everything if key.startswith("api/")]
    page = (await box.owner.ask(KEYS, first=3))["tasks"]
    rest = (await box.owner.ask(KEYS, first=3, cursor=page["edges"][1]["cursor"]))["tasks"]
    assert rest["edges"][0] == page["edges"][2]
    assert (await box.owner.refused(KEYS, first=201))["code"] == "page_size_out_of_bounds"
    assert (await box.owner.refused(KEYS, cursor="nonsense"))["code"] == "cursor_unreadable"


async def test_the_log_is_read_in_pages_by_project_type_and_past(box: Installation) -> None:
    shop = await box.project("shop")
    await box.project("other")
    await plan(box.owner, "a", "b")
    question = (
        "query($first: Int!, $cursor: String, $asOf: Position, $types: [String!]) { "
        'events(project: "shop", first: $first, cursor: $cursor, asOf: $asOf, types: $types) { '
        "edges { node { position projectId type event } } pageInfo { endCursor } } }"
    )
    whole = (await box.owner.ask(question, first=100))["events"]
    assert whole["pageInfo"]["endCursor"] is None
    assert {edge["node"]["projectId"] for edge in whole["edges"]} == {shop}
    cursor, found = None, []
    while True:
        page = (await box.owner.ask(question, first=1, cursor=cursor))["events"]
        found += page["edges"]
        cursor = page["pageInfo"]["endCursor"]
        if cursor is None:
            break
    assert found == whole["edges"]
    planned = (await box.owner.ask(question, first=100, types=["task.planned.v1"]))["events"]["edges"]
    assert [edge["node"]["event"]["key"] for edge in planned] == ["a", "b"]
    early = (await box.owner.ask(question, first=100, asOf=planned[0]["node"]["position"]))["events"]["edges"]
    assert early[-1]["node"] == planned[0]["node"]


async def test_a_project_of_the_past_is_not_frozen_yet(box: Installation) -> None:
    await box.project("shop")
    frozen = await box.owner.ask('mutation { freezeProject(input: {project: "shop"}) { ... on Done { position } } }')
    position = frozen["freezeProject"]["position"]
    question = (
        'query($asOf: Position, $after: Position) { project(name: "shop", asOf: $asOf, after: '
        "$after) { stale project { frozen } } projects(asOf: $asOf, after: $after) { edges { node "
        "{ frozen } } } }"
    )
    for as_of, is_frozen in ((None, True), (position, True), (position - 1, False)):
        found = await box.owner.ask(question, asOf=as_of, after=position)
        assert found["project"] == {"stale": False, "project": {"frozen": is_frozen}}
        assert found["projects"]["edges"] == [{"node": {"frozen": is_frozen}}]


async def test_a_fault_shows_nothing_but_its_id(box: Installation) -> None:
    class Broken:
        async def ask(self, request: object, *, after: int | None = None) -> Any:
            raise RuntimeError("password=hunter2")

        def positions(self) -> dict[str, int]:
            return {}

    client = box.with_services(reads=Broken())
    status, content = await client.post(orjson.dumps({"query": "{ tasks { position } }"}))
    assert "hunter2" not in str(content)
    assert content["errors"][0]["extensions"]["code"] == "internal"
    assert content["errors"][0]["extensions"]["data"]["fault"].startswith("fault_")
    assert status == 200


async def test_a_command_without_an_answer_in_time_tells_its_id(
    box: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Stuck:
        async def execute(self, command: object, stamp: object) -> Any:
            await asyncio.Event().wait()

        claim = execute

    class Down:
        async def execute(self, command: object, stamp: object) -> Any:
            raise ServiceFault("store_unavailable", "It is down.", "Wait.")

        claim = execute

    monkeypatch.setattr(execution, "DEADLINE_SECONDS", 0.05)
    mutation = 'mutation { createProject(input: {name: "x", commandId: "my-command"}) { __typename } }'
    stuck = await box.with_services(commands=Stuck()).refused(mutation)
    assert (stuck["code"], "my-command" in stuck["next"]) == ("unknown_outcome", True)
    assert (await box.with_services(commands=Down()).refused(mutation))["code"] == "store_unavailable"


async def test_only_people_see_the_schema(box: Installation) -> None:
    await box.project("shop")
    question = get_introspection_query()
    for role in ("viewer", "operator", "admin"):
        assert "__schema" in await (await box.client(role, "shop")).ask(question)
    worker = await box.client("worker", "shop")
    for text in (
        question,
        '{ __type(name: "Task") { name } }',
        "{ ...F } fragment F on Query { __schema { types { name } } }",
    ):
        assert (await worker.refused(text))["code"] == "not_permitted"
    assert (await worker.ask("{ __typename status { principal { role } } }"))["status"]["principal"]["role"] == "WORKER"


async def test_a_worker_reads_the_timeline_of_its_own_session_only(box: Installation) -> None:
    await box.project("shop")
    worker = await box.client("worker", "shop")
    mine, other = await opened(worker), await opened(box.owner)
    head = box.services.events.head()
    question = (
        'query($session: String, $after: Position) { timeline(project: "shop", session: $session, '
        "after: $after) { position } }"
    )
    await box.owner.ask(question, after=head)
    assert (await worker.ask(question, session=mine))["timeline"]["position"] >= head
    for session in (other, None, "sess_nowhere"):
        assert (await worker.refused(question, session=session))["code"] == "not_permitted"
    assert (await worker.refused('{ events(project: "shop") { position } }'))["code"] == "not_permitted"
