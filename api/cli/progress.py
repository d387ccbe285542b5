"""Progress of long work, for people at a terminal: how far, how fast, how long still."""

import sys
from types import TracebackType
from typing import TYPE_CHECKING, Self

from api.cli.terminal import Terminal

if TYPE_CHECKING:
    from rich.progress import Progress


class Bar:
    """A bar on the error stream while the block runs; nothing where that is no terminal or JSON was asked for."""

    def __init__(self, terminal: Terminal, words: str) -> None:
        self._shown = sys.stderr.isatty() and not terminal.as_json
        self._words = words
        self._bar: Progress | None = None

    def __enter__(self) -> Self:
        if self._shown:
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

            columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
            speed = TextColumn("{task.fields[speed]}")
            self._bar = Progress(*columns, speed, console=Console(stderr=True), transient=True)
        return self

    def move(self, done: int, whole: int) -> None:
        """So much is done of so much."""
        if self._bar is None:
            return
        if not self._bar.tasks:
            self._bar.add_task(self._words, total=whole, speed="")
            self._bar.start()
        task = self._bar.tasks[0]
        speed = f"{task.speed:,.0f} events/s" if task.speed else ""
        self._bar.update(task.id, completed=done, speed=speed)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()
