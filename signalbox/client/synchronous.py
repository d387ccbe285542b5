"""The client for programs that wait for each answer."""

import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from signalbox.client.asks import Accepted, Ask, Waited, command, graphql, wait
from signalbox.client.endpoint import Endpoint, find_endpoint
from signalbox.client.errors import ServerUnavailable
from signalbox.client.fields import Fields
from signalbox.client.retries import Pauses
from signalbox.client.sessions import Session
from signalbox.client.transport import Transport

T = TypeVar("T")


def headers_of(endpoint: Endpoint) -> dict[str, str]:
    return {"Authorization": f"Bearer {endpoint.key}", "Accept": "application/json", "User-Agent": "signalbox-client"}


class Client:
    """Asks one server; usable from any number of threads.

    ``patience_seconds`` bounds the time in which a request without an answer is sent again, with the same command id.
    """

    def __init__(self, endpoint: Endpoint, *, patience_seconds: float = 10.0) -> None:
        self.endpoint = endpoint
        self._patience_seconds = patience_seconds
        self._transport = Transport(endpoint.url, headers_of(endpoint))

    @classmethod
    def find(cls, *, url: str | None = None, key: str | None = None, data: Path | None = None) -> Self:
        """A client of the server that `find_endpoint` finds; it raises what that raises."""
        return cls(find_endpoint(url=url, key=key, data=data))

    def ask(self, ask: Ask[T]) -> T:
        """The answer. Raises Refused, ServerUnavailable or ServerFaultError."""
        pauses = Pauses(self._patience_seconds)
        while True:
            try:
                return ask.read(self._transport.send(ask.request))
            except ServerUnavailable:
                pause = pauses.following()
                if pause is None or not ask.repeatable:
                    raise
            time.sleep(pause)

    def ask_once(self, ask: Ask[T]) -> T:
        """The same without asking again, for what is too old by then."""
        return ask.read(self._transport.send(ask.request))

    def session(self, project: str, **said: object) -> Session:
        """Open a session that beats by itself; ``said`` is what ``open_session`` takes: name, tool, capabilities, …

        Use it as a context, or end it. ``resume=ID`` is the next life of one that was lost.
        """
        return Session(self, project, said)

    def wait(self, project: str, after: int, seconds: float) -> Waited:
        """Until an event of the project lies behind the position, or so long (30 at most)."""
        return self.ask(wait(project, after, seconds))

    def command(self, name: str, /, **fields: object) -> Accepted:
        """Send one command under a fresh id, such as ``client.command("freeze_project", project="shop")``."""
        return self.ask(command(name, fields))

    def graphql(self, query: str, variables: Mapping[str, object] | None = None) -> Fields:
        """The ``data`` of a query."""
        return self.ask(graphql(query, variables or {}))

    def close(self) -> None:
        """Drop the kept connections."""
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
