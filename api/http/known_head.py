"""A head that its connection has sent before: of one that differs in the length of its body only, nothing is parsed."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from api.http.asgi import Scope

_LENGTH: Final = re.compile(rb"\r\ncontent-length: ?([0-9]{1,9})(?=\r\n)", re.IGNORECASE)
_DIGITS_MAX: Final = 9
HEAD_BYTES_MAX: Final = 4_096
"""Each connection keeps one: a larger head is parsed each time."""
_OF_THE_CONNECTION: Final = (
    "type", "asgi", "http_version", "server", "client", "scheme", "root_path",
    "method", "path", "raw_path", "query_string",
)  # fmt: skip
_OTHERWISE: Final = frozenset({b"transfer-encoding", b"expect", b"upgrade"})
"""Fields by which a body or a connection is another than its length says."""


@dataclass(frozen=True, slots=True)
class KnownHead:
    """What a connection sends before and behind the digits of the length, and what that was parsed to."""

    before: bytes
    after: bytes
    fields: tuple[tuple[bytes, bytes], ...]
    length_at: int
    """Which of the fields the length is."""
    said: Mapping[str, Any]
    app: Any
    """Who answered."""

    def split(self, data: bytes) -> tuple[bytes, bytes] | None:
        """The digits of the length and the body of a request that came in one piece with nothing behind it.

        None where its head is another one.
        """
        if not data.startswith(self.before):
            return None
        start = len(self.before)
        end = data.find(b"\r", start, start + _DIGITS_MAX + 1)
        digits = data[start:end]
        if end < 0 or not digits.isdigit() or not data.startswith(self.after, end):
            return None
        body_at = end + len(self.after)
        return (digits, data[body_at:]) if len(data) - body_at == int(digits) else None

    def scope(self, digits: bytes, state: dict[str, Any]) -> dict[str, Any]:
        """The scope of such a request, nobody else's."""
        headers = list(self.fields)
        headers[self.length_at] = (headers[self.length_at][0], digits)
        return {**self.said, "headers": headers, "state": state}


def known_head(data: bytes, scope: Scope, app: Any) -> KnownHead | None:
    """The head of a request that was parsed to this scope from one piece; None where it may mean more than it says."""
    head_bytes = data.find(b"\r\n\r\n") + 4
    if head_bytes > HEAD_BYTES_MAX:
        return None
    found = list(_LENGTH.finditer(data, 0, head_bytes))
    names = [name for name, _ in scope["headers"]]
    if len(found) != 1 or names.count(b"content-length") != 1 or not _OTHERWISE.isdisjoint(names):
        return None
    if scope["http_version"] != "1.1" or head_bytes + int(found[0][1]) != len(data):
        return None
    return KnownHead(
        before=data[: found[0].start(1)],
        after=data[found[0].end(1) : head_bytes],
        fields=tuple(scope["headers"]),
        length_at=names.index(b"content-length"),
        said={name: scope[name] for name in _OF_THE_CONNECTION},
        app=app,
    )
