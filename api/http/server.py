"""Serving an application with uvicorn until a signal comes, and coming to an orderly end."""

import asyncio
import signal
import socket
import sys
import threading
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from ipaddress import ip_address
from typing import Final, Protocol

import uvicorn

from api.http.asgi import ASGIApp, Receive, Scope, Send
from api.http.protocol import BoundedProtocol

KEEP_ALIVE_SECONDS: Final = 75
WEBSOCKET_MESSAGE_BYTES_MAX: Final = 262_144
WEBSOCKET_QUEUE_MAX: Final = 32
_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


class ServedApp(Protocol):
    """An ASGI application that can be told to come to an end."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None: ...

    def begin_stop(self) -> None: ...

    async def close(self) -> None: ...


class ServerLimits(Protocol):
    """Limits of the listening side."""

    @property
    def backlog(self) -> int: ...
    @property
    def graceful_seconds_max(self) -> int: ...


class ServerSettings(Protocol):
    """Where to listen."""

    @property
    def host(self) -> str: ...
    @property
    def port(self) -> int: ...
    @property
    def http(self) -> ServerLimits: ...


async def serve(app: ServedApp, settings: ServerSettings, *, started: Callable[[str], None] | None = None) -> None:
    """Serve until SIGINT or SIGTERM; a second one hurries. ``started`` gets the URL once connections are taken.

    Raises OSError where the address cannot be had.
    """
    listener = listen(settings)
    config = configuration(app, settings.http)
    server = _Server(config, app, lambda: None if started is None else started(url_of(listener)))
    try:
        await server.serve([listener])
    finally:
        listener.close()
        await app.close()


def configuration(app: ASGIApp, limits: ServerLimits) -> uvicorn.Config:
    """How uvicorn serves an application here."""
    return uvicorn.Config(
        app,
        http=BoundedProtocol,
        ws_max_size=WEBSOCKET_MESSAGE_BYTES_MAX,
        ws_max_queue=WEBSOCKET_QUEUE_MAX,
        ws_per_message_deflate=False,
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        backlog=limits.backlog,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=limits.graceful_seconds_max,
    )


def run(main: Callable[[], Awaitable[None]]) -> None:
    """Run the server's main function on the fastest event loop there is."""
    factory = None
    if sys.platform != "win32":
        import uvloop

        factory = uvloop.new_event_loop

    async def awaited() -> None:
        await main()

    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(awaited())


def listen(settings: ServerSettings) -> socket.socket:
    """A listening socket; it is there before anything is promised to anybody."""
    family, kind, number, _, address = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)[0]
    listener = socket.socket(family, kind, number)
    try:
        if sys.platform != "win32":
            # Elsewhere this would let a second server take the same port.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(settings.http.backlog)
        listener.setblocking(False)
    except OSError:
        listener.close()
        raise
    return listener


def url_of(listener: socket.socket) -> str:
    """How a program on this machine calls the server."""
    host, port = listener.getsockname()[:2]
    address = ip_address(host)
    if address.is_unspecified:
        address = ip_address("127.0.0.1" if address.version == 4 else "::1")
    return f"http://{address}:{port}" if address.version == 4 else f"http://[{address}]:{port}"


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, app: ServedApp, started: Callable[[], None]) -> None:
        super().__init__(config)
        self._app = app
        self._on_started = started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        # Whoever was interrupted before signals were taken is told here: behind this, the lifespan would be left open.
        await asyncio.sleep(0)
        await super().startup(sockets)
        try:
            self._on_started()
        except BaseException:
            await self.shutdown(sockets)
            raise

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._app.begin_stop()
        await super().shutdown(sockets)

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        """Only ask to exit: uvicorn would raise the signal once more, past all that its caller has to put away."""
        if sys.platform == "win32" or threading.current_thread() is not threading.main_thread():
            with super().capture_signals():
                yield
            return
        loop = asyncio.get_running_loop()
        former = {one: signal.getsignal(one) for one in _SIGNALS}
        for one in _SIGNALS:
            loop.add_signal_handler(one, self._ask_to_exit)
        try:
            yield
        finally:
            for one, handler in former.items():
                loop.remove_signal_handler(one)
                signal.signal(one, handler)

    def _ask_to_exit(self) -> None:
        self.force_exit = self.should_exit
        self.should_exit = True
        self._app.begin_stop()
