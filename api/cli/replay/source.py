"""Which past is looked at, and how far the looking has come."""

import os
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from api.cli.terminal import Terminal
from signalbox.client.endpoint import DATA_FOLDER, find_data_folder
from signalbox.client.errors import Refused

if TYPE_CHECKING:
    from api.composition.replay import Replay

Store = Annotated[
    str | None,
    typer.Option(
        "--store", envvar="SIGNALBOX_STORE", help="postgresql://… or sqlite:///PATH; else that of the data folder."
    ),
]
Bundle = Annotated[
    Path | None, typer.Option("--bundle", help="Folder of an exported bundle, or an exported run, instead of a store.")
]
Stream = Annotated[str, typer.Argument(metavar="STREAM", help="Name of a stream, such as task_….")]
ARCHIVES_VARIABLE: Final = "SIGNALBOX_ARCHIVES"
TOLD_EVERY_SECONDS: Final = 0.5


@contextmanager
def past(terminal: Terminal, store: str | None, bundle: Path | None = None) -> Generator["Replay"]:
    """The past of the store that was named, or of the data folder. Raises Refused, ServerUnavailable."""
    from api.composition.opening import opened

    if store == "memory":
        raise Refused("nothing_kept", "a store in memory is gone with its server", "Name a store that is kept.")
    data = find_data_folder(data=terminal.data) or Path(DATA_FOLDER)
    archives = os.environ.get(ARCHIVES_VARIABLE)
    with opened(None if store == "sqlite" else store, data, bundle, Path(archives) if archives else None) as it:
        yield it


class Progress:
    """Tells how far long work is, on a terminal only, at most twice a second."""

    def __init__(self, terminal: Terminal, what: str, until: int) -> None:
        self._told = sys.stderr.isatty() and not terminal.as_json
        self._what = what
        self._until = until
        self._began = self._last = time.monotonic()
        self._shown = False

    def __call__(self, position: int) -> None:
        now = time.monotonic()
        if not self._told or now - self._last < TOLD_EVERY_SECONDS:
            return
        self._last = now
        self._shown = True
        share = min(100, position * 100 // max(1, self._until))
        rate = position / max(0.001, now - self._began)
        print(
            f"\r{self._what} {position:,} of {self._until:,} ({share}%, {rate:,.0f}/s)\033[K", end="", file=sys.stderr
        )

    def done(self) -> None:
        """Take the line away."""
        if self._shown:
            print("\r\033[K", end="", file=sys.stderr, flush=True)
