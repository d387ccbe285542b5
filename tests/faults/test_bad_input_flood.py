"""A caller that never stops asking for what it is refused: the record stays small, the count is seen, others go on."""

import re
from collections.abc import AsyncIterator

import pytest

from domain.refusal.decider import KEPT_PER_MINUTE_MAX
from tests.support.scene import a_scene
from tests.support.whole_server import WholeServer, whole_server


@pytest.fixture
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[WholeServer]:
    async with whole_server(tmp_path_factory.mktemp("server")) as started:
        yield started


async def counted(server: WholeServer, code: str) -> int:
    text = (await server.owner.send(b"", "/metrics", "GET")).body.decode()
    found = re.search(rf'signalbox_refusals_counted_total{{code="{code}"}} (\d+)', text)
    return int(found.group(1)) if found else 0


async def test_the_same_refusal_is_recorded_once_and_counted_from_then_on(server: WholeServer) -> None:
    scene = await a_scene(server)
    worker = await server.caller("worker", scene.name)
    before = server.head
    for _ in range(200):
        told = await worker.command("freeze_project", {"project": scene.name})
        assert (told.status, told.code) == (403, "not_permitted")
        await server.edge.settle()
    assert await server.types_after(before) == ["command.refused.v1"]
    assert await counted(server, "not_permitted") == 199


async def test_made_up_tokens_fill_neither_the_record_nor_the_task(server: WholeServer) -> None:
    scene = await a_scene(server)
    before = server.head
    for number in range(300):
        fields = {"project": scene.name, "task": scene.held, "token": str(10**15 + number)}
        assert (await scene.caller.command("complete_task", fields)).code == "fenced"
    assert await server.types_after(before) == ["command.refused.v1"] * KEPT_PER_MINUTE_MAX
    assert await counted(server, "fenced") == 300 - KEPT_PER_MINUTE_MAX
    await scene.caller.done("complete_task", project=scene.name, task=scene.held, token=scene.token)
    await server.in_order()
