"""The HTTP protocol of uvicorn with limits on heads and on time, and with responses written in one piece."""

import asyncio
from functools import partial
from typing import Any, Final, NamedTuple, cast

import uvicorn
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from api.http.answers import Reply, plain_fields, send_reply
from api.http.asgi import WHOLE, Receive, Scope, Send
from api.http.known_head import KnownHead, known_head

HEAD_BYTES_MAX: Final = 65_536
REQUEST_SECONDS_MAX: Final = 60.0
"""From the first byte of a request, or the connection, to the last byte of its body."""
_TOO_LARGE: Final = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class _NobodyWaits(asyncio.Event):
    """Stands for the word that more of a body is there, for a request that is whole and has no task."""

    def set(self) -> None:
        """Nobody is told."""


_NOBODY_WAITS: Final = _NobodyWaits()


class _Held(NamedTuple):
    """A request that has begun and has no task yet: its body may arrive in the same piece as its head."""

    cycle: RequestResponseCycle
    app: Any


class BoundedProtocol(HttpToolsProtocol):
    """A request that does not end is cut off; header fields behind the body are dropped.

    A timer runs only for requests that do not arrive in one piece. Those that do, with a body, are offered to the
    application's ``quick``, where it has one, before they get a task.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._in_head = True
        self._in_request = True
        self._head_bytes = 0
        self._timer: asyncio.TimerHandle | None = None
        self._beginning = False
        self._held: _Held | None = None
        self._known: KnownHead | None = None
        """Of the latest request that was offered to ``quick``: most clients send the same head each time."""
        self._offered: Any = None
        """The application that the request in the latest piece was offered to."""
        self._upgraded = False
        self._limit_time()

    def connection_lost(self, exc: Exception | None) -> None:
        self._is_whole()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        idle = self._is_idle()
        if idle and self._known is not None and self._take_known(self._known, data):
            return
        self._offered = None
        super().data_received(data)
        if self._upgraded:
            return  # the connection is a websocket's from here on
        if self._held is not None:
            self._go_the_usual_way(*self._held)
        if not self._in_request:
            if self.timeout_keep_alive_task is None and self._is_idle():
                self._limit_time()  # line ends between requests begin none
            if idle and self._offered is not None and self.cycle.keep_alive:
                self._known = known_head(data, cast("Scope", self.scope), self._offered)
            return
        self._limit_time()
        if self._in_head:
            self._head_bytes += len(data)
            if self._head_bytes > HEAD_BYTES_MAX:
                self.transport.write(_TOO_LARGE)
                self.transport.close()

    def handle_websocket_upgrade(self) -> None:
        self._upgraded = True
        self._is_whole()
        super().handle_websocket_upgrade()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        # Behind one that was answered at once, in the same piece, it would end this one.
        self._unset_keepalive_if_required()
        self._in_head = self._in_request = True
        self._head_bytes = 0

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._beginning = True
        super().on_headers_complete()
        self._beginning = False

    def on_message_complete(self) -> None:
        self._is_whole()
        super().on_message_complete()
        held, self._held = self._held, None
        if held is None:
            return
        self._offered = held.app
        self._offer(*held)

    def _is_idle(self) -> bool:
        """Whether a request was answered, and no byte of another one has arrived."""
        return not self._in_request and self.cycle.response_complete and not self.transport.is_closing()

    def _take_known(self, known: KnownHead, data: bytes) -> bool:
        """Take a request whose head is known and whose body is whole, past the parser; False for any other."""
        found = known.split(data)
        if found is None:
            return False
        digits, body = found
        self._is_whole()
        self._unset_keepalive_if_required()
        self.scope = cast("Any", known.scope(digits, self.app_state.copy()))
        self.cycle = cycle = RequestResponseCycle(
            scope=self.scope,
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=self.access_log,
            default_headers=self.server_state.default_headers,
            message_event=_NOBODY_WAITS,
            expect_100_continue=False,
            keep_alive=True,
            on_response=self.on_response_complete,
        )
        cycle.body += body
        cycle.more_body = False
        self._offer(cycle, known.app)
        return True

    def _offer(self, cycle: RequestResponseCycle, app: Any) -> None:
        if not app.quick(cycle.scope, bytes(cycle.body), partial(self._answer, cycle)):
            self._go_the_usual_way(cycle, app)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        # One that waits for a go-ahead sends no body before somebody asks for it.
        whole_soon = self._beginning and cycle.scope["method"] == "POST" and not cycle.waiting_for_100_continue
        if whole_soon and hasattr(app, "quick"):
            self._held = _Held(cycle, app)
            return
        cycle.scope.setdefault("state", {})[WHOLE] = partial(send_whole, cycle)
        super()._start_asgi_task(cycle, app)

    def _go_the_usual_way(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._held = None
        if cycle.message_event is _NOBODY_WAITS:
            cycle.message_event = asyncio.Event()
            cycle.message_event.set()
        self._start_asgi_task(cycle, app)

    def _answer(self, cycle: RequestResponseCycle, reply: Reply) -> None:
        if cycle.disconnected or self.transport.is_closing():
            return  # uvicorn tells only the latest of several that the client is gone
        fields = plain_fields(reply)
        if fields is None or not send_whole(cycle, reply.status, fields, reply.body):

            async def replying(scope: Scope, _: Receive, send: Send) -> None:
                await send_reply(scope, send, reply)

            self._start_asgi_task(cycle, replying)
        else:
            cycle.on_response = _nothing  # as the task would: it leads back to this connection

    def _limit_time(self) -> None:
        if self._timer is None:
            self._timer = self.loop.call_later(REQUEST_SECONDS_MAX, self._cut_off)

    def _is_whole(self) -> None:
        self._in_request = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _cut_off(self) -> None:
        if not self.transport.is_closing():
            self.transport.close()


def _nothing() -> None:
    """What is left to do behind a response that was sent."""


def send_whole(cycle: RequestResponseCycle, status: int, fields: bytes, body: bytes) -> bool:
    """Write a whole response at once. ``fields`` are further header lines, each ended, without those of the length.

    False where it has to go the usual way: to a client that reads too slowly or wants the head alone.
    """
    if cycle.flow.write_paused or cycle.disconnected or cycle.response_started or cycle.scope["method"] == "HEAD":
        return False
    own = b"".join([b"%b: %b\r\n" % field for field in cycle.default_headers])
    close = b"" if cycle.keep_alive else b"connection: close\r\n"
    head = b"%b%b%bcontent-length: %d\r\n%b\r\n" % (STATUS_LINE[status], own, fields, len(body), close)
    cycle.transport.write(head + body)
    cycle.response_started = cycle.response_complete = True
    # It leads back to the cycle: whatever goes in a circle has to be found by the garbage collector.
    cycle.scope.get("state", {}).pop(WHOLE, None)
    cycle.message_event.set()
    if not cycle.keep_alive:
        cycle.transport.close()
    cycle.on_response()
    return True
