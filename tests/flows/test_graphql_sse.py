"""Subscriptions as server-sent events: each of them resumes by position, and ends with its place when it must."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from api.graphql import http
from api.graphql.asgi import Message
from tests.support.graphql import Installation, installed

EVENTS = (
    "subscription($project: String, $after: Position) { events(project: $project, after: $after) { position type } }"
)
BOARD = (
    "subscription($project: String, $after: Position) { taskBoard(project: $project, after: $after)"
    " { position id task { key status } } }"
)
ROSTER = (
    "subscription($project: String, $after: Position) { sessionRoster(project: $project, after: $after)"
    " { position id session { name attemptsLive } } }"
)
LOCKS = (
    "subscription($project: String, $after: Position) { lockMap(project: $project, after: $after)"
    " { position id lock { token } } }"
)
WATCHED = ((EVENTS, "events"), (BOARD, "taskBoard"), (ROSTER, "sessionRoster"), (LOCKS, "lockMap"))
PLAN = """mutation($tasks: [PlannedTaskInput!]!) {
  applyPlan(input: {project: "shop", tasks: $tasks}) { __typename ... on Rejected { code message } } }"""
OPEN = 'mutation { openSession(input: {projects: ["shop"]}) { ... on SessionLife { session } } }'
CLAIM = """mutation($session: String!) { claimTask(input: {project: "shop", session: $session, incarnation: 1}) {
    ... on Claimed { task token } ... on Rejected { code message } } }"""
COMPLETE = """mutation($task: String!, $token: String!) {
  completeTask(input: {project: "shop", task: $task, token: $token}) { __typename } }"""


class Stream:
    """A reader of one stream, which may stop reading."""

    def __init__(self, box: Installation, query: str, after: int | None, key: str | None = None) -> None:
        body = orjson.dumps({"query": query, "variables": {"project": "shop", "after": after}})
        authorization = f"Bearer {key or box.owner.key}".encode()
        headers = [(b"authorization", authorization), (b"content-type", b"application/json")]
        scope = {"type": "http", "method": "POST", "path": "/graphql/stream", "headers": headers}
        self.reading = asyncio.Event()
        self.reading.set()
        self._sent: asyncio.Queue[Message] = asyncio.Queue()
        self._coming: asyncio.Queue[Message] = asyncio.Queue()
        self._coming.put_nowait({"type": "http.request", "body": body})
        self.running = asyncio.ensure_future(box.app(scope, self._coming.get, self._send))

    async def _send(self, message: Message) -> None:
        await self.reading.wait()
        self._sent.put_nowait(message)

    async def next(self) -> tuple[str, int | None, Any]:
        """Name, id and data of the next event; signs of life are passed over."""
        while True:
            message = await asyncio.wait_for(self._sent.get(), 20)
            if message["type"] == "http.response.start":
                assert message["status"] == 200
                continue
            lines = dict(line.split(": ", 1) for line in message["body"].decode().splitlines() if ": " in line)
            if "event" in lines:
                place = int(lines["id"]) if "id" in lines else None
                return lines["event"], place, orjson.loads(lines["data"]) if lines.get("data") else None

    async def until(self, position: int) -> list[tuple[int | None, Any]]:
        """Ids and data of what is told up to that position."""
        found: list[tuple[int | None, Any]] = []
        while not found or (found[-1][0] or 0) < position:
            name, place, data = await self.next()
            assert name == "next", data
            found.append((place, data))
        return found

    async def hang_up(self) -> None:
        self._coming.put_nowait({"type": "http.disconnect"})
        await asyncio.wait_for(self.running, 20)


@pytest.fixture
async def box(tmp_path: Path) -> AsyncIterator[Installation]:
    async with installed(tmp_path) as installation:
        await installation.project("shop")
        yield installation


async def work(box: Installation) -> int:
    """A task is planned, claimed and completed; the position of the last event."""
    await box.owner.ask(PLAN, tasks=[{"key": "a", "title": "a", "scope": [{"claim": "path:repo//a/**"}]}])
    session = (await box.owner.ask(OPEN))["openSession"]["session"]
    claimed = (await box.owner.ask(CLAIM, session=session))["claimTask"]
    await box.owner.ask(COMPLETE, task=claimed["task"], token=claimed["token"])
    return box.services.events.head()


async def last_of(box: Installation, name: str) -> int:
    """Position of the latest event that the subscription tells of."""
    kind = {"events": "", "taskBoard": "task_", "sessionRoster": "sess_", "lockMap": "locks_"}[name]
    project = await box.services.names.project("shop")
    events = await box.services.events.page(after=0, limit=1_000)
    return max(
        one.position
        for one in events
        if one.stream.startswith(kind) and (name == "sessionRoster" or one.project == project)
    )


@pytest.mark.parametrize(("query", "name"), WATCHED, ids=[name for _, name in WATCHED])
async def test_who_comes_again_with_the_id_of_its_last_event_misses_none(
    box: Installation, query: str, name: str
) -> None:
    await work(box)
    last = await last_of(box, name)
    stream = Stream(box, query, 0)
    whole = await stream.until(last)
    await stream.hang_up()
    assert [place for place, _ in whole] == [data["data"][name]["position"] for _, data in whole]
    place = whole[0][0]
    assert place is not None
    left = [one for one in whole if (one[0] or 0) > place]
    if left:
        again = Stream(box, query, place)
        assert await again.until(last) == left
        await again.hang_up()


@pytest.mark.parametrize(("query", "name"), WATCHED, ids=[name for _, name in WATCHED])
async def test_who_listens_hears_what_happens(box: Installation, query: str, name: str) -> None:
    stream = Stream(box, query, box.services.events.head())
    await work(box)
    assert await stream.until(await last_of(box, name))
    await stream.hang_up()


async def test_a_reader_that_takes_nothing_is_cut_off(box: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "SLOW_SECONDS", 0.05)
    await work(box)
    stream = Stream(box, EVENTS, 0)
    _, place, _ = await stream.next()
    stream.reading.clear()
    await asyncio.wait_for(stream.running, 20)
    assert place is not None
    again = Stream(box, EVENTS, place)
    assert (await again.until(await last_of(box, "events")))[0][0] == place + 1
    await again.hang_up()


@pytest.mark.parametrize(("query", "name"), WATCHED, ids=[name for _, name in WATCHED])
async def test_a_revoked_key_ends_the_stream(box: Installation, query: str, name: str) -> None:
    operator = await box.client("operator", "shop")
    stream = Stream(box, query, box.services.events.head(), operator.key)
    revoke = "mutation($key: String!) { revokeKey(input: {key: $key}) { __typename } }"
    principal = box.services.principals.authenticate(operator.key)
    assert principal is not None
    await box.owner.ask(revoke, key=principal.id)
    told = "next"
    data: Any = None
    while told == "next" and not (data or {}).get("errors"):
        told, _, data = await stream.next()
    assert data["errors"][0]["extensions"]["status"] == 401
    assert (await stream.next())[0] == "complete"
    await asyncio.wait_for(stream.running, 20)
