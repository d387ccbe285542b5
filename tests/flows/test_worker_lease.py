"""When a worker has to stop by itself: its work ends before its lease can have run out at the server."""

import asyncio
import io
from collections.abc import AsyncIterator
from typing import Any, cast

import pytest

from api.cli.worker.held import Held, Stop
from api.cli.worker.journal import Journal
from api.cli.worker.life import CONFIRM_SECONDS_MIN, Life
from api.cli.worker.settings import WorkerSettings
from signalbox.client import AsyncClient
from signalbox.client.asks import Ask, Heard
from signalbox.client.errors import ServerUnavailable
from signalbox.client.work import Assignment, OpenedLife

TTL_SECONDS = 40
OPENED_AT = 1_000.0
SECONDS_MAX = 30.0
SETTINGS = WorkerSettings(project="shop", command=None)
LASTS_SECONDS = TTL_SECONDS - SETTINGS.margin_seconds


class Server:
    """Answers heartbeats or, while it is away, nothing; the worker's clock goes as the script says."""

    def __init__(self) -> None:
        self.clock = OPENED_AT
        self.away = False
        self.beaten = asyncio.Event()
        self.seconds_each_beat = 0.0

    async def ask(self, ask: Ask[Any]) -> Heard:
        assert ask.request.path == "/v1/heartbeat"
        self.beaten.set()
        if self.away:
            raise ServerUnavailable("unreachable", "", "")
        self.clock += self.seconds_each_beat
        return Heard("live", TTL_SECONDS, TTL_SECONDS, held=(), revoked=())

    async def beat_again(self) -> None:
        """Wait until two more beats went out: the answer to the first of them is known."""
        async with asyncio.timeout(SECONDS_MAX):
            for _ in range(2):
                self.beaten.clear()
                await self.beaten.wait()


class Kept:
    """A life that is kept, with one task in its hands."""

    def __init__(self, server: Server) -> None:
        opened = OpenedLife("sess_a", 1, TTL_SECONDS, beat_seconds=0.02)
        client, journal = cast("AsyncClient", server), Journal(as_json=True, stream=io.StringIO())
        self.life = Life(opened, OPENED_AT, SETTINGS, client, journal, clock=lambda: server.clock)
        self.held = Held(Assignment("shop", "task_1", "a", "A", "1001", 1, None, None, {}))
        self.life.take(self.held)
        self.keeping = asyncio.ensure_future(self.life.keep())

    async def stopped(self) -> Stop:
        async with asyncio.timeout(SECONDS_MAX):
            return await asyncio.shield(self.held.stopped)

    async def guarded(self) -> None:
        """Let the guard look at the clock at least once more."""
        await asyncio.sleep(2 * CONFIRM_SECONDS_MIN)
        assert not self.held.stopped.done()


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
async def kept(server: Server) -> AsyncIterator[Kept]:
    one = Kept(server)
    yield one
    one.keeping.cancel()
    await asyncio.gather(one.keeping, return_exceptions=True)


async def test_work_is_stopped_before_the_lease_can_have_run_out_at_the_server(server: Server, kept: Kept) -> None:
    await server.beat_again()
    server.away = True
    server.clock = OPENED_AT + LASTS_SECONDS - CONFIRM_SECONDS_MIN
    await kept.guarded()
    server.clock = OPENED_AT + LASTS_SECONDS
    assert await kept.stopped() is Stop.UNREACHABLE
    assert server.clock + SETTINGS.term_seconds < OPENED_AT + TTL_SECONDS, "what does not listen is killed in time, too"


async def test_every_answer_renews_the_lease(server: Server, kept: Kept) -> None:
    for _ in range(3):
        server.clock += LASTS_SECONDS - CONFIRM_SECONDS_MIN
        await server.beat_again()
        await kept.guarded()


async def test_a_lease_runs_from_before_the_beat_was_sent(server: Server, kept: Kept) -> None:
    """However late the answer is: when the server heard the beat is not known."""
    server.seconds_each_beat = LASTS_SECONDS
    assert await kept.stopped() is Stop.UNREACHABLE


async def test_heartbeats_do_not_outlive_the_guard_of_the_work(
    server: Server, kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(_held: Held, _why: Stop) -> None:
        raise RuntimeError("of its own")

    monkeypatch.setattr(Held, "stop", failing)
    server.away = True
    server.clock = OPENED_AT + LASTS_SECONDS
    async with asyncio.timeout(SECONDS_MAX):
        with pytest.raises(RuntimeError, match="of its own"):
            await kept.keeping
