"""What commands speak through: the server that was named, and people or programs at the other end."""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from api.cli.tables import Column, Grid
from api.cli.words import printable
from signalbox.client.endpoint import Endpoint, find_endpoint
from signalbox.client.errors import SignalboxError

if TYPE_CHECKING:
    from rich.console import Console

    from signalbox.client.synchronous import Client


PIPE_CHARACTERS: Final = 100_000
"""Room for lines that no terminal shows; more than any row has."""


class Terminal:
    """Prints JSON where ``--json`` was given, else words; opens the client when it is first asked for."""

    def __init__(self, *, server_url: str | None, api_key: str | None, data_folder: Path | None, as_json: bool) -> None:
        self.as_json = as_json
        self.data = data_folder
        self._url = server_url
        self._key = api_key
        self._client: Client | None = None

    @property
    def endpoint(self) -> Endpoint:
        """The server that was named or found. Raises Refused or ServerUnavailable."""
        return find_endpoint(url=self._url, key=self._key, data=self.data)

    @property
    def client(self) -> "Client":
        """The client of that server; it asks again for 2 s where there is no answer."""
        if self._client is None:
            from signalbox.client.synchronous import Client

            self._client = Client(self.endpoint, patience_seconds=2.0)
        return self._client

    def show(self, value: Mapping[str, object], *words: str) -> None:
        """One result: the object for programs, the lines for people."""
        if self.as_json:
            self._write(json.dumps(value, ensure_ascii=False))
        else:
            for line in words:
                self._write(line)

    def line(self, value: Mapping[str, object], words: str) -> None:
        """One of many results that follow each other: a JSON line, or a line of words."""
        self.show(value, words)
        sys.stdout.flush()

    def table(self, name: str, rows: Sequence[Mapping[str, object]], columns: Iterable[Column], empty: str) -> None:
        """A list: one object with the rows under ``name`` for programs, a table for people."""
        if self.as_json:
            self.show({name: list(rows)})
        elif not rows:
            self._write(empty)
        else:
            self.console().print(Grid(rows, columns))

    def console(self) -> "Console":
        """For what needs more than lines; plain, and never cut, where the output is no terminal."""
        from rich.console import Console

        return Console(
            width=None if sys.stdout.isatty() else PIPE_CHARACTERS, highlight=False, markup=False, emoji=False
        )

    def note(self, words: str) -> None:
        """Something beside the result, for people only."""
        if not self.as_json:
            print(printable(words), file=sys.stderr, flush=True)

    def tell_error(self, error: SignalboxError) -> None:
        """An error as an object for programs; the message, then what to do next, for people."""
        if self.as_json:
            names = ("code", "kind", "message", "next", "data")
            told = {name: getattr(error, name) for name in names}
            self._write(json.dumps({"error": told}, ensure_ascii=False))
            return
        print(printable(f"{error.message}"), file=sys.stderr)
        if error.next:
            print(printable(f"next: {error.next}"), file=sys.stderr)

    def close(self) -> None:
        if self._client is not None:
            self._client.close()

    def _write(self, line: str) -> None:
        print(line if self.as_json else printable(line))
