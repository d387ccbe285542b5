"""The tools over pipes: the official SDK's client before `signalbox mcp`, a server that is started, gone, or back."""

import io
import json
import os
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, MCPError, StdioServerParameters
from mcp.client.subscriptions import ResourceUpdated

from api.cli.mcp_shim import LINE_BYTES_MAX, Shim
from signalbox.client.errors import ServerUnavailable
from signalbox.client.transport import Exchange, HttpAnswer, HttpRequest, Transport
from tests.house.sources import ROOT
from tests.support.command_line import CommandLine, end
from tests.support.mcp_client import MODES, Agent, agent_at
from tests.support.waiting import soon, until

CALL = {"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": {"name": "status", "arguments": {}}}


@pytest.fixture(scope="module")
def cli(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CommandLine]:
    line = CommandLine(tmp_path_factory.mktemp("served"))
    serving = line.serve()
    try:
        line("project", "create", "shop")
        for key in MODES:
            line("task", "create", key)
        yield line
    finally:
        assert end(serving) == 0


@asynccontextmanager
async def over_pipes(line: CommandLine, mode: str, **environment: str) -> AsyncIterator[Agent]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SIGNALBOX_")}
    started = StdioServerParameters(
        command=sys.executable,
        args=["-m", "signalbox", "mcp"],
        cwd=line.folder,
        env={**kept, "PYTHONPATH": str(ROOT), **environment},
    )
    async with Client(started, mode=mode) as client:
        yield Agent(client)


@pytest.mark.parametrize("mode", MODES)
async def test_the_tools_work_over_pipes_for_the_session_of_whoever_started_it(cli: CommandLine, mode: str) -> None:
    async with over_pipes(cli, mode) as one:
        assert len((await one.client.list_tools()).tools) == 10
        you = (await one.done("prime", name="über"))["you"]
    life = {"SIGNALBOX_SESSION": you["session"], "SIGNALBOX_INCARNATION": str(you["incarnation"])}
    async with over_pipes(cli, mode, **life) as one:
        assert (await one.done("next_task", task=mode))["key"] == mode
        assert (await one.done("prime"))["you"]["session"] == you["session"]
        assert (await one.done("report", outcome="complete", text="fertig ✓"))["reported"] == "complete"
        assert (await one.call("report", outcome="complete"))["refused"] == "nothing_held"


def said(lines: bytes, transport: Any, **life: object) -> list[dict[str, Any]]:
    """What the shim answers to lines, by id."""
    output = io.BytesIO()
    Shim(transport, output, life).serve(io.BytesIO(lines))
    return sorted((json.loads(line) for line in output.getvalue().splitlines()), key=lambda one: str(one["id"]))


def nowhere() -> Transport:
    raise ServerUnavailable("no_server", "no server runs here", "Start one with `signalbox up`.")


def test_without_a_server_the_model_is_told_what_to_do() -> None:
    other = {"jsonrpc": "2.0", "id": 8, "method": "tools/list"}
    note = {"jsonrpc": "2.0", "method": "notifications/initialized"}
    told = said("\n".join(map(json.dumps, [CALL, other, note])).encode(), nowhere)
    assert [one["id"] for one in told] == [7, 8]
    assert told[0]["result"]["isError"]
    assert json.loads(told[0]["result"]["content"][0]["text"])["next"] == "Start one with `signalbox up`."
    assert "Start one" in told[1]["error"]["message"]


@pytest.mark.parametrize("line", [b"{", b"[]", b"7", b"\xff\xfe", b'"x"', b"[" * 100_000])
def test_what_is_no_message_is_answered_and_the_next_one_is_heard(line: bytes) -> None:
    told = said(b"\n".join([line, b"", json.dumps(CALL).encode()]), nowhere)
    assert [(one["id"], one.get("error", {}).get("code")) for one in told] == [(7, None), (None, -32700)]


def test_a_line_without_end_is_refused_and_not_kept() -> None:
    long = b"x" * (3 * LINE_BYTES_MAX) + b"\n" + json.dumps(CALL).encode()
    told = said(long, nowhere)
    assert [(one["id"], one.get("error", {}).get("code")) for one in told] == [(7, None), (None, -32600)]


def test_a_refusal_of_the_door_is_told_in_words(cli: CommandLine) -> None:
    url = json.loads((cli.folder / ".signalbox" / "server.json").read_text())["url"]
    (told,) = said(json.dumps(CALL).encode(), lambda: Transport(url, {"Authorization": "Bearer nothing"}))
    assert "A key is needed" in told["error"]["message"]


