"""Bounds on the time of requests, and that a request leaves nothing behind it."""

import asyncio
import gc

import pytest
import uvicorn
from uvicorn.server import ServerState

from api.http.deadlines import Deadlines
from api.http.protocol import BoundedProtocol
from api.http.server import configuration
from api.ports import ServiceFault
from infrastructure.settings import HttpSettings
from tests.support.doors import Doors


async def test_what_takes_too_long_is_cancelled_and_what_does_not_is_answered() -> None:
    deadlines, ended = Deadlines(0.3), asyncio.Event()

    async def hanging() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async def quick(number: int) -> int:
        await asyncio.sleep(0)
        return number

    late = [asyncio.create_task(deadlines.within(hanging())) for _ in range(3)]
    answers = await asyncio.gather(*(deadlines.within(quick(number)) for number in range(5)))
    assert answers == [0, 1, 2, 3, 4]
    for task in late:
        with pytest.raises(TimeoutError):
            await task
    assert ended.is_set()
    assert len(deadlines) == 0
    # The timer runs again for those who come later.
    with pytest.raises(TimeoutError):
        await deadlines.within(hanging())


async def test_who_is_cancelled_by_somebody_else_is_not_late() -> None:
    deadlines = Deadlines(30.0)
    task = asyncio.create_task(deadlines.within(asyncio.Event().wait()))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert len(deadlines) == 0


async def test_who_is_cancelled_while_late_stays_cancelled() -> None:
    deadlines = Deadlines(0.01)
    both = asyncio.Event()

    async def stubborn() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            both.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(deadlines.within(stubborn()))
    await both.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_one_that_cannot_be_told_that_it_is_late_keeps_no_other_from_its_end() -> None:
    faults: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, told: faults.append(told["exception"]))
    deadlines, ended, broken = Deadlines(0.01), asyncio.Event(), RuntimeError("nobody is there")

    def late() -> None:
        raise broken

    deadlines.begin(late)
    deadlines.begin(ended.set)
    await asyncio.wait_for(ended.wait(), 60)
    assert faults == [broken]


async def test_a_batch_that_takes_too_long_tells_of_each_command_whether_it_was_decided() -> None:
    doors = Doors(http=HttpSettings(command_seconds_max=0.5))
    await doors.project("shop")
    doors.fakes.hang = asyncio.Event()
    claim = {"project": "shop", "session": "sess_" + "0" * 26, "incarnation": 1}
    commands = [
        {"type": "create_project", "id": "first-of-all", "command": {"name": "next"}},
        {"type": "claim_task", "id": "waits-for-work", "command": claim, "wait_seconds": 0.01},
        {"type": "create_project", "id": "after-the-claim", "command": {"name": "last"}},
    ]
    results = (await doors.ask("POST", "/v1/commands", {"commands": commands})).content["results"]
    assert results[0]["ok"]
    assert [one["error"]["code"] for one in results[1:]] == ["unknown_outcome", "unknown_outcome"]
    assert [one["error"]["data"]["id"] for one in results[1:]] == ["waits-for-work", "after-the-claim"]


async def test_a_fault_of_one_of_many_is_its_own() -> None:
    doors = Doors()
    execute = doors.fakes.execute

    async def sometimes(command: object, stamp: object) -> object:
        if getattr(command, "name", "") == "bad":
            raise ServiceFault("store_unavailable", "away", "later")
        if getattr(command, "name", "") == "worse":
            raise RuntimeError("secret detail of the inside")
        return await execute(command, stamp)  # type: ignore[arg-type]

    doors.fakes.execute = sometimes  # type: ignore[method-assign, assignment]
    commands = [{"type": "create_project", "command": {"name": name}} for name in ("good", "bad", "worse", "fine")]
    answer = await doors.ask("POST", "/v1/commands", {"commands": commands})
    codes = [one.get("error", {}).get("code") for one in answer.content["results"]]
    assert codes == [None, "store_unavailable", "internal", None]
    assert b"secret detail" not in answer.body


class Wire(asyncio.Transport):
    """A connection without a network, which keeps what was written."""

    def __init__(self) -> None:
        super().__init__({"peername": ("127.0.0.1", 1), "sockname": ("127.0.0.1", 2)})
        self.written = asyncio.Queue[bytes]()

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written.put_nowait(bytes(data))

    def is_closing(self) -> bool:
        return False

    def close(self) -> None: ...

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...


async def test_a_request_through_a_hot_door_leaves_nothing_to_the_garbage_collector() -> None:
    doors = Doors()
    await doors.project("shop")
    config: uvicorn.Config = configuration(doors.app, HttpSettings())
    config.load()
    line, wire = BoundedProtocol(config, ServerState(), {}), Wire()
    line.connection_made(wire)
    head = f"HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {doors.owner}\r\n"
    body = '{"type": "create_project", "id": "the-same-again", "command": {"name": "another"}}'
    length = f"content-type: application/json\r\ncontent-length: {len(body)}\r\n"
    requests = [f"GET /v1/status {head}\r\n".encode(), f"POST /v1/commands {head}{length}\r\n{body}".encode()]

    async def ask(times: int) -> None:
        for number in range(times):
            line.data_received(requests[number % 2])
            assert (await wire.written.get()).startswith(b"HTTP/1.1 200")
            await asyncio.sleep(0)

    await ask(4)
    gc.collect()
    gc.disable()
    try:
        await ask(100)
        # One cycle of objects a request would make hundreds.
        assert gc.collect() < 50
    finally:
        gc.enable()
    line.connection_lost(None)
