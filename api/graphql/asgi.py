"""The ASGI interface in types, as far as GraphQL speaks it."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]

_SAFE: Final = ((b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff"))


def header(scope: Scope, name: bytes) -> bytes:
    """The header's value, the last where it is repeated; empty where it is absent."""
    return next((value for key, value in reversed(scope["headers"]) if key == name), b"")


async def send_json(send: Send, status: int, body: bytes, *further: tuple[bytes, bytes]) -> None:
    """Send a whole response."""
    content = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": [*content, *_SAFE, *further]})
    await send({"type": "http.response.body", "body": body})
