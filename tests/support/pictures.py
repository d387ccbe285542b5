"""Makes the pictures of the user's pages: `python -m tests.support.pictures docs/images`."""

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from api.cli.debug.looking import PANES, Pane
from api.composition.debugging import Debugger
from tests.support.board_picture import REMOTE_FONTS, board_picture
from tests.support.debugged import debugger_of, screen_of, write_history

CURSORS = {"why": 16, "difference": 22, "marks": 22}
"""The position that a picture shows; else the middle of the log."""
SIZE = (140, 36)


def pictures() -> Iterator[tuple[str, str]]:
    """The name and the text of the picture of the board, and of one for each pane; they are the same each time."""
    yield "watch.svg", board_picture()
    with tempfile.TemporaryDirectory() as data:
        write_history(Path(data))
        with debugger_of(Path(data)) as debugger:
            for pane, drawn in asyncio.run(_drawn(debugger)).items():
                yield f"debug-{pane}.svg", REMOTE_FONTS.sub("", drawn)


async def _drawn(debugger: Debugger) -> dict[Pane, str]:
    drawn: dict[Pane, str] = {}
    async with screen_of(debugger, 1, size=SIZE) as screen:
        for number, pane in enumerate(PANES, start=1):
            screen.app.action_go(CURSORS.get(pane, debugger.head() // 2))
            if pane == "marks":
                await screen.type("b", "task.failed.v1")
                await screen.type("b", "event.attempt > 1")
                await screen.press("x", "f")
                screen.app.clear_notifications()
            await screen.press(str(number))
            drawn[pane] = screen.app.export_screenshot()
    return drawn


def main() -> None:
    os.environ["TZ"] = "UTC"
    time.tzset()
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in pictures():
        (folder / name).write_text(text, encoding="utf-8")
        sys.stdout.write(f"{folder / name}\n")


if __name__ == "__main__":
    main()
