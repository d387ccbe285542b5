"""HTTP to one server: connections that are kept, time limits, and one free repeat where a kept one had died."""

import http.client
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from signalbox.client.errors import ServerFaultError, ServerUnavailable

CONNECT_SECONDS_MAX: Final = 5.0
IDLE_SECONDS_MAX: Final = 4.0
"""Servers close idle connections after some seconds; ours are dropped a little earlier."""
IDLE_CONNECTIONS_MAX: Final = 32
ANSWER_BYTES_MAX: Final = 64 * 1_048_576
LINE_BYTES_MAX: Final = 1_048_576
"""Of an answer that is taken line by line."""


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """What goes over the wire; ``seconds_max`` bounds the silence before and inside the answer."""

    method: str
    path: str
    body: bytes | None = None
    seconds_max: float = 15.0
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    """Beside those of every request."""
    repeatable: bool = True
    """Whether it may be sent again by itself, where a kept connection had died under it."""


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    status: int
    body: bytes


@dataclass(slots=True)
class Exchange:
    """One request under way; whoever waits for it may break it off from another thread."""

    connection: http.client.HTTPConnection | None = None
    broken_off: bool = False

    def break_off(self) -> None:
        """End the wait. Whether the server acts on the request is unknown from here on."""
        self.broken_off = True
        sock = None if self.connection is None else self.connection.sock
        if sock is not None:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)


@dataclass(slots=True)
class _Idle:
    connection: http.client.HTTPConnection
    since: float


@dataclass(slots=True)
class Transport:
    """Sends requests to one server; any number of threads may use it."""

    url: str
    headers: Mapping[str, str] = field(repr=False)
    _idle: list[_Idle] = field(init=False, default_factory=list[_Idle], repr=False)
    _lock: threading.Lock = field(init=False, default_factory=threading.Lock, repr=False)

    def send(self, request: HttpRequest, exchange: Exchange | None = None) -> HttpAnswer:
        """The server's answer, whatever its status.

        Raises ServerUnavailable without one, ServerFaultError for one that is no HTTP or larger than 64 MiB.
        """
        exchange = exchange or Exchange()
        kept = self._take() if request.repeatable else None
        try:
            if kept is not None:
                with suppress(ConnectionError, http.client.RemoteDisconnected):
                    return self._attempt(kept, request, exchange)
            return self._attempt(self._connection(), request, exchange)
        except (OSError, http.client.RemoteDisconnected) as error:
            raise unavailable(self.url, error) from error
        except http.client.HTTPException as error:
            raise _not_understood(self.url, type(error).__name__) from error

    def lines(self, request: HttpRequest, exchange: Exchange) -> Iterator[bytes]:
        """The answer line by line while it comes, on a connection of its own; it ends where the exchange is broken off.

        Raises as ``send`` does.
        """
        connection = self._connection()
        try:
            response = self._asked(connection, request, exchange)
            while line := response.readline(LINE_BYTES_MAX):
                yield line
        except (OSError, http.client.RemoteDisconnected) as error:
            if not exchange.broken_off:
                raise unavailable(self.url, error) from error
        except http.client.HTTPException as error:
            raise _not_understood(self.url, type(error).__name__) from error
        finally:
            exchange.connection = None
            connection.close()

    def close(self) -> None:
        """Drop the kept connections."""
        with self._lock:
            idle, self._idle = self._idle, []
        for one in idle:
            one.connection.close()

    def _attempt(self, connection: http.client.HTTPConnection, request: HttpRequest, exchange: Exchange) -> HttpAnswer:
        try:
            answer = self._exchanged(connection, request, exchange)
        except BaseException:
            connection.close()
            raise
        finally:
            exchange.connection = None
        return answer

    def _exchanged(
        self, connection: http.client.HTTPConnection, request: HttpRequest, exchange: Exchange
    ) -> HttpAnswer:
        response = self._asked(connection, request, exchange)
        try:
            body = response.read(ANSWER_BYTES_MAX + 1)
        except http.client.IncompleteRead as error:
            raise ConnectionResetError("the answer was cut off") from error
        if len(body) > ANSWER_BYTES_MAX:
            raise _not_understood(self.url, "too large")
        if response.length:
            # A server that dies behind the head leaves a short body, which read(n) takes without a word.
            raise ConnectionResetError("the answer was cut off")
        if response.will_close:
            connection.close()
        else:
            self._keep(connection)
        return HttpAnswer(response.status, body)

    def _asked(
        self, connection: http.client.HTTPConnection, request: HttpRequest, exchange: Exchange
    ) -> http.client.HTTPResponse:
        """The head of the answer."""
        if connection.sock is None:
            connection.connect()
        exchange.connection = connection
        sock: socket.socket | None = connection.sock
        if sock is not None:
            sock.settimeout(request.seconds_max)
        if exchange.broken_off:
            raise TimeoutError("broken off")
        headers = {**self.headers, **request.headers}
        if request.body is not None:
            headers["Content-Type"] = "application/json"
        connection.request(request.method, self._prefix() + request.path, body=request.body, headers=headers)
        return connection.getresponse()

    def _prefix(self) -> str:
        return urlsplit(self.url).path.rstrip("/")

    def _connection(self) -> http.client.HTTPConnection:
        parts = urlsplit(self.url)
        host = parts.hostname or ""
        if parts.scheme == "https":
            context = ssl.create_default_context()
            return http.client.HTTPSConnection(host, parts.port, timeout=CONNECT_SECONDS_MAX, context=context)
        return http.client.HTTPConnection(host, parts.port, timeout=CONNECT_SECONDS_MAX)

    def _take(self) -> http.client.HTTPConnection | None:
        with self._lock:
            while self._idle:
                idle = self._idle.pop()
                if time.monotonic() - idle.since < IDLE_SECONDS_MAX:
                    return idle.connection
                idle.connection.close()
        return None

    def _keep(self, connection: http.client.HTTPConnection) -> None:
        with self._lock:
            if len(self._idle) < IDLE_CONNECTIONS_MAX:
                self._idle.append(_Idle(connection, time.monotonic()))
                return
        connection.close()


def unavailable(url: str, error: Exception) -> ServerUnavailable:
    reason = "it does not answer in time" if isinstance(error, TimeoutError) else (str(error) or type(error).__name__)
    return ServerUnavailable(
        "unreachable",
        f"the server at {url} cannot be reached: {reason}",
        "See that it runs (`signalbox up`) and that the URL is right, then repeat.",
    )


def _not_understood(url: str, what: str) -> ServerFaultError:
    return ServerFaultError(
        "not_understood",
        f"the answer of {url} cannot be understood: {what}",
        "See that the URL is that of a Signalbox server, and that nothing in between rewrites its answers.",
    )
