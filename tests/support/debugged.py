"""A history for the debugger that is the same each time, and its screen without a terminal."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import ClassVar, Final

from textual.pilot import Pilot
from textual.widgets import Input, Static

from api.cli.debug.screen import DebugApp
from api.composition.debugging import Debugger
from api.composition.opening import opened
from domain.catalogue import REGISTRY
from infrastructure.log.mapper import recorded
from infrastructure.log.sqlite import SqliteLog
from infrastructure.rows.sqlite import SqliteRows
from infrastructure.runtime.projector import Projector
from projections.catalogue import PROJECTIONS
from tests.support.teller import BEGIN, Step, told_on
from tests.support.waiting import happens

SCRIPT: Final[list[Step]] = [
    ("plan", 0, 4),
    ("claim", 0, 0),
    ("claim", 1, 0),
    ("progress", 0, 4),
    ("complete", 0, 0),
    ("complete", 0, 2),
    ("fail", 0, 4),
    ("acquire", 2, 1),
    ("claim", 1, 0),
    ("cancel", 0, 3),
    ("end", 1, 0),
]
SIZE: Final = (90, 20)


class TimedLog(SqliteLog):
    """A log whose clock is the number of times that it was asked."""

    _asked = 0

    def now(self) -> int:
        self._asked += 1
        return BEGIN + self._asked * 1_000_000


def write_history(folder: Path, script: list[Step] = SCRIPT) -> None:
    """A log and its rows, which no server has open."""
    log, rows = TimedLog(folder / "signalbox.db"), SqliteRows(folder / "rows.db")
    told_on(log, script)
    projector = Projector(log, rows, PROJECTIONS, lambda row: recorded(row, REGISTRY))
    projector.open()
    projector.catch_up()
    rows.close()
    log.close()


@contextmanager
def debugger_of(folder: Path, bundle: Path | None = None) -> Iterator[Debugger]:
    with opened(None, folder, bundle) as replay:
        yield Debugger(replay)


class PatientApp(DebugApp):
    """What is notified stands there until it was read, on a slow machine, too."""

    NOTIFICATION_TIMEOUT: ClassVar[float] = 3_600.0


class Screen:
    """Presses keys and waits until the screen shows what they led to."""

    def __init__(self, app: DebugApp, pilot: Pilot[None]) -> None:
        self.app = app
        self._pilot = pilot

    async def press(self, *keys: str) -> None:
        await self._pilot.press(*keys)
        await self.settled()

    async def type(self, key: str, words: str) -> None:
        """Answer what a key asks for."""
        await self._pilot.press(key)
        self.app.query_one("#prompt", Input).value = words
        await self._pilot.press("enter")
        await self.settled()

    async def click(self, widget: str, column: int, line: int = 0) -> None:
        await self._pilot.click(widget, offset=(column, line))
        await self.settled()

    async def settled(self) -> None:
        await happens(lambda: self.app.settled)
        await self._pilot.pause()

    async def says(self, words: str) -> None:
        """Wait until it stands there."""
        await happens(lambda: words in self.words())

    def pane(self, name: str) -> str:
        """What a pane says, also where it is longer than the screen."""
        return str(self.app.query_one(f"#{name}-text", Static).content)

    def words(self) -> str:
        """Everything on the screen, a line each."""
        lines = self.app.screen._compositor.render_strips()
        return "\n".join("".join(segment.text for segment in line).rstrip() for line in lines)


@asynccontextmanager
async def screen_of(
    debugger: Debugger,
    cursor: int,
    *,
    live: bool = False,
    keep: Callable[[str, int], None] = lambda _name, _at: None,
    size: tuple[int, int] = SIZE,
) -> AsyncIterator[Screen]:
    app = PatientApp(debugger, source="history", cursor=cursor, live=live, keep=keep)
    async with app.run_test(size=size, notifications=True) as pilot:
        screen = Screen(app, pilot)
        await screen.settled()
        yield screen
