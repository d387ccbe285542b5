"""POST /graphql and POST /graphql/stream."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import orjson
from graphql import OperationType

from api.graphql.asgi import Message, Receive, Scope, Send, header, send_json
from api.graphql.context import Caller
from api.graphql.errors import KeyNotValid, OnlyPost, Refused, RequestNotReadable
from api.graphql.execution import Execution, Request, json_text, request_of, told_all
from domain.principal.allow import Principal

BODY_BYTES_MAX: Final = 1_048_576
BODY_SECONDS_MAX: Final = 30
ALIVE_SECONDS: Final = 12.0
"""A stream on which nothing happens says this often that it lives."""
SLOW_SECONDS: Final = 20.0
"""A reader that does not take one event for so long is cut off; it goes on behind the id of its last event."""
Authenticate = Callable[[str], Principal | None]


@dataclass(frozen=True, slots=True)
class HttpDoor:
    """Answers requests over HTTP."""

    execution: Execution
    authenticate: Authenticate

    async def post(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One operation, one answer."""
        try:
            request, caller = await self._read(scope, receive)
        except Refused as refused:
            await _refuse(send, refused)
            return
        answer = await self.execution.run(request, caller)
        await send_json(send, answer.status, answer.text)

    async def stream(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One operation; its answers come as server-sent events, each with its position as id."""
        try:
            request, caller = await self._read(scope, receive)
            kind = self.execution.kind(request)
        except Exception as error:
            await _refuse(send, error)
            return
        await send({"type": "http.response.start", "status": 200, "headers": _EVENT_STREAM})
        if kind is OperationType.SUBSCRIPTION:
            await _until_gone(self._events(request, caller, send), receive)
        else:
            await _send_event(send, b"next", (await self.execution.run(request, caller)).text)
            await _send_event(send, b"complete", b"", last=True)

    async def _events(self, request: Request, caller: Caller, send: Send) -> None:
        context = self.execution.context(caller)
        answers = self.execution.stream(request, context)
        coming = asyncio.ensure_future(anext(answers, None))
        try:
            while True:
                await asyncio.wait({coming}, timeout=ALIVE_SECONDS)
                if not coming.done():
                    await _within(send({"type": "http.response.body", "body": b":\n\n", "more_body": True}))
                    continue
                text = _result(coming)
                if text is None:
                    break
                await _within(_send_event(send, b"next", text, position=context.cursor))
                if b'"errors"' in text[:9]:
                    break
                coming = asyncio.ensure_future(anext(answers, None))
            await _within(_send_event(send, b"complete", b"", last=True))
        finally:
            coming.cancel()
            await asyncio.gather(coming, return_exceptions=True)
            await answers.aclose()

    async def _read(self, scope: Scope, receive: Receive) -> tuple[Request, Caller]:
        if scope["method"] != "POST":
            raise Refused(OnlyPost())
        authorization = header(scope, b"authorization")
        secret = authorization[7:].decode("latin-1").strip() if authorization[:7].lower() == b"bearer " else ""
        principal = self.authenticate(secret)
        if principal is None:
            raise Refused(KeyNotValid())
        kind = header(scope, b"content-type").partition(b";")[0].strip().lower()
        if kind != b"application/json":
            raise Refused(RequestNotReadable(reason="its content type is not application/json"))
        try:
            content = orjson.loads(await _body(receive))
        except orjson.JSONDecodeError:
            raise Refused(RequestNotReadable(reason="the body is not JSON")) from None
        correlation, trace = header(scope, b"x-correlation-id"), header(scope, b"traceparent")
        caller = Caller(principal, secret, correlation.decode("latin-1") or None, trace.decode("latin-1") or None)
        return request_of(content), caller


_EVENT_STREAM: Final = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-accel-buffering", b"no"),
]


async def _body(receive: Receive) -> bytes:
    first = await receive()
    body = _part(first)
    if first.get("more_body", False):
        try:
            async with asyncio.timeout(BODY_SECONDS_MAX):
                body = await _read_on(receive, body)
        except TimeoutError:
            raise Refused(RequestNotReadable(reason="the body came too slowly")) from None
    return _bounded(body)


async def _read_on(receive: Receive, first: bytes) -> bytes:
    body, more = bytearray(first), True
    while more:
        message = await receive()
        body += _part(message)
        _bounded(body)
        more = message.get("more_body", False)
    return bytes(body)


def _part(message: Message) -> bytes:
    if message["type"] != "http.request":
        raise Refused(RequestNotReadable(reason="it broke off"))
    part: bytes = message.get("body", b"")
    return part


Bytes = TypeVar("Bytes", bytes, bytearray)


def _bounded(body: Bytes) -> Bytes:
    if len(body) > BODY_BYTES_MAX:
        raise Refused(RequestNotReadable(reason=f"the body is larger than {BODY_BYTES_MAX} bytes"))
    return body


async def _refuse(send: Send, error: Exception) -> None:
    errors = told_all(error)
    status: int = errors[0]["extensions"]["status"]
    further = ((b"allow", b"POST"),) if status == 405 else ()
    if status == 401:
        further = ((b"www-authenticate", b'Bearer realm="signalbox"'),)
    await send_json(send, status, json_text({"errors": errors}), *further)


async def _send_event(send: Send, name: bytes, data: bytes, *, position: int | None = None, last: bool = False) -> None:
    place = b"" if position is None else b"id: %d\n" % position
    text = b"event: %b\n%bdata: %b\n\n" % (name, place, data)
    await send({"type": "http.response.body", "body": text, "more_body": not last})


async def _within(sending: Awaitable[None]) -> None:
    async with asyncio.timeout(SLOW_SECONDS):
        await sending


def _result(done: asyncio.Future[bytes | None]) -> bytes | None:
    try:
        return done.result()
    except Exception as error:
        return json_text({"errors": told_all(error)})


async def _until_gone(work: Coroutine[Any, Any, None], receive: Receive) -> None:
    """Run until it is done or the client hangs up. A reader that is too slow ends it, too."""
    running = asyncio.ensure_future(work)
    gone = asyncio.ensure_future(_hang_up(receive))
    try:
        await asyncio.wait({running, gone}, return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            await asyncio.gather(running, return_exceptions=True)
    finally:
        running.cancel()
        gone.cancel()
        await asyncio.gather(running, gone, return_exceptions=True)


async def _hang_up(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
