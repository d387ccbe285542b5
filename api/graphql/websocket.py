"""The websocket at /graphql, speaking graphql-transport-ws."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any, Final, cast

import orjson
from graphql import OperationType

from api.graphql.asgi import Receive, Scope, Send, header
from api.graphql.context import Caller, Context
from api.graphql.errors import KeyNotValid, Refused, TooManySubscriptions
from api.graphql.execution import Execution, Request, json_text, request_of, told_all
from api.graphql.http import Authenticate

PROTOCOL: Final = "graphql-transport-ws"
INIT_SECONDS: Final = 10.0
OPERATIONS_MAX: Final = 20
MESSAGE_BYTES_MAX: Final = 262_144
QUEUE_MAX: Final = 64
"""Messages that wait to be sent on one socket; then its subscriptions stop reading the log."""
SLOW_SECONDS: Final = 20.0
ID_LENGTH_MAX: Final = 200

BAD_MESSAGE: Final = 4400
NO_KEY: Final = 4401
NO_LONGER: Final = 4403
INIT_TOO_LATE: Final = 4408
ID_TAKEN: Final = 4409
SLOW_READER: Final = 4410
TOO_MANY_INITS: Final = 4429
TOO_LARGE: Final = 1009
REFUSED: Final = 1008
PROTOCOL_ONLY: Final = 4406


class _Close(Exception):
    """Control flow: the socket ends with this code and reason."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


@dataclass(slots=True)
class _Operation:
    """One operation under way; ``sent`` is the position of its latest event that the socket took."""

    context: Context
    sent: int | None = None
    task: asyncio.Task[None] | None = None


@dataclass(frozen=True, slots=True)
class _Outgoing:
    text: bytes
    operation: _Operation | None = None
    position: int = 0


