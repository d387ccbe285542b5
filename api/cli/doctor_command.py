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
from api.cli.connect.guard_trial import guard_findings
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
    """Try out whether coding clients, and commits, are refused."""
    here = Path.cwd()
    found = repository_of(os.path.realpath(here))
    root = here if found is None else Path(found.top)
    server = server_findings(terminal)
    guard_state, guard = guard_findings(root, terminal)
    chosen = [one for name, one in CODING_CLIENTS.items() if not client or name in client]
    seen = {one.name: examined(one, root, terminal) for one in chosen}
    told = {
        "server": [asdict(one) for one in server],
        "guard": {"state": guard_state.value, "findings": [asdict(one) for one in guard]},
        "clients": {
            name: {"state": state.value, "findings": [asdict(one) for one in findings]}
            for name, (state, findings) in seen.items()
        },
    }
    lines = ["server", *_lines(server), f"git guard: {_words_of(guard_state)}", *_lines(guard)]
    for name, (state, findings) in seen.items():
        lines += [f"{CODING_CLIENTS[name].title}: {state.value}", *_lines(findings)]
    terminal.show(told, *lines)
    states = [guard_state, *(state for state, _ in seen.values())]
    if State.BROKEN in states or any(one.good is False for one in server):
        raise typer.Exit(Exit.REFUSED)


def _words_of(guard: State) -> str:
    return "not installed" if guard is State.ABSENT else guard.value


def _lines(findings: list[Finding]) -> list[str]:
    lines: list[str] = []
    for one in findings:
        lines.append(f"  {MARKS[one.good]} {one.words}")
        if one.mend:
            lines.append(f"     mend: {one.mend}")
    return lines
