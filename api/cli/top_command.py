"""`signalbox top`: the whole fleet at a glance, over all projects."""

import time
from typing import TYPE_CHECKING, Annotated, Final

import typer

from api.cli.command import At, Project, command
from api.cli.keyboard import keys_pressed
from api.cli.terminal import Terminal
from signalbox.client.errors import ServerUnavailable

if TYPE_CHECKING:
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

    The past is shown once: it does not change.
    """
    from api.cli.fleet import fleet_of, picture

    fleet, once = fleet_of(terminal.client, project, hours, at), once or at is not None
    if terminal.as_json:
        _lines(terminal, fleet, project, hours, once=once)
    elif once:
        terminal.console().print(picture(fleet, "", live=False))
    else:
        _screen(terminal, fleet, project, hours)


def _lines(terminal: Terminal, fleet: "Fleet", project: str | None, hours: int, *, once: bool) -> None:
    from api.cli.fleet import fleet_of

    terminal.line(fleet.document(), "")
    while not once:
        time.sleep(max(REFRESH_SECONDS, fleet.read_seconds / SHARE_MAX))
        fleet = fleet_of(terminal.client, project, hours)
        terminal.line(fleet.document(), "")


def _screen(terminal: Terminal, fleet: "Fleet", project: str | None, hours: int) -> None:
    from rich.live import Live

    from api.cli.fleet import fleet_of, picture

    first = picture(fleet, "", live=True)
    with keys_pressed() as keyboard, Live(first, console=terminal.console(), screen=True, auto_refresh=False) as live:
        while not keyboard.quits(max(REFRESH_SECONDS, fleet.read_seconds / SHARE_MAX)):
            trouble = ""
            try:
                fleet = fleet_of(terminal.client, project, hours)
            except ServerUnavailable as error:
                trouble = str(error)
            live.update(picture(fleet, trouble, live=True), refresh=True)
