"""MCP between a client's pipes and the server's door at /mcp: each line is one request, each answer one line."""

import base64
import json
import re
import threading
from collections.abc import Callable, Mapping
from typing import BinaryIO, Final, cast

from signalbox.client.errors import SignalboxError
from signalbox.client.fields import Fields
from signalbox.client.transport import Exchange, HttpAnswer, HttpRequest, Transport

LINE_BYTES_MAX: Final = 1_048_576
REQUESTS_MAX: Final = 32
"""Under way at once; a further line waits in the pipe."""
ANSWER_SECONDS_MAX: Final = 60.0
"""No call takes so long; what is under way when the client closes its end is still answered."""
VERSION_KEY: Final = "io.modelcontextprotocol/protocolVersion"
_NAMED_BY: Final[Mapping[str, str]] = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}
_SAFE: Final = re.compile(r"[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?")
_ACCEPT: Final = "application/json, text/event-stream"
_INVALID_REQUEST: Final = -32600
_PARSE_ERROR: Final = -32700
_INTERNAL_ERROR: Final = -32603

LISTEN: Final = "subscriptions/listen"
CANCELLED: Final = "notifications/cancelled"
Find = Callable[[], Transport]


class Shim:
    """Carries messages to and fro. It understands as little of them as the server's door wants to be told in headers.

    ``life`` is passed with calls of tools that name no session: whoever started the agent knows which one it is.
    """

    def __init__(self, find: Find, output: BinaryIO, life: Mapping[str, object]) -> None:
        self._find = find
        self._output = output
        self._life = dict(life)
        self._writing = threading.Lock()
        self._finding = threading.Lock()
        self._room = threading.BoundedSemaphore(REQUESTS_MAX)
        self._streams: dict[str, Exchange] = {}
        """What is listened to, by the id of the request."""
        self._transport: Transport | None = None
        self._version: str | None = None
        """What the handshake of an older client agreed upon."""

    def serve(self, lines: BinaryIO) -> None:
        """Until the client closes its end."""
        under_way: list[threading.Thread] = []
        while line := lines.readline(LINE_BYTES_MAX + 1):
            if len(line) > LINE_BYTES_MAX:
                self._refuse(None, _INVALID_REQUEST, f"a message has at most {LINE_BYTES_MAX} bytes")
                while not line.endswith(b"\n") and (line := lines.readline(LINE_BYTES_MAX + 1)):
                    pass
                continue
            if not line.strip():
                continue
            message = _message(line)
            if message is None:
                self._refuse(None, _PARSE_ERROR, "a message is one JSON object in one line")
                continue
            self._room.acquire()
            thread = threading.Thread(target=self._carry, args=(message, self._listened(message)), daemon=True)
            thread.start()
            under_way = [one for one in under_way if one.is_alive()] + [thread]
        for exchange in list(self._streams.values()):
            exchange.break_off()
        for one in under_way:
            one.join(ANSWER_SECONDS_MAX)
        if self._transport is not None:
            self._transport.close()

    def _listened(self, message: Fields) -> Exchange | None:
        """What a stream is broken off by, from here on: the very next line may ask for that. None where there is none,
        or another one of its id."""
        if message.get("method") != LISTEN:
            return None
        exchange = Exchange()
        return exchange if self._streams.setdefault(repr(message.get("id")), exchange) is exchange else None

    def _carry(self, message: Fields, listened: Exchange | None) -> None:
        try:
            self._forward(message, listened)
        finally:
            self._room.release()

    def _forward(self, message: Fields, listened: Exchange | None) -> None:
        identifier = message.get("id")
        if message.get("method") == CANCELLED:
            stream = self._streams.get(repr(_object(message.get("params")).get("requestId")))
            if stream is not None:
                # Over HTTP the end of the connection says so.
                stream.break_off()
                return
        if message.get("method") == LISTEN:
            if listened is None:
                self._refuse(identifier, _INVALID_REQUEST, "a request of this id is under way")
            else:
                self._listen(message, listened)
            return
        try:
            answer = self._send(self._with_life(message))
        except SignalboxError as error:
            if "id" in message:
                self._tell(message, identifier, error)
            return
        if answer.status == 202 or "id" not in message:
            return
        told = _message(answer.body)
        if told is None or "jsonrpc" not in told:
            self._refuse(identifier, _INTERNAL_ERROR, _words(answer.status, told))
            return
        if message.get("method") == "initialize":
            self._version = _agreed(told) or self._version
        self._write(answer.body.replace(b"\n", b" "))

    def _listen(self, message: Fields, exchange: Exchange) -> None:
        """Pass on what comes, as long as it comes."""
        identifier = message.get("id")
        last: Fields = {}
        try:
            for line in self._connected().lines(self._request(message), exchange):
                # Words of a stream, or one answer that is no stream.
                told = _message(line.removeprefix(b"data:"))
                if told is not None:
                    last = told
                    self._write(json.dumps(told).encode())
        except SignalboxError as error:
            self._tell(message, identifier, error)
            return
        finally:
            del self._streams[repr(identifier)]
        if not exchange.broken_off and last.get("id") != identifier:
            self._refuse(identifier, _INTERNAL_ERROR, "the stream was cut off; read again, and listen again")

    def _request(self, message: Fields) -> HttpRequest:
        body = json.dumps(message, ensure_ascii=False).encode(errors="replace")
        headers = self._headers(message)
        return HttpRequest("POST", "/mcp", body, seconds_max=ANSWER_SECONDS_MAX, headers=headers, repeatable=False)

    def _send(self, message: Fields) -> HttpAnswer:
        request = self._request(message)
        transport = self._connected()
        try:
            return transport.send(request)
        except SignalboxError:
            # The next message looks where the server is now.
            self._lose(transport)
            raise

    def _connected(self) -> Transport:
        with self._finding:
            if self._transport is None:
                self._transport = self._find()
            return self._transport

    def _lose(self, transport: Transport) -> None:
        with self._finding:
            if self._transport is transport:
                self._transport = None
        transport.close()

    def _headers(self, message: Fields) -> dict[str, str]:
        """What the revision without sessions wants to see outside the message."""
        params = _object(message.get("params"))
        version = _object(params.get("_meta")).get(VERSION_KEY)
        if not isinstance(version, str):
            return {"Accept": _ACCEPT} | ({} if self._version is None else {"MCP-Protocol-Version": self._version})
        method = str(message.get("method"))
        headers = {"Accept": _ACCEPT, "MCP-Protocol-Version": _header(version), "Mcp-Method": _header(method)}
        name = params.get(_NAMED_BY.get(method, ""))
        return headers | ({"Mcp-Name": _header(name)} if isinstance(name, str) else {})

    def _with_life(self, message: Fields) -> Fields:
        params = _object(message.get("params"))
        arguments = _object(params.get("arguments"))
        if message.get("method") != "tools/call" or not self._life or "session" in arguments:
            return message
        return {**message, "params": {**params, "arguments": {**arguments, **self._life}}}

    def _tell(self, message: Fields, identifier: object, error: SignalboxError) -> None:
        if message.get("method") != "tools/call":
            self._refuse(identifier, _INTERNAL_ERROR, f"{error.message}. {error.next}")
            return
        refusal = {"refused": error.code, "kind": error.kind, "why": error.message, "next": error.next}
        content = [{"type": "text", "text": json.dumps(refusal)}]
        result = {"content": content, "isError": True, "resultType": "complete"}
        self._write(json.dumps({"jsonrpc": "2.0", "id": identifier, "result": result}).encode())

    def _refuse(self, identifier: object, code: int, words: str) -> None:
        error = {"code": code, "message": words}
        self._write(json.dumps({"jsonrpc": "2.0", "id": identifier, "error": error}).encode())

    def _write(self, line: bytes) -> None:
        with self._writing:
            self._output.write(line + b"\n")
            self._output.flush()


def _message(text: bytes) -> Fields | None:
    try:
        found: object = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return cast("Fields", found) if isinstance(found, dict) else None


def _object(value: object) -> Fields:
    return cast("Fields", value) if isinstance(value, dict) else {}


def _agreed(told: Fields) -> str | None:
    version = _object(told.get("result")).get("protocolVersion")
    return version if isinstance(version, str) and _SAFE.fullmatch(version) else None


def _header(value: str) -> str:
    """As the revision wants texts in headers that are not plain."""
    if _SAFE.fullmatch(value) and not value.startswith("=?base64?"):
        return value
    return f"=?base64?{base64.b64encode(value.encode(errors='replace')).decode()}?="


def _words(status: int, told: Fields | None) -> str:
    error = _object(_object(told).get("error"))
    message, advice = error.get("message"), error.get("next")
    return f"{message} {advice}" if message else f"the server answered {status}"
