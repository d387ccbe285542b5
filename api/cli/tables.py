"""Tables for people: rows below titles, in as much room as there is; what is cut says so."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from api.cli.words import printable

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult

GAP: Final = "  "
WIDE_CHARACTERS_MIN: Final = 20
"""A wide column is cut down to these before another column is left out for its sake."""
CUT_CHARACTERS_MIN: Final = 4
"""No column gets narrower: where not even that fits, the line is cut at its end."""
CUT: Final = "…"


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table for people."""

    title: str
    name: str
    """Field of the row."""
    right: bool = False
    wide: bool = False
    """Takes the room that is left, and is cut first."""
    spare: bool = False
    """Left out where there is no room for all; of several the last one goes first."""
    path: bool = False
    """Its end tells more than its beginning, so it is cut in front."""
    wraps: bool = False
    """Goes on in the next line rather than being cut."""


class Grid:
    """Rows as a plain table, measured anew for each width that it is shown in."""

    def __init__(self, rows: Iterable[Mapping[str, object]], columns: Iterable[Column]) -> None:
        self._columns = tuple(columns)
        self._cells = tuple(tuple(printable(cell(row.get(one.name))) for one in self._columns) for row in rows)

    def __rich_console__(self, console: "Console", options: "ConsoleOptions") -> "RenderResult":
        """A line for each row; none is longer than the room."""
        from rich.text import Text

        for place, line in enumerate(self.lines(options.max_width)):
            yield Text(line, style="" if place else "bold", no_wrap=True, overflow="ellipsis")

    def lines(self, room: int) -> list[str]:
        """The titles, then the rows, without blanks at the end; of ``room`` characters at most where that is enough."""
        shown = fitted(self._columns, self._cells, room)
        titles = tuple(column.title for column in self._columns)
        return [line for cells in (titles, *self._cells) for line in self._row(cells, shown)]

    def _row(self, cells: Sequence[str], shown: Sequence[tuple[int, int]]) -> list[str]:
        """A row, in as many lines as what wraps in it needs."""
        from itertools import zip_longest
        from textwrap import wrap

        parts = [
            (wrap(cells[place], width, break_on_hyphens=False) if self._columns[place].wraps else [cells[place]])
            or [""]
            for place, width in shown
        ]
        return [
            GAP.join(
                _filled(self._columns[place], text, width) for (place, width), text in zip(shown, line, strict=True)
            ).rstrip()
            for line in zip_longest(*parts, fillvalue="")
        ]


def cell(value: object) -> str:
    """A value on one line."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:g}"
        case _:
            return str(value).replace("\n", " ")


def fitted(columns: Sequence[Column], cells: Sequence[Sequence[str]], room: int) -> list[tuple[int, int]]:
    """The columns that are shown, by number, each with its width.

    Where there is no room for everything, first goes what is empty in every row, then wide columns are cut, then the
    spare ones go, and at last whatever is widest is cut.
    """
    from rich.cells import cell_len

    full = [max(cell_len(text) for text in (one.title, *(row[place] for row in cells)))
            for place, one in enumerate(columns)]  # fmt: skip
    least = [min(size, WIDE_CHARACTERS_MIN) if one.wide else size for one, size in zip(columns, full, strict=True)]
    shown = list(range(len(columns)))
    if _sum(full, shown) > room:
        shown = [place for place in shown if any(row[place] for row in cells)] or shown[:1]
    for place in [place for place in reversed(shown) if columns[place].spare]:
        if _sum(least, shown) > room:
            shown.remove(place)
    while (over := _sum(least, shown) - room) > 0:
        widest = max(shown, key=lambda place: least[place])
        if least[widest] <= CUT_CHARACTERS_MIN:
            break
        second = max((least[place] for place in shown if place != widest), default=0)
        least[widest] = max(CUT_CHARACTERS_MIN, least[widest] - over, min(second, least[widest] - 1))
    _grow(least, full, [place for place in shown if least[place] < full[place]], room - _sum(least, shown))
    return [(place, least[place]) for place in shown]


def _grow(widths: list[int], full: Sequence[int], cut: list[int], room: int) -> None:
    """Share what room is left among the columns that are cut, alike for each."""
    while cut and room > 0:
        share = max(1, room // len(cut))
        for place in cut[: room // share]:
            more = min(share, full[place] - widths[place])
            widths[place] += more
            room -= more
        cut = [place for place in cut if widths[place] < full[place]]


def _sum(widths: Sequence[int], shown: Sequence[int]) -> int:
    return sum(widths[place] for place in shown) + len(GAP) * (len(shown) - 1)


def _filled(column: Column, text: str, width: int) -> str:
    """The text in just so many cells."""
    from rich.cells import cell_len, set_cell_size

    if (size := cell_len(text)) <= width:
        return " " * (width - size) + text if column.right else text + " " * (width - size)
    if not column.path:
        return set_cell_size(text, width - 1) + CUT
    start = next(place for place in range(1, len(text) + 1) if cell_len(text[place:]) < width)
    return CUT + " " * (width - 1 - cell_len(text[start:])) + text[start:]
