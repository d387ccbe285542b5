"""Answers: their bytes, their status, and how they are sent. Every error has the same typed shape."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final, NamedTuple

import orjson

from api.http.asgi import WHOLE, Scope, Send, Whole
from api.ports import Answered, ServiceFault
from domain.kernel.errors import RefusalKind, Rejection

Headers = tuple[tuple[bytes, bytes], ...]

JSON: Final = b"application/json"
RETRY_SECONDS: Final = b"1"
_SAFE: Final[Headers] = ((b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff"))
_JSON_HEADERS: Final[Headers] = ((b"content-type", JSON), *_SAFE)
_JSON_FIELDS: Final = b"".join(b"%b: %b\r\n" % pair for pair in _JSON_HEADERS)


class Reply(NamedTuple):
    """A whole response."""

    status: int
    body: bytes
    content_type: bytes = JSON
    headers: Headers = ()


Answer = Callable[[Reply], None]
"""Takes the reply to a request, once."""


class Quick(Enum):
    """What becomes of a request that has no reply yet."""

    UNDER_WAY = auto()
    """Its reply comes later."""
    ELSEWHERE = auto()
    """It has to go the usual way; nothing was done."""


@dataclass(frozen=True, slots=True)
class Problem:
    """What went wrong, in words for a program and for a person."""

    code: str
    message: str
    advice: str
    status: int
    data: dict[str, object] = field(default_factory=dict[str, object])
    kind: RefusalKind = RefusalKind.UNKNOWN_OUTCOME
    """Of the closed set; what is not refused by anybody is a fault of ours, which is answered by asking again."""

    def text(self) -> bytes:
        """The typed shape that docs/http.md promises."""
        error = {
            "code": self.code,
            "kind": self.kind,
            "message": self.message,
            "next": self.advice,
            "data": self.data,
            "status": self.status,
        }
        return orjson.dumps({"ok": False, "error": error})


def problem_of(rejection: Rejection) -> Problem:
    """A refusal as a problem."""
    return Problem(
        rejection.code(),
        rejection.message(),
        rejection.advice(),
        rejection.HTTP_STATUS,
        rejection.model_dump(mode="json"),
        rejection.KIND,
    )


def fault_problem(fault: ServiceFault, command_id: str | None = None) -> Problem:
    """A fault of ours; the id, where known, is what a repeat has to carry."""
    return Problem(fault.code, fault.message, fault.advice, 503, {} if command_id is None else {"id": command_id})


def refusal(rejection: Rejection) -> Reply:
    """The reply to what a door refuses."""
    return problem_reply(problem_of(rejection))


def problem_reply(problem: Problem) -> Reply:
    """The reply that tells a problem, with the headers that belong to its status."""
    headers: Headers = ()
    match problem.status:
        case 401:
            headers = ((b"www-authenticate", b'Bearer realm="signalbox"'),)
        case 405:
            headers = ((b"allow", str(problem.data["allowed"]).encode()),)
        case 503:
            headers = ((b"retry-after", RETRY_SECONDS),)
        case _:
            pass
    return Reply(problem.status, problem.text(), headers=headers)


def answered(answer: Answered) -> tuple[int, bytes]:
    """Status and body of a decided command: its stored text with position and repetition."""
    text = answer.text
    status = 200 if answer.ok else int(orjson.loads(text)["error"].get("status", 409))
    return status, placed(text, answer.position, repeated=answer.repeated)


def placed(text: bytes, position: int, *, repeated: bool = False) -> bytes:
    """A JSON object's text with its place in the log added."""
    return b'%b,"position":%d,"repeated":%b}' % (text[:-1], position, b"true" if repeated else b"false")


def json_reply(content: object, status: int = 200) -> Reply:
    """A reply with content that orjson can write."""
    return Reply(status, orjson.dumps(content))


def plain_fields(reply: Reply) -> bytes | None:
    """The header lines of a reply that has none of its own, without that of the length."""
    return _JSON_FIELDS if reply.content_type is JSON and not reply.headers else None


async def send_reply(scope: Scope, send: Send, reply: Reply) -> None:
    """Send a whole response; where the server knows how, in one piece."""
    whole: Whole | None = scope.get("state", {}).get(WHOLE)
    fields = plain_fields(reply)
    if whole is not None and fields is not None and whole(reply.status, fields, reply.body):
        return
    known = _JSON_HEADERS if reply.content_type is JSON else ((b"content-type", reply.content_type), *_SAFE)
    length = (b"content-length", b"%d" % len(reply.body))
    await send({"type": "http.response.start", "status": reply.status, "headers": [length, *known, *reply.headers]})
    await send({"type": "http.response.body", "body": reply.body})
