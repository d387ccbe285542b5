"""`signalbox top`: the whole fleet at a glance, over all projects."""

import time
from typing import TYPE_CHECKING, Annotated, Final

import typer

from api.cli.command import At, Project, command
from api.cli.keyboard import keys_pressed
from api.cli.terminal import Terminal
from signalbox.client.errors import ServerUnavailable

if TYPE_CHECKING:
    from rich.console import Console

    from api.cli.fleet import Fleet

REFRESH_SECONDS: Final = 1.0
SHARE_MAX: Final = 0.25
"""Of the time may be spent on reading."""


def register(app: typer.Typer) -> None:
    command(app, "top")(top)


def top(
    terminal: Terminal,
    once: Annotated[bool, typer.Option("--once", help="Show it once and end.")] = False,
    hours: Annotated[int, typer.Option("--hours", min=1, max=168, help="Measures of this many hours.")] = 24,
    project: Project = None,
    at: At = None,
) -> None:
    """The fleet over all projects and how well it does, live. q or ctrl-c ends it; with --json one line a second.

    The past is shown once: it does not change. Where the output is no terminal it is printed anew each second.
    """
    from api.cli.fleet import fleet_of

    fleet, once = fleet_of(terminal.client, project, hours, at), once or at is not None
    console = terminal.console()
    if once or terminal.as_json or not console.is_terminal:
        _plain(terminal, console, fleet, project, hours, once=once)
    else:
        _screen(terminal, console, fleet, project, hours)


def _plain(
    terminal: Terminal, console: "Console", fleet: "Fleet", project: str | None, hours: int, *, once: bool
) -> None:
    from api.cli.fleet import fleet_of, picture

    while True:
        if terminal.as_json:
            terminal.line(fleet.document(), "")
        else:
            console.print(picture(fleet, "", live=False))
        if once:
            return
        time.sleep(max(REFRESH_SECONDS, fleet.read_seconds / SHARE_MAX))
        fleet = fleet_of(terminal.client, project, hours)


def _screen(terminal: Terminal, console: "Console", fleet: "Fleet", project: str | None, hours: int) -> None:
    from rich.live import Live

    from api.cli.fleet import fleet_of, picture

    first = picture(fleet, "", live=True)
    with keys_pressed() as keyboard, Live(first, console=console, screen=True, auto_refresh=False) as live:
        while not keyboard.quits(max(REFRESH_SECONDS, fleet.read_seconds / SHARE_MAX)):
            trouble = ""
            try:
                fleet = fleet_of(terminal.client, project, hours)
            except ServerUnavailable as error:
                trouble = str(error)
            live.update(picture(fleet, trouble, live=True), refresh=True)
