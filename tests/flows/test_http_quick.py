"""Commands that arrive whole are answered without a task of their own, and no otherwise than all others."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

from uvicorn.server import ServerState

from api.http.protocol import BoundedProtocol
from api.http.server import configuration
from api.ports import ServiceFault, Told
from domain.kernel.errors import UnknownThing
from domain.kernel.message import Command, Stamp
from infrastructure.runtime.outcome import Outcome
from infrastructure.settings import HttpSettings
from projections.kernel.errors import RequestRefused
from tests.support.doors import Doors, Fakes

DONE = Outcome(b'{"ok":true,"answer":{}}', 7)


class Slow(Fakes):
    """Commands end when the test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.ends: list[Callable[[Told], None]] = []

    def known(self, slug_or_id: str) -> Any:
        return "proj_01k0000000000000000000000a"

    def submit(self, command: Command, stamp: Stamp, told: Callable[[Told], None]) -> bool:
        if self.explode:
            raise RuntimeError("secret detail of the inside")
        self.ends.append(told)
        return True


class Line(asyncio.Transport):
    """A connection without a network."""

    def __init__(self, doors: Doors) -> None:
        super().__init__({"peername": ("127.0.0.1", 1), "sockname": ("127.0.0.1", 2)})
        config = configuration(doors.app, HttpSettings())
        config.load()
        self.state = ServerState()
        self.key = doors.owner
        self.written: list[bytes] = []
        self.more = asyncio.Event()
        self.closed = False
        self.protocol = BoundedProtocol(config, self.state, {})
        self.protocol.connection_made(self)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written.append(bytes(data))
        self.more.set()

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self.followed_by = protocol

    def send(self, content: object, *, pieces: int = 1, headers: str = "") -> None:
        """One command, its body in so many pieces."""
        head, body = self.request(content, headers)
        cut = len(body) // pieces
        self.protocol.data_received(head + body[:cut])
        for number in range(1, pieces):
            self.protocol.data_received(body[number * cut : None if number == pieces - 1 else (number + 1) * cut])

    def send_together(self, *requests: tuple[bytes, bytes]) -> None:
        """Several commands in one piece."""
        self.protocol.data_received(b"".join(head + body for head, body in requests))

    def request(self, content: object, headers: str = "") -> tuple[bytes, bytes]:
        """Head and body of one command."""
        body = json.dumps(content).encode()
        head = (
            f"POST /v1/commands HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {self.key}\r\n{headers}"
            f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        )
        return head.encode(), body

    async def answer(self) -> tuple[int, Any]:
        """Status and content of the next answer."""
        while not b"".join(self.written).partition(b"\r\n\r\n")[2]:
            await self.more.wait()
            self.more.clear()
        head, _, body = b"".join(self.written).partition(b"\r\n\r\n")
        self.written.clear()
        return int(head.split()[1]), json.loads(body)

    def counts_as_idle(self) -> bool:
        """Whether the connection is closed unless a request begins soon."""
        return self.protocol.timeout_keep_alive_task is not None

    def is_bounded(self) -> bool:
        """Whether the connection is closed unless a request ends soon."""
        protocol: Any = self.protocol
        return protocol._timer is not None

    def end(self) -> None:
        """The client hangs up."""
        self.protocol.connection_lost(None)


def task(key: str) -> dict[str, Any]:
    return {"type": "apply_plan", "command": {"project": "shop", "tasks": [{"key": key, "title": "x"}]}}


async def test_a_whole_command_gets_the_answer_of_any_other_without_a_task() -> None:
    doors = Doors()
    line = Line(doors)
    content = {"type": "issue_key", "id": "the-same-one", "command": {"name": "a", "role": "viewer"}}
    asked: list[object] = [
        {"type": "nothing", "command": {}},
        {"type": "create_project", "command": {"name": ""}},
        [],
        content,
    ]
    for one in asked:
        usual = await doors.ask("POST", "/v1/commands", one)
        line.send(one)
        assert not line.state.tasks
        status, told = await line.answer()
        assert (status, told) == (usual.status, usual.content)
    line.end()


async def test_a_head_that_was_read_before_is_not_parsed_again() -> None:
    doors = Doors()
    line = Line(doors)
    protocol: Any = line.protocol
    for number in range(4):
        if number == 2:
            protocol.parser = None  # whoever needs it from here on fails
        content = {"type": "create_project", "command": {"name": "a" * number}}
        usual = await doors.ask("POST", "/v1/commands", content)
        line.send(content)
        status, told = await line.answer()
        assert (status, told["ok"]) == (usual.status, usual.content["ok"])
        assert line.counts_as_idle()
    line.end()


async def test_another_head_behind_known_ones_is_parsed() -> None:
    line = Line(Doors())
    content = {"type": "create_project", "command": {"name": "shop"}}
    for _ in range(3):
        line.send(content)
        assert (await line.answer())[0] == 200
    line.key = "another"
    line.send(content)
    assert (await line.answer())[0] == 401
    # Two in one piece, and one in several, are none that a known head says all of.
    line.send(content)
    assert (await line.answer())[0] == 401
    line.send(content, pieces=2)
    assert (await line.answer())[0] == 401
    line.send_together(line.request(content), line.request(content))
    assert (await line.answer())[0] == 401
    line.end()


async def test_a_command_in_pieces_is_answered_the_usual_way() -> None:
    doors = Doors()
    line = Line(doors)
    line.send({"type": "create_project", "command": {"name": "shop"}}, pieces=3)
    assert line.state.tasks
    assert (await line.answer())[1]["ok"]
    # And so is one for which the store has to be asked what its project is.
    line.send(task("a"))
    assert line.state.tasks
    assert (await line.answer())[1]["ok"]
    line.end()


