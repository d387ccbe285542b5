"""The client for asyncio: the same transport on a few threads; a cancelled request is broken off."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from signalbox.client.asks import Ask
from signalbox.client.endpoint import Endpoint
from signalbox.client.errors import ServerUnavailable
from signalbox.client.retries import Pauses
from signalbox.client.synchronous import headers_of
from signalbox.client.transport import Exchange, HttpAnswer, HttpRequest, Transport

T = TypeVar("T")


class AsyncClient:
    """Asks one server, at most ``requests_max`` requests at a time; further ones wait for their turn."""

    def __init__(self, endpoint: Endpoint, *, requests_max: int = 16) -> None:
        self.endpoint = endpoint
        self._transport = Transport(endpoint.url, headers_of(endpoint))
        self._threads = ThreadPoolExecutor(requests_max, thread_name_prefix="signalbox-client")

    async def ask(self, ask: Ask[T], *, patience_seconds: float = 0.0) -> T:
        """The answer. Without one, asks again for ``patience_seconds``, which sends a command under the same id.

        Raises Refused, ServerUnavailable or ServerFaultError.
        """
        pauses = Pauses(patience_seconds)
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
