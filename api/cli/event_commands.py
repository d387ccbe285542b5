"""`signalbox events`: the log as it is, or as it grows."""

from typing import Annotated, Final

import typer

from api.cli.command import Project, command
from api.cli.reading import project_of
from api.cli.terminal import Terminal
from api.cli.words import event_words
from signalbox.client.asks import events, status, wait
from signalbox.client.fields import integer

PAGE: Final = 500
WAIT_SECONDS: Final = 20.0


def register(app: typer.Typer) -> None:
    command(app, "events")(list_events)


def list_events(
    terminal: Terminal,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as they arise, until interrupted.")] = False,
    after: Annotated[int | None, typer.Option("--after", min=0, help="Only events behind this position.")] = None,
    stream: Annotated[
        str | None, typer.Option("--stream", help="One stream, such as task_…; --after is its version.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=100_000, help="Events at most.")] = 500,
    project: Project = None,
) -> None:
    """Events of a project in order. With --follow from now on, unless --after says otherwise."""
    if stream is not None:
        if follow:
            raise typer.BadParameter("a stream can be read, not followed", param_hint="--stream")
        _print(terminal, None, stream, after or 0, limit)
        return
    chosen = project_of(terminal.client, project)
    if not follow:
        _print(terminal, chosen, None, after or 0, limit)
        return
    position = integer(terminal.client.ask(status()), "head") if after is None else after
    while True:
        position = _print(terminal, chosen, None, position, None)
        terminal.client.ask(wait(chosen, position, WAIT_SECONDS))


def _print(terminal: Terminal, project: str | None, stream: str | None, after: int, limit: int | None) -> int:
    """Print events until there are no more for now; where to go on."""
    left = limit
    while left is None or left > 0:
        count = PAGE if left is None else min(PAGE, left)
        page = terminal.client.ask(events(project=project, stream=stream, after=after, limit=count))
        for event in page.events:
            terminal.line(event, event_words(event))
        if left is not None:
            left -= len(page.events)
        if page.position == after:
            break
        after = page.position
    return after