def test_start_starts_a_server_that_stays_and_is_found_by_the_next(tmp_path: Path) -> None:
    folder, line = tmp_path, CommandLine(tmp_path)
    pid = 0
    try:
        for _ in range(2):
            ran = line("mcp", "--start", stdin=json.dumps(CALL) + "\n", SIGNALBOX_BIND="127.0.0.1:0")
            (told,) = [json.loads(one) for one in ran.out.splitlines()]
            assert json.loads(told["result"]["content"][0]["text"])["refused"] == "project_not_named"
            found = json.loads((folder / ".signalbox" / "server.json").read_text())
            assert pid in (0, found["pid"])
            pid = found["pid"]
    finally:
        if pid:
            os.kill(pid, 15)
            until(lambda: not (folder / ".signalbox" / "server.json").exists())


LISTEN = b'{"jsonrpc": "2.0", "id": 1, "method": "subscriptions/listen", "params": {}}\n'


def test_who_listens_twice_under_one_id_is_refused_and_the_first_goes_on() -> None:
    output = io.BytesIO()

    class Twice(Transport):
        def lines(self, request: HttpRequest, exchange: Exchange) -> Iterator[bytes]:
            until(output.getvalue)
            yield b'data: {"jsonrpc": "2.0", "id": 1, "result": {}}\n'

    Shim(lambda: Twice("http://127.0.0.1:1", {}), output, {}).serve(io.BytesIO(2 * LISTEN))
    told = [json.loads(line) for line in output.getvalue().splitlines()]
    assert [("error" in one, "result" in one) for one in told] == [(True, False), (False, True)]


def test_what_is_cancelled_before_its_thread_has_begun_listens_to_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    cancelled = b'{"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}}\n'
    begun: list[threading.Thread] = []
    heard: list[str] = []

    class Late(threading.Thread):
        """The last one that was started runs first."""

        def start(self) -> None:
            begun.append(self)

        def is_alive(self) -> bool:
            return True

        def join(self, timeout: float | None = None) -> None:
            begun.pop().run()

    class Door(Transport):
        def send(self, request: HttpRequest, exchange: Exchange | None = None) -> HttpAnswer:
            heard.append("a notification")
            return HttpAnswer(202, b"")

        def lines(self, request: HttpRequest, exchange: Exchange) -> Iterator[bytes]:
            heard.append("broken off" if exchange.broken_off else "a stream")
            return iter(())

    monkeypatch.setattr(threading, "Thread", Late)
    Shim(lambda: Door("http://127.0.0.1:1", {}), io.BytesIO(), {}).serve(io.BytesIO(LISTEN + cancelled))
    assert heard == ["broken off"]


async def test_a_change_of_a_resource_is_told_to_whoever_listens_over_pipes(cli: CommandLine) -> None:
    cli("task", "create", "listened")
    uri = "signalbox://shop/tasks/listened"
    async with over_pipes(cli, "auto") as one:
        async with one.client.listen(resource_subscriptions=[uri]) as stream:
            cli("task", "cancel", "listened")
            assert await soon(anext(aiter(stream))) == ResourceUpdated(uri=uri)
            assert (await one.read(uri))["status"] == "cancelled"
        # It was ended by the client, whose other calls go on.
        assert (await one.read(uri))["status"] == "cancelled"
        with pytest.raises(MCPError, match="There is no task"):
            async with one.client.listen(resource_subscriptions=["signalbox://shop/tasks/nobody"]):
                pass


async def test_over_http_who_listens_hears_of_what_it_may_read_until_its_key_is_gone(cli: CommandLine) -> None:
    url = json.loads((cli.folder / ".signalbox" / "server.json").read_text())["url"]
    cli("task", "create", "heard")
    issued = cli("key", "issue", "listener", "--role", "worker", "--project", "shop", "--json").json
    uris = ["signalbox://shop/tasks/heard", "signalbox://shop/locks"]
    async with agent_at(url, issued["secret"]) as one:
        with pytest.raises(MCPError, match="at most"):
            async with one.client.listen(resource_subscriptions=[f"{uris[0]}{number}" for number in range(9)]):
                pass
        async with one.client.listen(resource_subscriptions=uris) as stream:
            events = aiter(stream)
            cli("task", "create", "unheard")
            cli("task", "cancel", "heard")
            assert await soon(anext(events)) == ResourceUpdated(uri=uris[0]), "nothing else reads otherwise now"
            cli("key", "revoke", issued["key"])
            with pytest.raises(StopAsyncIteration):
                await soon(anext(events))
