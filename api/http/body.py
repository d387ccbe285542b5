"""Bodies: read up to a limit, checked for shape, parsed once."""

from collections.abc import Iterable
from typing import Any, Final, cast

import orjson

from api.http.asgi import Receive
from api.http.errors import BodyTooLarge, InvalidRequest, MalformedBody, NotJson
from domain.kernel.errors import Rejection

DEPTH_MAX: Final = 20
KEYS_MAX: Final = 200
"""Keys of one object."""
_CONTAINERS: Final[tuple[type, ...]] = (dict, list)


class Refused(Exception):
    """Control flow inside the doors: answer this refusal."""

    def __init__(self, rejection: Rejection) -> None:
        super().__init__(rejection.code())
        self.rejection = rejection


class ClientGone(Exception):
    """Control flow inside the doors: nobody is there to be answered."""


def require_json(content_type: bytes, content_encoding: bytes) -> None:
    """Refuse what a browser may send without asking, and what we would have to unpack. Raises Refused."""
    if content_type == b"application/json" and not content_encoding:
        return
    kind, _, parameters = content_type.partition(b";")
    charset = parameters.replace(b" ", b"").replace(b'"', b"").lower()
    plain = content_encoding in (b"", b"identity") and charset in (b"", b"charset=utf-8")
    if not plain or kind.strip().lower() != b"application/json":
        raise Refused(NotJson())


async def read_body(receive: Receive, content_length: bytes, bytes_max: int) -> bytes:
    """The whole body. Raises Refused where it is too large, ClientGone where the client hung up."""
    if content_length.isdigit() and (len(content_length) > 18 or int(content_length) > bytes_max):
        raise Refused(BodyTooLarge(bytes_max=bytes_max))
    message = await receive()
    if message["type"] != "http.request":
        raise ClientGone
    body: bytes = message.get("body", b"")
    if message.get("more_body", False):
        body = await _read_on(receive, body, bytes_max)
    if len(body) > bytes_max:
        raise Refused(BodyTooLarge(bytes_max=bytes_max))
    return body


async def _read_on(receive: Receive, first: bytes, bytes_max: int) -> bytes:
    parts, size, more = [first], len(first), True
    while more and size <= bytes_max:
        message = await receive()
        if message["type"] != "http.request":
            raise ClientGone
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        more = message.get("more_body", False)
    return b"".join(parts)


def parse_object(body: bytes) -> dict[str, Any]:
    """The JSON object of a body, not deeper and not wider than the limits. Raises Refused."""
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        # The message of the parser names a place, never the content.
        raise Refused(MalformedBody(reason=error.msg[:200])) from None
    if not isinstance(content, dict):
        raise Refused(MalformedBody(reason="it is no object"))
    parsed = cast("dict[str, Any]", content)
    require_shape(body, parsed)
    return parsed


def require_shape(body: bytes, content: object) -> None:
    """Refuse what is nested too deeply or has too many keys. Raises Refused."""
    # With so few brackets and colons it can be neither; strings only make the count too high.
    if body.count(b"{") + body.count(b"[") <= DEPTH_MAX and body.count(b":") <= KEYS_MAX:
        return
    level: list[object] = [content]
    for _ in range(DEPTH_MAX):
        level = [inner for outer in level for inner in _inside(outer)]
        if not level:
            return
    raise Refused(InvalidRequest(summary=f"it is nested more than {DEPTH_MAX} levels deep"))


def _inside(value: object) -> list[object]:
    inside: Iterable[object] = ()
    if isinstance(value, dict):
        inside = cast("dict[str, object]", value).values()
        if len(inside) > KEYS_MAX:
            raise Refused(InvalidRequest(summary=f"an object has more than {KEYS_MAX} keys"))
    elif isinstance(value, list):
        inside = cast("list[object]", value)
    return [one for one in inside if isinstance(one, _CONTAINERS)]
