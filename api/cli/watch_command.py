"""`signalbox watch`: tasks, sessions and locks as they change."""

import time
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.command import Project, command
from api.cli.following import REFRESH_SECONDS_MIN, WAIT_SECONDS, views
from api.cli.keyboard import keys_pressed
from api.cli.reading import project_of
from api.cli.terminal import Terminal
from signalbox.client.asks import wait

if TYPE_CHECKING:
    from rich.console import Console

    from api.cli.board import Board


def register(app: typer.Typer) -> None:
    command(app, "watch")(watch)


def watch(
    terminal: Terminal,
    once: Annotated[bool, typer.Option("--once", help="Show it once and end.")] = False,
    project: Project = None,
) -> None:
    """Tasks, sessions and locks of a project, live. q or ctrl-c ends it; with --json one line for each change.

    Where the output is no terminal it is printed anew for each change.
    """
    from api.cli.board import board_of, picture

    chosen = project_of(terminal.client, project)
    first = board_of(terminal.client, chosen)
    console = terminal.console()
    if once or terminal.as_json or not console.is_terminal:
        _plain(terminal, console, first, once=once)
        return
    from rich.live import Live

    with (
        keys_pressed() as quits,
        Live(picture(first, "", live=True), console=console, screen=True, auto_refresh=False) as live,
    ):
        for board, trouble in views(terminal, console, first, lambda: board_of(terminal.client, chosen), quits):
            live.update(picture(board, trouble, live=True), refresh=True)


def _plain(terminal: Terminal, console: "Console", board: "Board", *, once: bool) -> None:
    from api.cli.board import board_of, picture

    while True:
        if terminal.as_json:
            terminal.line(board.document(), "")
        else:
            console.print(picture(board, "", live=False))
        if once:
            return
        position = board.position
        while not terminal.client.ask(wait(board.project, position, WAIT_SECONDS)).changed:
            pass
        time.sleep(REFRESH_SECONDS_MIN)
        board = board_of(terminal.client, board.project)
