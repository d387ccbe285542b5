"""One question to the server at a time, over a socket, until a deadline."""

import socket
import time

from signalbox.hook.installation import Installation

ANSWER_BYTES_MAX = 4 * 1_048_576


class NoAnswerError(Exception):
    """The server did not answer, or not in time, or not in HTTP."""


class Wire:
    """Asks one server; every question opens a connection of its own, which costs little where the server is near."""

    def __init__(self, installation: Installation, seconds: float) -> None:
        self.url = installation.url
        self._key = installation.key
        self._ends_at = time.monotonic() + seconds

    @property
    def seconds_left(self) -> float:
        return self._ends_at - time.monotonic()

    def go_on(self, seconds: float) -> None:
        """So long from now, where something else took the time."""
        self._ends_at = time.monotonic() + seconds

    def ask(self, path: str, body: bytes) -> bytes:
        """The body of the answer, whatever its status. Raises NoAnswerError."""
        try:
            return self._asked(path, body)
        except (OSError, ValueError) as error:
            words = "it did not answer in time" if isinstance(error, TimeoutError) else str(error)
            raise NoAnswerError(f"the server at {self.url} cannot be reached: {words}") from error

    def _asked(self, path: str, body: bytes) -> bytes:
        secure, host, port, prefix = _parts(self.url)
        connection = socket.create_connection((host, port), self._limit())
        try:
            if secure:
                from ssl import create_default_context

                connection = create_default_context().wrap_socket(connection, server_hostname=host)
            connection.settimeout(self._limit())
            shown = f"[{host}]" if ":" in host else host
            head = (
                f"POST {prefix}{path} HTTP/1.1\r\nHost: {shown}:{port}\r\nAuthorization: Bearer {self._key}\r\n"
                f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
            )
            connection.sendall(head.encode() + body)
            return _body(self._read(connection))
        finally:
            connection.close()

    def _read(self, connection: socket.socket) -> bytes:
        """All that comes until the other side hangs up: the question asked it to."""
        pieces: list[bytes] = []
        length = 0
        while True:
            connection.settimeout(self._limit())
            piece = connection.recv(262_144)
            if not piece:
                return b"".join(pieces)
            pieces.append(piece)
            length += len(piece)
            if length > ANSWER_BYTES_MAX:
                raise ValueError("its answer is too large")

    def _limit(self) -> float:
        left = self.seconds_left
        if left <= 0:
            raise TimeoutError
        return left


def _body(answer: bytes) -> bytes:
    head, parted, body = answer.partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    if not parted or not lines[0].startswith(b"HTTP/1."):
        raise ValueError("its answer is not HTTP, or was cut off")
    fields = {name.strip().lower(): value.strip() for name, _, value in (line.partition(b":") for line in lines[1:])}
    if fields.get(b"transfer-encoding", b"").lower() == b"chunked":
        return _joined(body)
    if len(body) != int(fields.get(b"content-length", b"-1")):
        raise ValueError("its answer was cut off")
    return body


def _joined(chunks: bytes) -> bytes:
    """The body of an answer that something in between has cut into chunks."""
    pieces: list[bytes] = []
    while True:
        size, parted, rest = chunks.partition(b"\r\n")
        length = int(size.partition(b";")[0], 16) if parted else -1
        if length < 0 or len(rest) < length:
            raise ValueError("its answer was cut off")
        if length == 0:
            return b"".join(pieces)
        pieces.append(rest[:length])
        chunks = rest[length + 2 :]


def _parts(url: str) -> tuple[bool, str, int, str]:
    """Whether it is secure, host, port, and what stands before every path."""
    scheme, _, rest = url.partition("://")
    place, slash, prefix = rest.partition("/")
    if place.startswith("["):
        host, _, port = place[1:].partition("]")
        port = port.removeprefix(":")
    else:
        host, _, port = place.partition(":")
    secure = scheme == "https"
    return secure, host, int(port or (443 if secure else 80)), f"{slash}{prefix}".rstrip("/")
