"""`signalbox replay run` and `fork`: copies to look at and to play with, apart from the log."""

from pathlib import Path
from typing import Annotated

import typer

from api.cli.replay.source import Progress, Store, past
from api.cli.terminal import Terminal
from signalbox.client.errors import Refused


def run(
    terminal: Terminal,
    until: Annotated[str, typer.Option("--until", help="Point that everything is to be as of.")],
    out: Annotated[Path, typer.Option("--out", help="New SQLite file.")] = Path("replay.db"),
    store: Store = None,
) -> None:
    """Stand up all read models as they were at a point, in a new SQLite file that any tool opens."""
    if out.exists():
        raise Refused("file_exists", f"{out} is there already", "Name another file with --out, or remove it.")
    with past(terminal, store) as replay:
        position = replay.position(until, 0)
        progress = Progress(terminal, "stood up", position)
        counts = replay.stand_up(position, out, lambda _what, count: progress(count))
        progress.done()
    rows = [{"model": name, "rows": count} for name, count in counts.items()]
    lines = [f"{out}: every read model as of @{position}", *(f"  {one['model']:16} {one['rows']:>8}" for one in rows)]
    terminal.show({"file": str(out), "position": position, "rows": counts}, *lines)