@dataclass(slots=True)
class Socket:
    """One connection."""

    execution: Execution
    authenticate: Authenticate
    scope: Scope
    receive: Receive
    send: Send
    caller: Caller | None = None
    operations: dict[str, _Operation] = field(default_factory=dict[str, _Operation])
    queue: asyncio.Queue[_Outgoing] = field(default_factory=lambda: asyncio.Queue[_Outgoing](QUEUE_MAX))
    ending: asyncio.Future[_Close] = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    async def run(self) -> None:
        """Serve until either side ends it."""
        await self.receive()
        if not _same_origin(self.scope):
            await self.send({"type": "websocket.close", "code": REFUSED, "reason": "another origin"})
            return
        if PROTOCOL not in self.scope.get("subprotocols", ()):
            await self.send({"type": "websocket.accept"})
            await self.send({"type": "websocket.close", "code": PROTOCOL_ONLY, "reason": f"speak {PROTOCOL}"})
            return
        await self.send({"type": "websocket.accept", "subprotocol": PROTOCOL})
        tasks = [asyncio.ensure_future(one) for one in (self._guarded(self._read()), self._guarded(self._write()))]
        try:
            waited: set[asyncio.Future[Any]] = {*tasks, self.ending}
            await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
        finally:
            working = [one.task for one in self.operations.values() if one.task is not None]
            for task in (*tasks, *working):
                task.cancel()
            await asyncio.gather(*tasks, *working, return_exceptions=True)
        if self.ending.done():
            close = self.ending.result()
            await self.send({"type": "websocket.close", "code": close.code, "reason": close.reason[:120]})

    async def _guarded(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except _Close as close:
            self._end(close)

    def _end(self, close: _Close) -> None:
        if not self.ending.done():
            self.ending.set_result(close)

    async def _read(self) -> None:
        try:
            async with asyncio.timeout(INIT_SECONDS):
                await self._init()
        except TimeoutError:
            raise _Close(INIT_TOO_LATE, "connection_init did not come in time") from None
        while self.caller is not None and (message := await self._message()) is not None:
            await self._take(message)

    async def _init(self) -> None:
        while self.caller is None:
            message = await self._message()
            if message is None:
                return
            match message.get("type"):
                case "ping":
                    await self._put({"type": "pong"})
                case "pong":
                    pass
                case "connection_init":
                    self.caller = self._caller(message.get("payload"))
                    await self._put({"type": "connection_ack"})
                case _:
                    raise _Close(NO_KEY, "connection_init comes first")

    async def _take(self, message: dict[str, Any]) -> None:
        match message.get("type"):
            case "ping":
                await self._put({"type": "pong"})
            case "pong":
                pass
            case "connection_init":
                raise _Close(TOO_MANY_INITS, "connection_init came twice")
            case "complete":
                found = self.operations.pop(_id_of(message), None)
                if found is not None and found.task is not None:
                    found.task.cancel()
            case "subscribe":
                await self._subscribe(_id_of(message), message.get("payload"))
            case _:
                raise _Close(BAD_MESSAGE, "no such type of message")

    async def _subscribe(self, identifier: str, payload: object) -> None:
        if identifier in self.operations:
            raise _Close(ID_TAKEN, "this id is in use")
        try:
            if len(self.operations) >= OPERATIONS_MAX:
                raise Refused(TooManySubscriptions(limit=OPERATIONS_MAX))
            request = request_of(payload)
            kind = self.execution.kind(request)
        except Exception as error:
            await self._put({"id": identifier, "type": "error", "payload": told_all(error)})
            return
        operation = _Operation(self.execution.context(self._known()))
        self.operations[identifier] = operation
        work = self._streamed if kind is OperationType.SUBSCRIPTION else self._answered
        operation.task = asyncio.get_running_loop().create_task(
            self._run(identifier, operation, work(identifier, operation, request))
        )

    async def _run(self, identifier: str, operation: _Operation, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
            await self._put({"id": identifier, "type": "complete"})
        except Exception as error:
            if isinstance(error, Refused) and isinstance(error.rejection, KeyNotValid):
                self._end(_Close(NO_LONGER, f"key_not_valid: resume after {self._cursor()}"))
                return
            await self._put({"id": identifier, "type": "error", "payload": told_all(error)})
        finally:
            if self.operations.get(identifier) is operation:
                del self.operations[identifier]

    async def _answered(self, identifier: str, operation: _Operation, request: Request) -> None:
        """A query or mutation; the key may have been revoked since the socket was opened."""
        caller = self._known()
        principal = self.authenticate(caller.secret)
        if principal is None:
            raise Refused(KeyNotValid())
        answer = await self.execution.run(request, Caller(principal, caller.secret, caller.correlation_id))
        await self.queue.put(_Outgoing(_next(identifier, answer.text)))

    async def _streamed(self, identifier: str, operation: _Operation, request: Request) -> None:
        answers = self.execution.stream(request, operation.context)
        try:
            async for text in answers:
                await self.queue.put(_Outgoing(_next(identifier, text), operation, operation.context.cursor))
        finally:
            await answers.aclose()

    async def _write(self) -> None:
        while True:
            one = await self.queue.get()
            try:
                async with asyncio.timeout(SLOW_SECONDS):
                    await self.send({"type": "websocket.send", "text": one.text.decode()})
            except TimeoutError:
                raise _Close(SLOW_READER, f"slow_reader: resume after {self._cursor()}") from None
            if one.operation is not None:
                one.operation.sent = one.position

    def _cursor(self) -> int:
        """The position behind which every subscription of the socket may go on without missing anything."""
        places = (one.sent if one.sent is not None else one.context.started for one in self.operations.values())
        return min((place for place in places if place is not None), default=0)

    async def _message(self) -> dict[str, Any] | None:
        message = await self.receive()
        if message["type"] != "websocket.receive":
            return None
        text = message.get("text")
        if text is None:
            raise _Close(BAD_MESSAGE, "send text")
        if len(text) > MESSAGE_BYTES_MAX or len(text.encode(errors="replace")) > MESSAGE_BYTES_MAX:
            raise _Close(TOO_LARGE, f"a message has at most {MESSAGE_BYTES_MAX} bytes")
        try:
            content = orjson.loads(text)
        except orjson.JSONDecodeError:
            raise _Close(BAD_MESSAGE, "not JSON") from None
        if not isinstance(content, dict):
            raise _Close(BAD_MESSAGE, "a message is an object")
        return cast("dict[str, Any]", content)

    async def _put(self, message: dict[str, Any]) -> None:
        await self.queue.put(_Outgoing(json_text(message)))

    def _caller(self, payload: object) -> Caller:
        fields = (
            {str(key).lower(): value for key, value in cast("dict[object, object]", payload).items()}
            if isinstance(payload, dict)
            else {}
        )
        given = fields.get("authorization") or header(self.scope, b"authorization").decode("latin-1")
        text = given if isinstance(given, str) else ""
        secret = (text[7:] if text[:7].lower() == "bearer " else text).strip()
        principal = self.authenticate(secret)
        if principal is None:
            raise _Close(NO_KEY, "key_not_valid")
        return Caller(principal, secret)

    def _known(self) -> Caller:
        if self.caller is None:
            raise _Close(NO_KEY, "connection_init comes first")
        return self.caller


def _next(identifier: str, text: bytes) -> bytes:
    return b'{"id":%b,"type":"next","payload":%b}' % (orjson.dumps(identifier), text)


def _id_of(message: dict[str, Any]) -> str:
    identifier = message.get("id")
    if not isinstance(identifier, str) or not 0 < len(identifier) <= ID_LENGTH_MAX:
        raise _Close(BAD_MESSAGE, f"id is a text of 1 to {ID_LENGTH_MAX} characters")
    return identifier


def _same_origin(scope: Scope) -> bool:
    """Programs send no Origin; a page of another site may not even try."""
    origin = header(scope, b"origin").lower()
    return not origin or origin.partition(b"://")[2] == header(scope, b"host").lower()
