"""Subscriptions to rows: each thing's latest state, resumed by position, of one's own projects only."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.graphql import Installation, Socket, installed

BOARD = (
    "subscription($project: String, $after: Position) { taskBoard(project: $project, after: $after)"
    " { position id task { key status session { name } } } }"
)
ROSTER = (
    "subscription($project: String, $after: Position) { sessionRoster(project: $project, after: $after)"
    " { position id session { name attemptsLive } } }"
)
LOCKS = (
    "subscription($project: String, $after: Position) { lockMap(project: $project, after: $after)"
    " { position id lock { token claims { claim } } } }"
)
PLAN = """mutation($project: String!, $tasks: [PlannedTaskInput!]!) {
  applyPlan(input: {project: $project, tasks: $tasks}) { __typename ... on Rejected { code message } } }"""
OPEN = """mutation($project: String!, $name: String!) {
  openSession(input: {projects: [$project], name: $name}) { ... on SessionLife { session incarnation } } }"""
CLAIM = """mutation($project: String!, $session: String!) {
  claimTask(input: {project: $project, session: $session, incarnation: 1}) {
    ... on Claimed { task token } ... on Rejected { code message } } }"""
COMPLETE = """mutation($project: String!, $task: String!, $token: String!) {
  completeTask(input: {project: $project, task: $task, token: $token}) { __typename } }"""


@pytest.fixture
async def box(tmp_path: Path) -> AsyncIterator[Installation]:
    async with installed(tmp_path) as installation:
        yield installation


async def watch(box: Installation, query: str, key: str | None = None, **variables: Any) -> Socket:
    socket = Socket(box.app)
    await socket.open(key or box.owner.key)
    socket.tell(id="one", type="subscribe", payload={"query": query, "variables": variables})
    return socket


async def told(socket: Socket, name: str) -> Any:
    message = await socket.next()
    assert message["type"] == "next", message
    return message["payload"]["data"][name]


async def told_until(socket: Socket, name: str, position: int) -> list[Any]:
    """What is told up to the change at that position."""
    found = [await told(socket, name)]
    while found[-1]["position"] < position:
        found.append(await told(socket, name))
    return found


async def work(box: Installation, project: str) -> None:
    """Two tasks are planned; one is claimed and completed."""
    tasks = [{"key": name, "title": name, "scope": [{"claim": f"path:repo//{name}/**"}]} for name in ("a", "b")]
    await box.owner.ask(PLAN, project=project, tasks=tasks)
    opened = (await box.owner.ask(OPEN, project=project, name="ada"))["openSession"]
    claimed = (await box.owner.ask(CLAIM, project=project, session=opened["session"]))["claimTask"]
    await box.owner.ask(COMPLETE, project=project, task=claimed["task"], token=claimed["token"])


async def test_the_board_is_told_as_it_changes(box: Installation) -> None:
    await box.project("shop")
    socket = await watch(box, BOARD, project="shop")
    await work(box, "shop")
    latest: dict[str, Any] = {}
    while not any(task["status"] == "COMPLETED" for task in latest.values()):
        change = await told(socket, "taskBoard")
        latest[change["id"]] = change["task"]
    assert {task["key"] for task in latest.values()} == {"a", "b"}
    assert next(task for task in latest.values() if task["status"] == "COMPLETED")["session"]["name"] == "ada"
    await socket.close()


@pytest.mark.parametrize(("query", "name"), [(BOARD, "taskBoard"), (LOCKS, "lockMap"), (ROSTER, "sessionRoster")])
async def test_who_goes_on_behind_any_change_misses_none_that_follow(box: Installation, query: str, name: str) -> None:
    await box.project("shop")
    await work(box, "shop")
    head = box.services.events.head()
    socket = await watch(box, query, project="shop", after=0)
    whole = [await told(socket, name)]
    latest = max(await _last_position(box, name), whole[0]["position"])
    while whole[-1]["position"] < latest:
        whole.append(await told(socket, name))
    await socket.close()
    positions = [one["position"] for one in whole]
    assert positions == sorted(positions)
    assert positions[-1] <= head
    for place, position in enumerate(positions[:-1]):
        socket = await watch(box, query, project="shop", after=position)
        again = await told_until(socket, name, latest)
        await socket.close()
        left = [one for one in whole[place + 1 :] if one["position"] > position]
        assert again == left


async def _last_position(box: Installation, name: str) -> int:
    """Of the latest event that touches a row of that read model."""
    prefix = {"taskBoard": "task_", "lockMap": "locks_", "sessionRoster": "sess_"}[name]
    events = await box.services.events.page(after=0, limit=1_000)
    return max(one.position for one in events if one.stream.startswith(prefix))


async def test_a_lock_that_is_given_back_is_told_as_gone(box: Installation) -> None:
    await box.project("shop")
    socket = await watch(box, LOCKS, project="shop")
    await work(box, "shop")
    seen = [await told(socket, "lockMap")]
    while seen[-1]["lock"] is not None:
        seen.append(await told(socket, "lockMap"))
    assert {one["id"] for one in seen} == {seen[0]["id"]}
    await socket.close()


async def test_only_ones_own_projects_are_told(box: Installation) -> None:
    await box.project("shop")
    await box.project("other")
    viewer = await box.client("viewer", "shop")
    foreign = await watch(box, BOARD, viewer.key, project="other")
    message = await foreign.next()
    assert message["type"] == "error"
    assert message["payload"][0]["extensions"]["code"] == "unknown_thing"
    await foreign.close()
    sockets = {name: await watch(box, query, viewer.key, project="shop", after=0) for query, name in WATCHED}
    await work(box, "other")
    await work(box, "shop")
    for name, socket in sockets.items():
        change = await told(socket, name)
        assert "shop" in await _projects_of(box, change["id"])
        await socket.close()


WATCHED = ((BOARD, "taskBoard"), (LOCKS, "lockMap"), (ROSTER, "sessionRoster"))


async def _projects_of(box: Installation, identifier: str) -> set[str]:
    """Names of the projects that a thing is of."""
    stream = identifier.partition("/")[0]
    events = await box.services.events.page(after=0, limit=1_000)
    found: set[str] = set()
    for one in events:
        if one.stream == stream:
            found |= {one.project, *getattr(one.event, "projects", ())}
    names = {name: await box.services.names.project(name) for name in ("shop", "other")}
    return {name for name, project in names.items() if project in found}


async def test_a_revoked_key_hears_nothing_more(box: Installation) -> None:
    await box.project("shop")
    viewer = await box.client("viewer", "shop")
    socket = await watch(box, BOARD, viewer.key, project="shop")
    await asyncio.sleep(0)
    asked = "query($after: Position) { keys(after: $after) { edges { node { id name } } } }"
    keys = (await box.owner.ask(asked, after=box.services.events.head()))["keys"]["edges"]
    key = next(edge["node"]["id"] for edge in keys if edge["node"]["name"] == "k")
    await box.owner.ask("mutation($key: String!) { revokeKey(input: {key: $key}) { __typename } }", key=key)
    await work(box, "shop")
    closed = await socket.hear()
    assert closed["type"] == "websocket.close"
