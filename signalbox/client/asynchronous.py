"""The client for asyncio: the same transport on a few threads; a cancelled request is broken off."""

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from signalbox.client.asks import Accepted, Ask, Waited, command, graphql, wait
from signalbox.client.async_sessions import AsyncSession
from signalbox.client.endpoint import Endpoint, find_endpoint
from signalbox.client.errors import ServerUnavailable
from signalbox.client.fields import Fields
from signalbox.client.retries import Pauses
from signalbox.client.synchronous import headers_of
from signalbox.client.transport import Exchange, HttpAnswer, HttpRequest, Transport

T = TypeVar("T")


class AsyncClient:
    """Asks one server, at most ``requests_max`` requests at a time; further ones wait for their turn."""

    def __init__(self, endpoint: Endpoint, *, requests_max: int = 16, patience_seconds: float = 0.0) -> None:
        self.endpoint = endpoint
        self._patience_seconds = patience_seconds
        self._transport = Transport(endpoint.url, headers_of(endpoint))
        self._threads = ThreadPoolExecutor(requests_max, thread_name_prefix="signalbox-client")

    @classmethod
    def find(cls, *, url: str | None = None, key: str | None = None, data: Path | None = None) -> Self:
        """A client of the server that `find_endpoint` finds, with 10 s of patience; it raises what that raises."""
        return cls(find_endpoint(url=url, key=key, data=data), patience_seconds=10.0)

    def session(self, project: str, **said: object) -> AsyncSession:
        """A session that beats by itself, opened by ``async with``; see ``Client.session``."""
        return AsyncSession(self, project, said)

    async def command(self, name: str, /, **fields: object) -> Accepted:
        """Send one command under a fresh id."""
        return await self.ask(command(name, fields))

    async def graphql(self, query: str, variables: Mapping[str, object] | None = None) -> Fields:
        """The ``data`` of a query."""
        return await self.ask(graphql(query, variables or {}))

    async def wait(self, project: str, after: int, seconds: float) -> Waited:
        """Until an event of the project lies behind the position, or so long (30 at most)."""
        return await self.ask(wait(project, after, seconds))

    async def ask(self, ask: Ask[T], *, patience_seconds: float | None = None) -> T:
        """The answer. Without one, asks again for so long, which sends a command under the same id.

        None is the patience of the client.

        Raises Refused, ServerUnavailable or ServerFaultError.
        """
        pauses = Pauses(self._patience_seconds if patience_seconds is None else patience_seconds)
        while True:
            try:
                return ask.read(await self._send(ask.request))
            except ServerUnavailable:
                pause = pauses.following()
                if pause is None or not ask.repeatable:
                    raise
            await asyncio.sleep(pause)

    async def close(self) -> None:
        """Drop the kept connections; requests under way were cancelled, or are waited for."""
        await asyncio.to_thread(self._threads.shutdown, wait=True, cancel_futures=True)
        self._transport.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _send(self, request: HttpRequest) -> HttpAnswer:
        exchange = Exchange()
        sent = asyncio.get_running_loop().run_in_executor(self._threads, self._transport.send, request, exchange)
        try:
            return await asyncio.shield(sent)
        except asyncio.CancelledError:
            exchange.break_off()
            sent.add_done_callback(_forget)
            raise


def _forget(sent: "asyncio.Future[HttpAnswer]") -> None:
    """Nobody waits for this answer any more."""
    if not sent.cancelled():
        sent.exception()
