"""Subscriptions over the websocket and server-sent events: by position, without gap, never past a right."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from api.graphql import websocket
from api.graphql.asgi import Message
from tests.support.graphql import Installation, Socket, installed
from tests.support.waiting import soon

EVENTS = (
    "subscription($project: String, $after: Position, $types: [String!]) { events(project: "
    "$project, after: $after, types: $types) { position type } }"
)


@pytest.fixture
async def box(tmp_path: Path) -> AsyncIterator[Installation]:
    async with installed(tmp_path) as installation:
        yield installation


async def open_socket(box: Installation, key: str | None = None) -> Socket:
    socket = Socket(box.app)
    await socket.open(key or box.owner.key)
    return socket


def subscribe(socket: Socket, identifier: str, **variables: Any) -> None:
    socket.tell(id=identifier, type="subscribe", payload={"query": EVENTS, "variables": variables})


async def events(socket: Socket, count: int) -> list[Any]:
    return [(await socket.next())["payload"]["data"]["events"] for _ in range(count)]


async def test_a_subscription_goes_on_where_it_broke_off(box: Installation) -> None:
    await box.project("shop")
    head = box.services.events.head()
    socket = await open_socket(box)
    subscribe(socket, "one", after=0)
    first = await events(socket, head)
    assert [one["position"] for one in first] == list(range(1, head + 1))
    await socket.close()
    await box.project("other")
    socket = await open_socket(box)
    subscribe(socket, "one", after=head)
    assert [one["position"] for one in await events(socket, 1)] == [head + 1]
    await box.project("third")
    assert [one["position"] for one in await events(socket, 1)] == [head + 2]
    await socket.close()


async def test_only_events_of_the_project_and_type_are_told(box: Installation) -> None:
    await box.project("shop")
    socket = await open_socket(box)
    subscribe(socket, "one", project="shop", after=0, types=["project.frozen.v1"])
    await box.project("other")
    await box.owner.ask('mutation { freezeProject(input: {project: "shop"}) { __typename } }')
    assert [one["type"] for one in await events(socket, 1)] == ["project.frozen.v1"]
    socket.tell(id="one", type="complete")
    socket.tell(id="two", type="subscribe", payload={"query": "{ status { head } }"})
    message = await socket.next()
    assert (message["id"], message["type"]) == ("two", "next")
    assert (await socket.next()) == {"id": "two", "type": "complete"}
    await socket.close()


async def test_a_revoked_key_ends_the_socket_with_its_place(box: Installation) -> None:
    await box.project("shop")
    admin = await box.client("operator", "shop")
    socket = await open_socket(box, admin.key)
    subscribe(socket, "one", project="shop", after=0)
    seen = await events(socket, 1)
    keys = (
        await box.owner.ask(
            "query($after: Position) { keys(after: $after) { edges { node { id name } } } }",
            after=box.services.events.head(),
        )
    )["keys"]["edges"]
    key = next(edge["node"]["id"] for edge in keys if edge["node"]["name"] == "k")
    await box.owner.ask("mutation($key: String!) { revokeKey(input: {key: $key}) { __typename } }", key=key)
    closed = await socket.hear()
    assert (closed["type"], closed["code"]) == ("websocket.close", websocket.NO_LONGER)
    assert closed["reason"] == f"key_not_valid: resume after {seen[-1]['position']}"


async def test_who_may_not_read_events_is_told_so(box: Installation) -> None:
    await box.project("shop")
    await box.project("other")
    worker, operator = await box.client("worker", "shop"), await box.client("operator", "shop")
    for who, project in ((worker, "shop"), (operator, "other"), (operator, None)):
        socket = await open_socket(box, who.key)
        subscribe(socket, "one", project=project)
        message = await socket.next()
        first = message["payload"]["errors"][0] if message["type"] == "next" else message["payload"][0]
        assert first["extensions"]["code"] in ("not_permitted", "unknown_thing")
        await socket.close()


async def test_a_slow_reader_is_cut_off_with_its_place(box: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(websocket, "SLOW_SECONDS", 0.1)
    await box.project("shop")
    socket = await open_socket(box)
    subscribe(socket, "one", after=0)
    seen = await events(socket, 1)
    while not socket.outbox.empty():
        seen.append((await socket.next())["payload"]["data"]["events"])
    socket.taking.clear()
    await box.project("other")
    closed = await socket.hear()
    while closed["type"] == "websocket.send":
        seen.append(orjson.loads(closed["text"])["payload"]["data"]["events"])
        closed = await socket.hear()
    assert (closed["code"], closed["reason"]) == (
        websocket.SLOW_READER,
        f"slow_reader: resume after {seen[-1]['position']}",
    )


async def test_one_socket_carries_twenty_operations(box: Installation) -> None:
    socket = await open_socket(box)
    for number in range(21):
        subscribe(socket, f"s{number}")
    message = await socket.next()
    assert (message["id"], message["type"]) == ("s20", "error")
    assert message["payload"][0]["extensions"]["code"] == "too_many_subscriptions"
    socket.tell(id="s0", type="complete")
    subscribe(socket, "s21", after=0)
    assert (await socket.next())["id"] == "s21"
    await socket.close()


@pytest.mark.parametrize(
    ("messages", "code"),
    [
        ([{"type": "subscribe", "id": "a", "payload": {"query": "{ __typename }"}}], 4401),
        ([{"type": "connection_init", "payload": {"authorization": "Bearer nonsense"}}], 4401),
        ([{"type": "connection_init"}], 4401),
    ],
)
async def test_nothing_is_told_without_a_key(box: Installation, messages: list[dict[str, Any]], code: int) -> None:
    socket = Socket(box.app)
    assert (await socket.hear())["type"] == "websocket.accept"
    for message in messages:
        socket.tell(**message)
    assert (await socket.hear())["code"] == code


async def test_a_socket_that_misbehaves_is_closed(box: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    for wrong, code in (
        ({"type": "connection_init"}, 4429),
        ({"type": "stop"}, 4400),
        ({"type": "subscribe", "id": ""}, 4400),
        ({"type": "subscribe", "id": "x" * 300_000}, 1009),
    ):
        socket = await open_socket(box)
        socket.tell(**wrong)
        assert (await socket.hear())["code"] == code
    socket = await open_socket(box)
    subscribe(socket, "same")
    subscribe(socket, "same")
    assert (await socket.hear())["code"] == 4409
    monkeypatch.setattr(websocket, "INIT_SECONDS", 0.05)
    socket = Socket(box.app)
    assert (await socket.hear())["type"] == "websocket.accept"
    assert (await socket.hear())["code"] == 4408


async def test_a_page_of_another_site_gets_no_socket(box: Installation) -> None:
    socket = Socket(box.app, origin="https://evil.example", host="localhost:8420")
    assert (await socket.hear())["type"] == "websocket.close"
    socket = Socket(box.app, origin="http://localhost:8420", host="localhost:8420")
    assert (await socket.hear())["type"] == "websocket.accept"
    await socket.close()


async def test_events_are_told_as_server_sent_events(box: Installation) -> None:
    await box.project("shop")
    sent: asyncio.Queue[Message] = asyncio.Queue()
    coming: asyncio.Queue[Message] = asyncio.Queue()
    body = orjson.dumps({"query": EVENTS, "variables": {"project": "shop", "after": 0}})
    coming.put_nowait({"type": "http.request", "body": body})
    headers = [(b"authorization", f"Bearer {box.owner.key}".encode()), (b"content-type", b"application/json")]
    scope = {"type": "http", "method": "POST", "path": "/graphql/stream", "headers": headers}
    running = asyncio.ensure_future(box.app(scope, coming.get, sent.put))
    assert (await soon(sent.get()))["status"] == 200
    text = (await soon(sent.get()))["body"].decode()
    assert text.startswith("event: next\nid: ")
    position = int(text.split("id: ")[1].split("\n")[0])
    data = orjson.loads(text.split("data: ")[1])
    assert data == {"data": {"events": {"position": position, "type": "project.created.v1"}}}
    coming.put_nowait({"type": "http.disconnect"})
    await soon(running)


async def test_a_query_over_the_stream_is_answered_and_completed(box: Installation) -> None:
    status, text = await box.owner.post(b'{"query": "{ status { store } }"}', path="/graphql/stream")
    assert status == 200
    assert text == b'event: next\ndata: {"data":{"status":{"store":"sqlite"}}}\n\nevent: complete\ndata: \n\n'
