"""`signalbox events`: the log as it is, or as it grows."""

import json
from typing import Annotated, Final

import typer

from api.cli.command import Project, command
from api.cli.reading import project_of
from api.cli.terminal import Terminal
from api.cli.words import moment, short
from signalbox.client.asks import events, status, wait
from signalbox.client.fields import Fields, integer, optional_object

PAGE: Final = 500
WAIT_SECONDS: Final = 20.0
WORDS_CHARACTERS_MAX: Final = 160


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
            terminal.line(event, _words(event))
        if left is not None:
            left -= len(page.events)
        if page.position == after:
            break
        after = page.position
    return after


def _words(event: Fields) -> str:
    said = json.dumps(_brief(optional_object(event, "event")), ensure_ascii=False)
    stream = str(event.get("stream", ""))
    place = f"{stream.rpartition('_')[0]}:{short(stream)}"
    line = f"{event.get('position'):>8} {moment(event.get('at'))} {place:14} {event.get('type'):28} {said}"
    return line if len(line) <= WORDS_CHARACTERS_MAX else line[: WORDS_CHARACTERS_MAX - 1] + "…"


def _brief(content: Fields) -> dict[str, object]:
    """Without what is empty and without the instant, which stands before."""
    return {name: value for name, value in content.items() if name != "at" and value not in (None, "", [], {})}
