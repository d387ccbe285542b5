"""The server on a real socket: it says where it is, ends at a signal, and cuts off heads that do not end."""

import asyncio
import errno
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from api.http import protocol
from api.http.asgi import Receive, Scope, Send
from api.http.server import listen, serve, url_of
from infrastructure.settings import HttpSettings, Settings
from tests.support.doors import Doors
from tests.support.waiting import happens, soon

SETTINGS = Settings(bind="127.0.0.1:0", store="memory", http=HttpSettings(graceful_seconds_max=30))
IMPATIENT = Settings(bind="127.0.0.1:0", store="memory", http=HttpSettings(graceful_seconds_max=1))
Exchange = Callable[[bytes], Awaitable[bytes]]


@asynccontextmanager
async def served(doors: Doors, settings: Settings = SETTINGS) -> AsyncIterator[tuple[asyncio.Task[None], int]]:
    """The running server and its port; a signal ends it with the block where the test did not."""
    url: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(serve(doors.app, settings, started=url.set_result))
    port = int((await soon(url)).rpartition(":")[2])
    try:
        yield task, port
    finally:
        if not task.done():
            os.kill(os.getpid(), signal.SIGTERM)
            await soon(task)


async def exchanged(port: int, request: bytes) -> bytes:
    """All that comes back until the server closes the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    answer = await soon(reader.read())
    writer.close()
    return answer


def get(doors: Doors, target: str, more: str = "") -> bytes:
    head = f"GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
    return f"{head}Authorization: Bearer {doors.owner}\r\n{more}\r\n".encode()


async def test_it_answers_on_the_port_that_it_names() -> None:
    doors = Doors()
    async with served(doors) as (_, port):
        answer = await exchanged(port, get(doors, "/v1/status"))
        assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
        assert b"server:" not in answer.lower()


async def test_a_server_that_cannot_say_where_it_is_comes_to_an_orderly_end() -> None:
    doors, before = Doors(), asyncio.all_tasks()
    told: list[str] = []

    def started(url: str) -> None:
        told.append(url)
        raise OSError(errno.ENOSPC, "No space left on device", "server.json")

    with pytest.raises(OSError, match=r"server\.json"):
        await serve(doors.app, SETTINGS, started=started)
    with pytest.raises(OSError):
        await asyncio.open_connection("127.0.0.1", int(told[0].rpartition(":")[2]))
    assert asyncio.all_tasks() <= before, "nothing of it is left to be torn down"


async def test_who_is_interrupted_before_a_server_takes_signals_leaves_nothing_begun_behind() -> None:
    doors, before = Doors(), asyncio.all_tasks()

    async def interrupted() -> None:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()  # as the event loop does it at ctrl-c, heard where something is waited for next
        await serve(doors.app, SETTINGS)

    with pytest.raises(asyncio.CancelledError):
        await asyncio.create_task(interrupted())
    assert asyncio.all_tasks() == before, "what is torn down at the end would say so with a traceback"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_waits_at_once_and_then_the_server(number: signal.Signals) -> None:
    doors = Doors()
    former = signal.getsignal(number)
    async with served(doors) as (task, port):
        waiting = asyncio.create_task(exchanged(port, get(doors, "/v1/wait?after=5&timeout_seconds=30")))
        await happens(lambda: doors.fakes.follows)
        os.kill(os.getpid(), number)
        answer = await soon(waiting, seconds=25)
        assert answer.endswith(b'{"position":5,"changed":false}')
        await soon(task)
    assert signal.getsignal(number) is former
    with pytest.raises(OSError):
        await asyncio.open_connection("127.0.0.1", port)


async def test_a_request_that_does_not_end_is_cancelled_when_patience_is_over() -> None:
    doors = Doors()
    async with served(doors, IMPATIENT) as (task, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        head = get(doors, "/v1/commands", "Content-Type: application/json\r\nContent-Length: 100\r\n")
        writer.write(head.replace(b"GET", b"POST", 1) + b"{")
        await asyncio.sleep(0.1)
        os.kill(os.getpid(), signal.SIGTERM)
        await soon(task)
        writer.close()
        assert not (await reader.read()).startswith(b"HTTP/1.1 200")


async def test_a_head_that_grows_without_end_is_refused() -> None:
    doors = Doors()
    async with served(doors) as (_, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n")
        answer = b""
        try:
            for number in range(400):
                writer.write(b"x-%d: %s\r\n" % (number, b"y" * 1_000))
                await writer.drain()
            answer = await soon(reader.read())
        except ConnectionError:
            answer = b"HTTP/1.1 431 (reset before it could be read)"
        assert answer.startswith(b"HTTP/1.1 431")


async def test_a_request_that_comes_too_slowly_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "REQUEST_SECONDS_MAX", 0.1)
    doors = Doors()
    async with served(doors) as (_, port):
        assert await exchanged(port, b"GET /healthz HTTP/1.1\r\nHost: loc") == b""
        assert await exchanged(port, b"") == b""
        slow_body = get(doors, "/v1/commands", "Content-Type: application/json\r\nContent-Length: 100\r\n")
        assert await exchanged(port, slow_body.replace(b"GET", b"POST", 1) + b"{") == b""
        monkeypatch.setattr(protocol, "REQUEST_SECONDS_MAX", 1.0)
        quick = get(doors, "/v1/wait?after=9&timeout_seconds=1.2")
        assert (await exchanged(port, quick)).startswith(b"HTTP/1.1 200")


async def test_fields_behind_a_body_are_dropped() -> None:
    doors = Doors()
    async with served(doors) as (_, port):
        head = get(doors, "/v1/commands", "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n")
        body = b'{"type":"create_project","command":{"name":"shop"}}'
        chunked = b"%x\r\n%b\r\n0\r\nHost: evil.example\r\n\r\n" % (len(body), body)
        assert (await exchanged(port, head.replace(b"GET", b"POST", 1) + chunked)).startswith(b"HTTP/1.1 200")


async def test_answers_keep_the_connection_and_their_order_and_a_closing_one_says_so() -> None:
    doors = Doors()
    async with served(doors) as (_, port):
        body = b'{"type":"create_project","command":{"name":"shop"}}'
        more = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        last = get(doors, "/v1/commands", more).replace(b"GET", b"POST", 1) + body
        kept = last.replace(b"Connection: close\r\n", b"")
        head_only = get(doors, "/healthz").replace(b"GET", b"HEAD", 1).replace(b"Connection: close\r\n", b"")
        answers = (await exchanged(port, kept + kept + head_only + last)).split(b"HTTP/1.1 ")[1:]
        assert [answer[:3] for answer in answers] == [b"200", b"200", b"405", b"200"]
        bodies = [answer.partition(b"\r\n\r\n")[2] for answer in answers]
        assert [b'"created":true' in body for body in bodies] == [True, False, False, False]
        assert bodies[2] == b""
        heads = [answer.partition(b"\r\n\r\n")[0] for answer in answers]
        assert [b"connection: close" in head for head in heads] == [False, False, False, True]
        for head, text in zip(heads, bodies, strict=True):
            assert b"\r\ndate: " in head
            assert b"\r\ncontent-type: application/json" in head
            assert text == b"" or b"\r\ncontent-length: %d" % len(text) in head


@pytest.mark.parametrize("requests_before", [0, 1])
async def test_a_websocket_is_one_on_a_real_connection_too(requests_before: int) -> None:
    async def echoing(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        heard = await receive()
        await send({"type": "websocket.send", "text": heard["text"].upper()})
        await send({"type": "websocket.close", "code": 1000})

    doors = Doors(graphql=echoing)
    upgrade = b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    key = b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    head = b"GET /graphql HTTP/1.1\r\nHost: localhost\r\n" + upgrade + key
    async with served(doors) as (_, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(requests_before):
            writer.write(get(doors, "/healthz").replace(b"Connection: close\r\n", b""))
            answer = await soon(reader.readuntil(b"\r\n\r\n"))
            await soon(reader.readexactly(int(answer.partition(b"content-length: ")[2].split()[0])))
        writer.write(head)
        assert (await soon(reader.readuntil(b"\r\n\r\n"))).startswith(b"HTTP/1.1 101 ")
        writer.write(b"\x81\x85\0\0\0\0hello")
        assert await soon(reader.readexactly(7)) == b"\x81\x05HELLO"
        writer.close()


def test_a_port_that_is_taken_is_refused_before_anything_is_promised() -> None:
    first = listen(SETTINGS)
    try:
        port = first.getsockname()[1]
        assert url_of(first) == f"http://127.0.0.1:{port}"
        with pytest.raises(OSError):
            listen(Settings(bind=f"127.0.0.1:{port}", store="memory"))
    finally:
        first.close()


def test_the_address_for_everybody_is_called_by_its_local_name() -> None:
    listener = listen(Settings(bind="0.0.0.0:0", store="memory", allow_exposed=True))
    try:
        assert url_of(listener) == f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.close()
