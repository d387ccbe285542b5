"""`signalbox run watch`: the graph of a run as it changes, drawn over itself where it is shown on a terminal."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Final

import typer

from api.cli.command import Project
from api.cli.following import REFRESH_SECONDS_MIN, WAIT_SECONDS, views
from api.cli.keyboard import keys_pressed
from api.cli.queries import RUN
from api.cli.reading import found_then, project_of, run_named
from api.cli.run.asking import Run
from api.cli.run.drawing import arranged, drawn, phase_words
from api.cli.run.showing import details, document
from api.cli.terminal import Terminal
from api.cli.words import printable
from signalbox.client.asks import status as server_status
from signalbox.client.asks import wait
from signalbox.client.fields import Fields, integer, objects

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult
    from rich.text import Text

ENDED: Final = frozenset({"SUCCEEDED", "FAILED", "CANCELLED"})
_SETTLED: Final = ENDED | {"SKIPPED", "BLOCKED"}
_COLOURS: Final = {
    "succeeded": "green", "failed": "red", "blocked": "red", "cancelled": "red", "parked": "bold red",
    "running": "cyan", "assigned": "cyan", "backoff": "yellow", "waiting": "yellow", "pending": "dim", "skipped": "dim",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Watched:
    """A run as it was read at one moment."""

    project: str
    position: int
    row: Fields
    read_seconds: float

    @property
    def has_ended(self) -> bool:
        return self.row.get("status") in ENDED

    @property
    def lines(self) -> list[str]:
        return [*details(self.row), *drawn(arranged(objects(self.row, "phases")))]


def watch(
    terminal: Terminal,
    run: Run,
    once: Annotated[bool, typer.Option("--once", help="Show it once and end.")] = False,
    project: Project = None,
) -> None:
    """The graph of a run as it changes, until it has ended; q or ctrl-c ends it before. With --json one line for each
    change."""
    chosen = project_of(terminal.client, project)
    watched = _read(terminal, chosen, run_named(terminal.client, chosen, run))
    console = terminal.console()
    if not (once or watched.has_ended or terminal.as_json) and console.is_terminal and not console.is_dumb_terminal:
        watched = _screen(terminal, console, watched)
        terminal.show({}, *watched.lines)
    else:
        _lines(terminal, watched, once=once)


def _read(terminal: Terminal, project: str, run: str) -> Watched:
    began = time.monotonic()
    position = integer(terminal.client.ask(server_status()), "head")
    row = found_then(terminal.client, RUN, {"id": run}, "run", run)
    return Watched(project, position, row, time.monotonic() - began)


def _lines(terminal: Terminal, watched: Watched, *, once: bool) -> None:
    """For programs, and for what is no terminal: all of it again for each change."""
    seen: list[str] = []
    while True:
        if watched.lines != seen:
            seen = watched.lines
            terminal.line(document(watched.row), "\n".join([*seen, ""]))
        if once or watched.has_ended:
            return
        terminal.client.ask(wait(watched.project, watched.position, WAIT_SECONDS))
        time.sleep(REFRESH_SECONDS_MIN)
        watched = _read(terminal, watched.project, str(watched.row.get("id")))


def _screen(terminal: Terminal, console: "Console", watched: Watched) -> Watched:
    """Draw it over itself until it has ended or somebody has seen enough; answers what was shown last."""
    from rich.live import Live

    run = str(watched.row.get("id"))
    with (
        keys_pressed() as keyboard,
        Live(Picture(watched, ""), console=console, screen=True, auto_refresh=False) as live,
    ):
        live.refresh()
        following = views(terminal, console, watched, lambda: _read(terminal, watched.project, run), keyboard)
        for latest, trouble in following:
            watched = latest
            live.update(Picture(watched, trouble), refresh=True)
            if watched.has_ended:
                break
    return watched


class Picture:
    """The whole screen, made anew for each size of it."""

    def __init__(self, watched: Watched, trouble: str) -> None:
        self._watched = watched
        self._trouble = trouble

    def __rich_console__(self, console: "Console", options: "ConsoleOptions") -> "RenderResult":
        """One line of the screen for each phase: what is too long is cut, and what has settled goes first."""
        from rich.text import Text

        head = [Text(printable(line)) for line in details(self._watched.row)]
        foot = Text(printable(self._trouble) or "q ends it", style="bold red" if self._trouble else "dim")
        rows = (options.height or console.height) - 1
        graph = _fitting(arranged(objects(self._watched.row, "phases")), max(1, rows - len(head), rows * 2 // 3))
        for line in (*_most(head, rows - len(graph)), *graph, foot):
            line.no_wrap, line.overflow = True, "ellipsis"
            yield line


def _most(head: list["Text"], room: int) -> list["Text"]:
    """What there is room for, how it stands first: that is behind its name and its pipeline."""
    return head if room >= len(head) else head[2 : 2 + max(0, room)]


def _fitting(phases: Sequence[Fields], room: int) -> list["Text"]:
    """As many lines as there is room for; what has settled is left out first, from above."""
    from rich.text import Text

    lines = [
        (Text(printable(line), style=_COLOURS.get(phase_words(phase), "")), phase.get("status") in _SETTLED)
        for phase, line in zip(phases, drawn(phases), strict=True)
    ]
    if len(lines) <= room:
        return [line for line, _ in lines]
    out = min(len(lines) - room + 1, sum(is_settled for _, is_settled in lines))
    shown: list[Text] = []
    passed = 0
    for line, is_settled in lines:
        if is_settled and passed < out:
            passed += 1
        else:
            shown.append(line)
    if len(shown) < room:
        return [Text(f"… {out} have settled", style="dim"), *shown]
    more = len(lines) - room + 1
    return [*shown[: room - 1], Text(f"… {more} more", style="dim")]