async def test_who_asks_for_a_go_ahead_gets_it_before_the_body() -> None:
    line = Line(Doors())
    line.send({"type": "create_project", "command": {"name": "shop"}}, headers="expect: 100-continue\r\n")
    while not line.written:
        await line.more.wait()
    assert line.written.pop(0).startswith(b"HTTP/1.1 100")
    assert (await line.answer())[0] == 200
    line.end()


async def test_a_command_that_takes_too_long_is_answered_once() -> None:
    fakes = Slow()
    line = Line(Doors(fakes, http=HttpSettings(command_seconds_max=0.05)))
    line.send(task("a"))
    status, told = await line.answer()
    assert (status, told["error"]["code"]) == (503, "unknown_outcome")
    fakes.ends.pop()(DONE)
    await asyncio.sleep(0)
    assert not line.written
    line.send(task("a"))
    fakes.ends.pop()(DONE)
    assert (await line.answer())[0] == 200
    line.end()


async def test_faults_are_told_as_everywhere() -> None:
    fakes = Slow()
    line = Line(Doors(fakes))
    line.send(task("a") | {"id": "one-of-mine"})
    fakes.ends.pop()(ServiceFault("overloaded", "Too much.", "Later."))
    status, told = await line.answer()
    assert (status, told["error"]["code"], told["error"]["data"]) == (503, "overloaded", {"id": "one-of-mine"})
    line.send(task("a"))
    fakes.ends.pop()(RuntimeError("secret detail of the inside"))
    status, told = await line.answer()
    assert (status, told["error"]["code"]) == (500, "internal")
    assert "secret" not in json.dumps(told)
    line.end()


async def test_what_is_not_readable_here_is_refused_as_everywhere() -> None:
    fakes = Slow()
    line = Line(Doors(fakes))
    line.send(task("a"))
    fakes.ends.pop()(RequestRefused(UnknownThing(kind="bundle", name="1-20")))
    status, told = await line.answer()
    assert (status, told["error"]["code"]) == (UnknownThing.HTTP_STATUS, "unknown_thing")
    line.end()


async def test_a_command_that_cannot_be_sent_is_answered_once() -> None:
    fakes = Slow()
    fakes.explode = True
    line = Line(Doors(fakes, http=HttpSettings(command_seconds_max=0.02, requests_max=1)))
    line.send(task("a"))
    assert (await line.answer())[0] == 500
    await asyncio.sleep(0.1)
    assert not line.written
    assert not line.closed
    fakes.explode = False
    line.send(task("b"))
    fakes.ends.pop()(DONE)
    assert (await line.answer())[0] == 200
    line.end()


async def test_the_first_of_two_commands_is_not_answered_to_a_client_that_is_gone() -> None:
    fakes = Slow()
    line = Line(Doors(fakes))
    line.send_together(line.request(task("a")), line.request(task("b")))
    line.end()
    fakes.ends.pop()(DONE)
    assert not line.written
    assert not line.state.tasks


async def test_the_patience_with_an_idle_connection_ends_no_command_behind_another() -> None:
    fakes = Slow()
    line = Line(Doors(fakes))
    line.send_together(line.request({"type": "nothing"}), line.request(task("b")))
    assert (await line.answer())[0] == 422
    assert not line.counts_as_idle()
    fakes.ends.pop()(DONE)
    assert (await line.answer())[0] == 200
    assert line.counts_as_idle()
    line.end()


async def test_commands_under_way_are_counted_until_they_are_answered_also_where_nobody_listens() -> None:
    fakes = Slow()
    doors = Doors(fakes, http=HttpSettings(requests_max=1))
    gone, line = Line(doors), Line(doors)
    gone.send(task("a"))
    line.send(task("b"))
    assert (await line.answer())[1]["error"]["code"] == "overloaded"
    gone.end()
    fakes.ends.pop()(DONE)
    assert not gone.written
    line.send(task("b"))
    fakes.ends.pop()(DONE)
    assert (await line.answer())[0] == 200
    line.end()


async def test_a_client_that_reads_too_slowly_gets_its_answer_all_the_same() -> None:
    fakes = Slow()
    line = Line(Doors(fakes))
    line.send(task("a"))
    line.protocol.pause_writing()
    fakes.ends.pop()(DONE)
    await asyncio.sleep(0)
    assert not line.written
    line.protocol.resume_writing()
    assert (await line.answer())[0] == 200
    line.end()


async def test_line_ends_between_requests_do_not_keep_a_connection_open_for_ever() -> None:
    services = Slow()
    line = Line(Doors(services))
    for _ in range(2):
        line.send(task("a"))
        assert not line.is_bounded(), "of what came as a whole nothing is late"
        services.ends.pop()(DONE)
        assert (await line.answer())[0] == 200
        assert line.counts_as_idle()
        line.protocol.data_received(b"\r\n")
        assert line.counts_as_idle() or line.is_bounded()
    line.end()
    assert not line.is_bounded()


async def test_what_bounds_a_request_does_not_bound_a_websocket_that_follows_it() -> None:
    services = Slow()
    line = Line(Doors(services))
    line.send(task("a"))
    services.ends.pop()(DONE)
    assert (await line.answer())[0] == 200
    upgrade = b"upgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-version: 13\r\n"
    key = b"sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    line.protocol.data_received(b"GET /graphql HTTP/1.1\r\nhost: localhost\r\n" + upgrade + key)
    assert line.followed_by is not line.protocol
    assert not line.is_bounded()
    assert not line.counts_as_idle()
    for running in list(line.state.tasks):
        running.cancel()
