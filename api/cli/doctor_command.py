"""`signalbox doctor`: whether connected clients are really refused, tried out with a real edit of a locked file."""

import os
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Final

import typer

from api.cli.command import command
from api.cli.connect.clients import CODING_CLIENTS
from api.cli.connect.examining import State, examined
from api.cli.connect.finding import Finding
from api.cli.connect.server_health import server_findings
from api.cli.exits import Exit
from api.cli.terminal import Terminal
from signalbox.hook.places import repository_of

MARKS: Final = {True: "ok", False: "!!", None: "--"}


def register(app: typer.Typer) -> None:
    command(app, "doctor")(doctor)


def doctor(
    terminal: Terminal,
    client: Annotated[list[str] | None, typer.Argument(help="claude, codex or gemini; else all of them.")] = None,
) -> None:
    """Try out whether coding clients are refused."""
    here = Path.cwd()
    found = repository_of(os.path.realpath(here))
    root = here if found is None else Path(found.top)
    server = server_findings(terminal)
    chosen = [one for name, one in CODING_CLIENTS.items() if not client or name in client]
    seen = {one.name: examined(one, root, terminal) for one in chosen}
    told = {
        "server": [asdict(one) for one in server],
        "clients": {
            name: {"state": state.value, "findings": [asdict(one) for one in findings]}
            for name, (state, findings) in seen.items()
        },
    }
    lines = ["server", *_lines(server)]
    for name, (state, findings) in seen.items():
        lines += [f"{CODING_CLIENTS[name].title}: {state.value}", *_lines(findings)]
    terminal.show(told, *lines)
    broken = any(state is State.BROKEN for state, _ in seen.values()) or any(one.good is False for one in server)
    if broken:
        raise typer.Exit(Exit.REFUSED)


def _lines(findings: list[Finding]) -> list[str]:
    lines: list[str] = []
    for one in findings:
        lines.append(f"  {MARKS[one.good]} {one.words}")
        if one.mend:
            lines.append(f"     mend: {one.mend}")
    return lines
