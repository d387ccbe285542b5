"""The ASGI interface in types, as far as the doors speak it, and the one thing that our server adds to it."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]

WHOLE: Final = "signalbox.whole"
"""Key of the scope's state under which our server offers to send a response that is at hand in one piece."""
Whole = Callable[[int, bytes, bytes], bool]
"""(status, further header lines, body) -> whether it was sent; if not, it goes the usual way."""
