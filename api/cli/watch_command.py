"""`signalbox watch`: tasks, sessions and locks as they change."""

import time
from collections.abc import Iterator
from contextlib import suppress
from threading import Thread
from typing import TYPE_CHECKING, Annotated, Final

import typer

from api.cli.command import Project, command
from api.cli.keyboard import Keyboard, keys_pressed
from api.cli.reading import project_of
from api.cli.terminal import Terminal
from signalbox.client.asks import wait
from signalbox.client.errors import ServerUnavailable, SignalboxError

if TYPE_CHECKING:
    from api.cli.board import Board

WAIT_SECONDS: Final = 10.0
"""Ages on the screen are renewed at least so often."""
REFRESH_SECONDS_MIN: Final = 0.5
SHARE_MAX: Final = 0.25
"""Of the time may be spent on reading: a large project is shown less often."""
KEY_SECONDS: Final = 0.1


def register(app: typer.Typer) -> None:
    command(app, "watch")(watch)


def watch(
    terminal: Terminal,
    once: Annotated[bool, typer.Option("--once", help="Show it once and end.")] = False,
    project: Project = None,
) -> None:
    """Tasks, sessions and locks of a project, live. q or ctrl-c ends it; with --json one line for each change."""
    from api.cli.board import board_of, picture

    chosen = project_of(terminal.client, project)
    first = board_of(terminal.client, chosen)
    if once or terminal.as_json:
        _plain(terminal, first, once=once)
        return
    from rich.live import Live

    console = terminal.console()
    with (
        keys_pressed() as quits,
        Live(picture(first, "", live=True), console=console, screen=True, auto_refresh=False) as live,
    ):
        for board, trouble in _boards(terminal, first, quits):
            live.update(picture(board, trouble, live=True), refresh=True)


def _plain(terminal: Terminal, board: "Board", *, once: bool) -> None:
    from api.cli.board import board_of, picture

    if not terminal.as_json:
        terminal.console().print(picture(board, "", live=False))
        return
    while True:
        terminal.line(board.document(), "")
        if once:
            return
        position = board.position
        while not terminal.client.ask(wait(board.project, position, WAIT_SECONDS)).changed:
            pass
        time.sleep(REFRESH_SECONDS_MIN)
        board = board_of(terminal.client, board.project)


def _boards(terminal: Terminal, board: "Board", keyboard: Keyboard) -> Iterator[tuple["Board", str]]:
    """Boards as they change, each with what troubles the connection; ends when the keyboard says so."""
    from api.cli.board import board_of

    while True:
        # A thread of its own, so that a key ends the watch while the server still keeps us waiting.
        waiting = Thread(target=_wait, args=(terminal, board), daemon=True)
        waiting.start()
        pause_until = time.monotonic() + max(REFRESH_SECONDS_MIN, board.read_seconds / SHARE_MAX)
        while waiting.is_alive() or time.monotonic() < pause_until:
            if keyboard.quits(KEY_SECONDS):
                return
        trouble = ""
        try:
            board = board_of(terminal.client, board.project)
        except ServerUnavailable as error:
            trouble = str(error)
        yield board, trouble


def _wait(terminal: Terminal, board: "Board") -> None:
    """Until something changed; what goes wrong here shows when the board is read."""
    with suppress(SignalboxError):
        terminal.client.ask(wait(board.project, board.position, WAIT_SECONDS))
