"""The same asked of many runs, whose ids come on standard input."""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

import typer

from api.cli.reading import project_of, run_named
from api.cli.terminal import Terminal
from signalbox.client.errors import Refused

STDIN: Final = "-"
RUNS_MAX: Final = 10_000
Done = tuple[Mapping[str, object], Sequence[str]]
"""What came of it, for programs and in words."""


def for_each(terminal: Terminal, run: str, project: str | None, do: Callable[[str, str], Done]) -> None:
    """Do it for the run that is named, or for each that standard input names: one that is refused stops none behind it.

    ``do`` gets project and id. Of many, each is one line, and the code is 1 where any was refused.
    """
    chosen = project_of(terminal.client, project)
    if run != STDIN:
        told, words = do(chosen, run_named(terminal.client, chosen, run))
        terminal.show(told, *words)
        return
    refused = False
    for name in _named():
        try:
            told, words = do(chosen, run_named(terminal.client, chosen, name))
        except Refused as error:
            refused = True
            said = {"code": error.code, "message": error.message, "next": error.next, "data": error.data}
            terminal.line({"run": name, "error": said}, f"{name}: {error.message}\n    next: {error.next}")
        else:
            terminal.line(told, "\n".join(words))
    if refused:
        raise typer.Exit(1)


def _named() -> Iterator[str]:
    for number, line in enumerate(sys.stdin):
        if number == RUNS_MAX:
            raise Refused("too_many", f"more than {RUNS_MAX:,} runs were named", "Name fewer at a time.")
        if line.strip():
            yield line.strip()
