"""`signalbox replay run` and `fork`: copies to look at and to play with, apart from the log."""

from pathlib import Path
from typing import Annotated

import typer

from api.cli.files import file_text
from api.cli.replay.source import Bundle, Progress, Store, past
from api.cli.tables import Column, Grid
from api.cli.terminal import Terminal
from signalbox.client.errors import Refused


def run(
    terminal: Terminal,
    until: Annotated[str, typer.Option("--until", help="Point that everything is to be as of.")],
    out: Annotated[Path, typer.Option("--out", help="New SQLite file.")] = Path("replay.db"),
    store: Store = None,
    bundle: Bundle = None,
) -> None:
    """Stand up all read models as they were at a point, in a new SQLite file that any tool opens."""
    if out.exists():
        raise Refused("file_exists", f"{out} is there already", "Name another file with --out, or remove it.")
    with past(terminal, store, bundle) as replay:
        position = replay.position(until, 0)
        progress = Progress(terminal, "stood up", position)
        counts = replay.stand_up(position, out, lambda _what, count: progress(count))
        progress.done()
    terminal.show(
        {"file": str(out), "position": position, "rows": counts}, f"{out}: every read model as of @{position}"
    )
    if not terminal.as_json:
        rows = [{"model": name, "rows": count} for name, count in counts.items()]
        terminal.console().print(Grid(rows, (Column("READ MODEL", "model"), Column("ROWS", "rows", right=True))))


def fork(
    terminal: Terminal,
    at: Annotated[str, typer.Option("--at", help="Point up to which the log is copied.")],
    out: Annotated[Path, typer.Option("--out", help="New data folder.")] = Path("fork"),
    edit: Annotated[Path | None, typer.Option("--edit", help="YAML or JSON: events to drop, change and add.")] = None,
    store: Store = None,
    bundle: Bundle = None,
) -> None:
    """Copy the log up to a point into a data folder of its own, with events dropped, changed or added: what if?
    `signalbox up --data` serves it, `replay --data` looks at it."""
    if out.exists() and any(out.iterdir()):
        raise Refused("file_exists", f"{out} is there already", "Name another folder with --out, or remove it.")
    with past(terminal, store, bundle) as replay:
        position = replay.position(at, 0)
        edits = None if edit is None else file_text(edit)
        progress = Progress(terminal, "copied", position)
        made = replay.fork(position, edits, out, progress)
        progress.done()
    told = {"folder": str(out), "at": position, "events": made.events, "dropped": made.dropped}
    words = f"{out}: {made.events} events up to @{position}; {made.dropped} dropped, {made.changed} changed"
    words += f", {made.added} added"
    terminal.show(told | {"changed": made.changed, "added": made.added}, words, f"  signalbox up --data {out}")
