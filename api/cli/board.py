"""One look at a project: counts, what moves, who works, what is locked; as data and as a picture."""

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from api.cli import lock_commands, session_commands, task_commands
from api.cli.queries import COUNTS, LOCKS, SESSIONS, TASKS
from api.cli.reading import listing, single
from api.cli.tables import Grid
from api.cli.task_commands import lowered
from api.cli.words import printable
from signalbox.client.fields import Fields, integer, objects

if TYPE_CHECKING:
    from rich.console import Group, RenderableType
    from rich.text import Text

    from signalbox.client.synchronous import Client

ROWS_SHOWN_MAX: Final = 15
ORDER: Final = ("pending", "ready", "assigned", "running", "backoff", "parked", "completed", "failed", "cancelled")
_COLOURS: Final = {
    "running": "cyan", "assigned": "cyan", "ready": "blue", "completed": "green", "failed": "red", "parked": "red",
    "backoff": "yellow",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Board:
    project: str
    position: int
    counts: dict[str, int]
    """Tasks by status."""
    tasks: tuple[Fields, ...]
    """Those that are under way or need a look."""
    sessions: tuple[Fields, ...]
    locks: tuple[Fields, ...]
    read_seconds: float
    """What reading it took."""

    def document(self) -> dict[str, object]:
        """For programs."""
        return {
            "project": self.project,
            "position": self.position,
            "counts": self.counts,
            "tasks": [lowered(row) for row in self.tasks],
            "sessions": [lowered(row) for row in self.sessions],
            "locks": list(self.locks),
        }


def board_of(client: "Client", project: str) -> Board:
    """Read it. Raises what asking raises."""
    began = time.monotonic()
    everything = single(client, COUNTS, {"project": project})
    counted = {str(one.get("status")).lower(): integer(one, "total") for one in objects(everything, "counts")}
    moving = {"project": project, "status": ["ASSIGNED", "RUNNING", "BACKOFF", "PARKED", "FAILED"]}
    tasks = listing(client, TASKS, {"where": moving}, ROWS_SHOWN_MAX).rows
    sessions = listing(client, SESSIONS, {"project": project, "status": ["LIVE", "SUSPECT"]}, ROWS_SHOWN_MAX).rows
    locks = listing(client, LOCKS, {"project": project}, ROWS_SHOWN_MAX).rows
    counts = {status: counted.get(status, 0) for status in ORDER}
    # The oldest position read: from there on nothing is missed.
    return Board(project, integer(everything, "position"), counts, tasks, sessions, locks, time.monotonic() - began)


def picture(board: Board, trouble: str, *, live: bool) -> "Group":
    """For people; ``live`` where keys are heard."""
    from rich.console import Group
    from rich.text import Text

    parts: list[RenderableType] = [_headline(board, trouble, live=live), Text()]
    for title, rows, columns in (
        ("TASKS UNDER WAY", [task_commands.shown(row) for row in board.tasks], task_commands.COLUMNS),
        ("SESSIONS", [session_commands.shown(row) for row in board.sessions], session_commands.COLUMNS),
        ("LOCKS", [lock_commands.shown(row) for row in board.locks], lock_commands.COLUMNS),
    ):
        parts += [Text(title, style="bold reverse"), Grid(rows, columns) if rows else Text("none"), Text()]
    return Group(*parts)


def _headline(board: Board, trouble: str, *, live: bool) -> "Text":
    from rich.text import Text

    total = sum(board.counts.values())
    settled = sum(board.counts[status] for status in ("completed", "failed", "cancelled"))
    line = Text(f"{printable(board.project)}  {settled}/{total} settled  ", style="bold")
    for status, number in board.counts.items():
        if number:
            line.append(f" {number} {status} ", style=_COLOURS.get(status, ""))
    line.append(f"  log {board.position}{'  q quits' if live else ''}", style="dim")
    return line if not trouble else Text(f"{printable(trouble)}\n", style="bold red") + line
