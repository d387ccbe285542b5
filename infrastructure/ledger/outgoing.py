"""Posts to an address that the operator named: to the very address that was judged, and nowhere else."""

import http.client
import socket
import ssl
import threading
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Final, NamedTuple

from infrastructure.ledger.outlet import OutletError
from infrastructure.ledger.webhook_address import Target

POST_SECONDS_MAX: Final = 10.0
"""For all behind the connection, however slowly it drips; the connection to one address takes as long at most."""
ADDRESSES_MAX: Final = 4
"""Addresses of one host that are tried."""


def addresses_of(host: str, port: int) -> list[str]:
    """What a host's name leads to. Raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(one[4][0]) for one in found))


class Answer(NamedTuple):
    """What came back; the text is for programs, and never shown."""

    status: int
    text: bytes


class Outgoing:
    """Follows no redirect, uses no proxy, keeps no connection. Used by one thread."""

    def __init__(
        self,
        target: Target,
        *,
        resolve: Callable[[str, int], Sequence[str]] = addresses_of,
        context: ssl.SSLContext | None = None,
        seconds_max: float = POST_SECONDS_MAX,
    ) -> None:
        self.host: Final = target.host
        self._target: Final = target
        self._resolve: Final = resolve
        self._context: Final = context or ssl.create_default_context()
        self._seconds_max: Final = seconds_max

    def post(self, body: bytes, headers: Mapping[str, str], *, path: str = "", answer_bytes_max: int = 0) -> Answer:
        """The answer, with so much of its text at most; ``path`` goes behind the target's own.

        Raises OutletError, never with words of the answer.
        """
        try:
            whole = self._target.path.rstrip("/") + path if path else self._target.path
            return self._posted(whole, body, headers, answer_bytes_max)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise OutletError(f"{self.host}: {_reason(error)}") from error

    def _posted(self, path: str, body: bytes, headers: Mapping[str, str], answer_bytes_max: int) -> Answer:
        with self._connected() as opened, _ended_after(opened, self._seconds_max):
            if isinstance(opened, ssl.SSLSocket):
                opened.do_handshake()
            kind = http.client.HTTPSConnection if self._target.secure else http.client.HTTPConnection
            connection = kind(self._target.host, self._target.port)
            connection.sock = opened  # the name is not asked for a second time: it might lead elsewhere by now
            connection.request("POST", path, body=body, headers=dict(headers))
            response = connection.getresponse()
            return Answer(response.status, response.read(answer_bytes_max) if answer_bytes_max else b"")

    def _connected(self) -> socket.socket:
        addresses = self._resolve(self._target.host, self._target.port)
        if not addresses or not all(self._target.may_lead_to(one) for one in addresses):
            raise OutletError(f"{self._target.host} leads to an address that it may not lead to")
        trouble: OSError | None = None
        for address in addresses[:ADDRESSES_MAX]:
            try:
                plain = socket.create_connection((address, self._target.port), timeout=self._seconds_max)
            except OSError as error:
                trouble = error
                continue
            if not self._target.secure:
                return plain
            return self._context.wrap_socket(plain, server_hostname=self._target.host, do_handshake_on_connect=False)
        raise trouble or OSError("no address")


@contextmanager
def _ended_after(opened: socket.socket, seconds: float) -> Generator[None]:
    """A bound on all of an exchange: the socket's own is on each byte anew."""

    def end() -> None:
        with suppress(OSError):
            # Not the method of a TLS socket, which would take its state from under the thread that reads.
            socket.socket.shutdown(opened, socket.SHUT_RDWR)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _reason(error: Exception) -> str:
    match error:
        case ssl.SSLCertVerificationError():
            return f"its certificate does not hold: {error.verify_message}"
        case TimeoutError():
            return "it does not answer in time"
        case OSError() if error.strerror and not isinstance(error, ssl.SSLError):
            return error.strerror
        case _:
            return type(error).__name__
