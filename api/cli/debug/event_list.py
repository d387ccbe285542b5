"""The events around the cursor, a line each; no more of them than there is room for."""

from collections.abc import Sequence, Set
from typing import TYPE_CHECKING, ClassVar, Final

from rich.style import Style
from rich.text import Text
from textual.binding import Binding, BindingType
from textual.events import Click, MouseScrollDown, MouseScrollUp
from textual.widget import Widget

from api.cli.debug.kinds import colour_of
from api.cli.debug.strip import ANCHOR, BOOKMARK, Chosen
from api.cli.replay.telling import place
from api.cli.words import moment, printable

if TYPE_CHECKING:
    from api.composition.debugging import LogRow

SCROLLED_EVENTS: Final = 3
NARROW_CHARACTERS: Final = 56
STREAM_CHARACTERS: Final = 18
KIND_CHARACTERS: Final = 22


class EventList(Widget, can_focus=True):
    """Rows of the log; the one at the cursor stands out."""

    DEFAULT_CSS: ClassVar[str] = "EventList { height: 1fr; width: 1fr; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,right,j", "app.step(1)", "next", key_display="↓"),
        Binding("up,left,k", "app.step(-1)", "previous", key_display="↑"),
        Binding("pagedown,space", "app.page(1)", "a page on", show=False),
        Binding("pageup", "app.page(-1)", "a page back", show=False),
        Binding("home", "app.go(1)", "first event", show=False),
        Binding("end", "app.last", "last event", show=False),
    ]

    def __init__(self) -> None:
        super().__init__(id="events")
        self._rows: Sequence[LogRow] = ()
        self._cursor = 0
        self._anchor: int | None = None
        self._bookmarks: Set[int] = frozenset()

    def tell(self, rows: "Sequence[LogRow]", cursor: int, anchor: int | None, bookmarks: Set[int]) -> None:
        """What stands there from now on."""
        self._rows, self._cursor, self._anchor, self._bookmarks = rows, cursor, anchor, bookmarks
        self.refresh()

    def render(self) -> Text:
        lines = Text(no_wrap=True, overflow="ellipsis")
        for row in self._rows:
            line = self._line(row)
            if row.position == self._cursor:
                line.pad_right(max(0, self.size.width - line.cell_len))
                line.stylize(Style(reverse=True))
            line.truncate(self.size.width)
            lines.append_text(line)
            lines.append("\n")
        return lines

    def _line(self, row: "LogRow") -> Text:
        """Where there is little room, what happened stands before what it happened to; when is left to the panes."""
        kind = Text(row.type.rpartition(".")[0], Style(color=colour_of(row.type)))
        stream = Text(printable(f"{place(row.stream)}@{row.version}"), Style(dim=True))
        head = f"{self._mark(row.position)}@{row.position:<8}"
        if self.size.width < NARROW_CHARACTERS:
            kind.pad_right(max(0, KIND_CHARACTERS - kind.cell_len))
            return Text.assemble(head, kind, " ", stream)
        stream.pad_right(max(0, STREAM_CHARACTERS - stream.cell_len))
        return Text.assemble(head, moment(row.recorded_at)[11:], "  ", stream, " ", kind)

    def on_click(self, click: Click) -> None:
        if 0 <= click.y < len(self._rows):
            self.post_message(Chosen(self._rows[click.y].position))

    def on_mouse_scroll_down(self, _: MouseScrollDown) -> None:
        self.post_message(Chosen(self._cursor + SCROLLED_EVENTS))

    def on_mouse_scroll_up(self, _: MouseScrollUp) -> None:
        self.post_message(Chosen(self._cursor - SCROLLED_EVENTS))

    def _mark(self, position: int) -> str:
        if position == self._anchor:
            return ANCHOR
        return BOOKMARK if position in self._bookmarks else " "
