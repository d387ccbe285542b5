"""`signalbox replay export`: a run that was carried away, folded again and compared."""

from pathlib import Path
from typing import Annotated

import typer

from api.cli.terminal import Terminal


def replay_export(
    terminal: Terminal,
    file: Annotated[Path, typer.Argument(help="What `signalbox run export` has written.")],
    semantics: Annotated[
        int | None, typer.Option("--semantics", min=1, help="Number of the rules; else those that the run keeps to.")
    ] = None,
) -> None:
    """Fold an exported run again by the rules of this program; code 1 where something is another than was recorded."""
    from api.composition.exported import refolded

    found = refolded(file, semantics)
    told = [
        {
            "run": one.run,
            "events": one.events,
            "semantics": one.semantics,
            "status": one.status,
            "phases": one.phases,
            "differences": list(one.differences),
        }
        for one in found
    ]
    lines: list[str] = []
    for one in found:
        same = "as it was recorded" if not one.differences else "otherwise"
        lines.append(f"{one.run}  {one.events} events, rules {one.semantics}: {one.status}, {same}")
        lines += [f"    {words}" for words in one.differences]
    terminal.show({"runs": told}, *lines)
    if any(one.differences for one in found):
        raise typer.Exit(1)
