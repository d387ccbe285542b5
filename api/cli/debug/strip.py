"""The whole log on one line, coloured by kind, with the cursor and the marks below it."""

from collections.abc import Collection, Mapping
from typing import ClassVar, Final

from rich.style import Style
from rich.text import Text
from textual.events import Click
from textual.message import Message
from textual.widget import Widget

from api.cli.debug.kinds import colour_of
from api.cli.debug.looking import strip_positions

CURSOR: Final = "▲"
BOOKMARK: Final = "◆"
ANCHOR: Final = "◇"
CELL: Final = "▇"


class Chosen(Message):
    """Somebody clicked on a place of the log."""

    def __init__(self, position: int) -> None:
        super().__init__()
        self.position = position


class Strip(Widget):
    """Each cell is one event, or the first of the stretch of the log that it stands for."""

    DEFAULT_CSS: ClassVar[str] = "Strip { height: 2; width: 1fr; }"

    def __init__(self) -> None:
        super().__init__(id="strip")
        self._head = self._cursor = 0
        self._anchor: int | None = None
        self._types: Mapping[int, str] = {}
        self._bookmarks: Collection[int] = ()

    def tell(
        self, head: int, cursor: int, anchor: int | None, types: Mapping[int, str], bookmarks: Collection[int]
    ) -> None:
        """What stands there from now on; ``types`` are the stored names of the events that the cells show."""
        self._head, self._cursor, self._anchor = head, cursor, anchor
        self._types, self._bookmarks = types, bookmarks
        self.refresh()

    def render(self) -> Text:
        shown = strip_positions(self._head, self.size.width)
        words = Text(no_wrap=True)
        for position in shown:
            words.append(CELL, Style(color=colour_of(self._types.get(position, ""))))
        marks = [" "] * max(len(shown), 1)
        for position in self._bookmarks:
            self._mark(marks, position, BOOKMARK)
        if self._anchor is not None:
            self._mark(marks, self._anchor, ANCHOR)
        self._mark(marks, self._cursor, CURSOR)
        return Text("\n").join([words, Text("".join(marks))])

    def on_click(self, click: Click) -> None:
        shown = strip_positions(self._head, self.size.width)
        if shown:
            self.post_message(Chosen(shown[min(click.x, len(shown) - 1)]))

    def _mark(self, marks: list[str], position: int, mark: str) -> None:
        if 0 < position <= self._head:
            marks[(position - 1) * len(marks) // self._head] = mark
