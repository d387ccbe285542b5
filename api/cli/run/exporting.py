"""Runs as files: all that happened to one, to what it began and to its tasks, carried away and looked at elsewhere."""

import hashlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from api.cli.command import Project
from api.cli.queries import RUN
from api.cli.reading import found_then, project_of, run_named
from api.cli.run.asking import Run
from api.cli.run.showing import document
from api.cli.terminal import Terminal
from signalbox.client.asks import events
from signalbox.client.errors import Refused
from signalbox.client.fields import Fields, integer, optional_object, text

if TYPE_CHECKING:
    from signalbox.client.synchronous import Client

FORMAT: Final = 1
PAGE: Final = 500
EVENTS_MAX: Final = 200_000
_LINKS: Final = {
    "run.phase_offered.v1": "task",
    "run.undo_started.v1": "task",
    "run.child_started.v1": "child",
    "run.rolled_back.v1": "rollback",
}
"""Field that names another stream, by type of event."""


def export(
    terminal: Terminal,
    run: Run,
    file: Annotated[
        Path | None, typer.Option("--out", "-o", help="File to write; else it is printed. A file that is there stays.")
    ] = None,
    project: Project = None,
) -> None:
    """All events of a run, of the runs that it began and of its tasks, as one file of JSON lines."""
    client = terminal.client
    chosen = project_of(client, project)
    identifier = run_named(client, chosen, run)
    lines = list(_lines(client, identifier))
    if file is None:
        sys.stdout.writelines(lines)
        return
    try:
        with file.open("x", encoding="utf-8") as out:
            out.writelines(lines)
    except OSError as error:
        raise typer.BadParameter(f"{file} cannot be written: {error}", param_hint="--out") from error
    told = {"run": identifier, "file": str(file), "events": len(lines) - 2}
    terminal.show(told, f"{identifier}: {len(lines) - 2} events in {file}")


def import_run(
    terminal: Terminal,
    file: Annotated[Path, typer.Argument(help="What `run export` has written.")],
    folder: Annotated[Path, typer.Option("--into", help="Folder that is made for it.")],
) -> None:
    """Lay an exported run out as a log of its own, to be looked at with `replay` and `debug`; no server gets it."""
    from api.composition.exported import laid_out

    found = laid_out(file, folder)
    told = {"run": found.run, "folder": str(folder), "events": len(found.rows)}
    look = f"look at it with: signalbox replay show {found.run} --data {folder}"
    terminal.show(told, f"{found.run}: {len(found.rows)} events in {folder}", look)


def _collected(client: "Client", run: str, until: int) -> list[Fields]:
    """Events of the run and of what belongs to it, up to a position, in order. Raises Refused beyond the bound."""
    found: dict[int, Fields] = {}
    wanted, seen = [run], {run}
    while wanted:
        for event in stream_events(client, wanted.pop()):
            if integer(event, "position") > until:
                break
            found[integer(event, "position")] = event
            link = _LINKS.get(str(event.get("type")))
            other = "" if link is None else str(optional_object(event, "event").get(link) or "")
            if other and other not in seen:
                seen.add(other)
                wanted.append(other)
        if len(found) > EVENTS_MAX:
            raise Refused("run_too_large", f"it has more than {EVENTS_MAX:,} events", "Use `signalbox audit export`.")
    return [found[position] for position in sorted(found)]


def stream_events(client: "Client", stream: str, after: int = 0) -> Iterator[Fields]:
    """Events of one stream behind a version."""
    while True:
        page = client.ask(events(stream=stream, after=after, limit=PAGE))
        yield from page.events
        if page.position == after or len(page.events) < PAGE:
            return
        after = page.position


def _lines(client: "Client", run: str) -> Iterator[str]:
    """The header, an event a line, and the end with the digest of all before it."""
    row = found_then(client, RUN, {"id": run, "at": "now"}, "run", run)
    revision = integer(row, "revision")
    own = next((one for one in stream_events(client, run, revision - 1)), None)
    if own is None:
        raise Refused("unknown_thing", f"There is no run {run} here.", "See `signalbox run list --all`.")
    until = integer(own, "position")
    found = _collected(client, run, until)
    first = _line({"signalbox_run_export": FORMAT, **document(row), "run": text(row, "id"), "until": until})
    digest = hashlib.sha256(first.encode())
    yield first
    for event in found:
        line = _line(event)
        digest.update(line.encode())
        yield line
    yield _line({"end": len(found), "sha256": digest.hexdigest()})


def _line(fields: Fields) -> str:
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")) + "\n"
