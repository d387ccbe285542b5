"""Boards and inboxes through GraphQL, which shows an agent only its own mail, and on the command line."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from signalbox.client.endpoint import find_endpoint
from signalbox.client.synchronous import Client
from tests.support.command_line import CommandLine, end
from tests.support.whole_server import Caller, WholeServer, whole_server

NOTES = """query($where: NoteFilter, $asOf: Position) { notes(where: $where, asOf: $asOf) {
  stale edges { node { number thread text author sessionId taskId agent } } } }"""
INBOX = """query($session: String!, $read: Boolean) { inbox(project: "shop", session: $session, read: $read) {
  edges { node { number text kind sender claim token read readAt } } } }"""


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[WholeServer]:
    async with whole_server(tmp_path) as found:
        await found.owner.done("create_project", name="shop")
        yield found


async def nodes(caller: Caller, query: str, **variables: object) -> list[dict[str, Any]]:
    content = await caller.ask(query, **variables)
    (page,) = content["data"].values()
    return [edge["node"] for edge in page["edges"]]


async def test_the_board_is_shown_with_its_threads_and_its_past(server: WholeServer) -> None:
    await server.owner.done("post_note", project="shop", text="first", agent="me")
    before = server.head
    await server.owner.done("post_note", project="shop", text="second", answers=1)
    await server.in_order()
    found = await nodes(server.owner, NOTES, where={"project": "shop"})
    assert [(one["number"], one["thread"], one["text"], one["agent"]) for one in found] == [
        (2, 1, "second", ""), (1, 1, "first", "me"),
    ]  # fmt: skip
    assert {one["sessionId"] for one in found} == {None}
    assert [one["text"] for one in await nodes(server.owner, NOTES, asOf=before)] == ["first"]
    assert await nodes(server.owner, NOTES, where={"author": "key_nobody"}) == []


async def test_an_agent_reads_its_own_mail_and_people_read_all(server: WholeServer) -> None:
    mine, other = await server.caller("worker", "shop"), await server.caller("worker", "shop")
    session = (await mine.done("open_session", projects=["shop"]))["session"]
    await other.done("send_message", project="shop", to=session, text="hello")
    await other.done("send_message", project="shop", to=session, text="again")
    await mine.done("acknowledge_messages", project="shop", session=session, incarnation=1, through=1)
    await server.in_order()
    for reader in (mine, server.owner):
        found = await nodes(reader, INBOX, session=session)
        assert [(one["number"], one["text"], one["read"]) for one in found] == [(1, "hello", True), (2, "again", False)]
        assert [one["number"] for one in await nodes(reader, INBOX, session=session, read=False)] == [2]
    for name in (session, "sess_nobody"):
        content = await other.ask(INBOX, session=name)
        assert content["errors"][0]["extensions"]["code"] == "not_permitted"


@pytest.fixture(scope="module")
def cli(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CommandLine]:
    line = CommandLine(tmp_path_factory.mktemp("served"))
    serving = line.serve()
    try:
        line("project", "create", "shop")
        yield line
    finally:
        assert end(serving) == 0


def test_the_command_line_writes_and_reads(cli: CommandLine) -> None:
    cli("task", "create", "api", "--title", "API")
    assert cli("note", "post", "hello", "--task", "api").out == "note 1\n"
    assert cli("note", "post", "and", "--task", "api", "--answers", "1", "--json").json["number"] == 2
    assert [one["text"] for one in cli("note", "list", "--task", "api", "--json").json["notes"]] == ["and", "hello"]
    assert "no notes" in cli("note", "list", "--thread", "7").out
    refused = cli("note", "post", "x", "--answers", "5", "--json", code=1).json["error"]
    assert refused["code"] == "unknown_note"


def test_the_command_line_sends_lists_and_acknowledges(cli: CommandLine) -> None:
    with Client(find_endpoint(data=cli.folder / ".signalbox", environment={})) as client:
        session = str(client.command("open_session", projects=["shop"]).answer["session"])
        claims = [{"claim": "path:repo//a"}]
        client.command("acquire_locks", project="shop", session=session, incarnation=1, claims=claims)
    mine: Any = {"SIGNALBOX_SESSION": session, "SIGNALBOX_INCARNATION": "1"}
    assert cli("inbox", "send", session[-8:], "hello").out == f"message 1 to {session}\n"
    cli("inbox", "send", "path:repo//**", "please", "--please-release")
    listed = cli("inbox", "list", "--json", **mine).json["messages"]
    assert [(one["number"], one["kind"], one["claim"]) for one in listed] == [
        (1, "message", ""), (2, "please_release", "path:repo//a"),
    ]  # fmt: skip
    assert cli("inbox", "acknowledge", "2", **mine).out == "read up to 2; 0 wait\n"
    assert "no messages" in cli("inbox", "list", **mine).out
    assert len(cli("inbox", "list", "--all", "--json", **mine).json["messages"]) == 2
