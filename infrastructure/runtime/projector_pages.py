"""How much of the log is read at once."""

from collections.abc import Sequence
from typing import Final

from infrastructure.log.port import LogRow

PAGE_EVENTS_MIN: Final = 100
PAGE_EVENTS_FIRST: Final = 1_000
PAGE_EVENTS_MAX: Final = 5_000
PAGE_BYTES_MAX: Final = 16 * 1024 * 1024
"""Bodies and checkpoints may be 64 KiB each, so events alone do not bound memory."""
_QUICK_SECONDS: Final = 0.25
_SLOW_SECONDS: Final = 0.5


class PageSize:
    """Grows while full pages are quick, shrinks when they are slow or heavy: 100 to 5,000 events."""

    def __init__(self) -> None:
        self.limit = PAGE_EVENTS_FIRST

    def learn(self, rows: Sequence[LogRow], seconds: float) -> None:
        """A page took so long, from reading to commit."""
        weight = sum(len(row.state) for row in rows) // max(1, len(rows))
        if seconds > _SLOW_SECONDS:
            self.limit //= 2
        elif len(rows) >= self.limit * 3 // 4 and seconds < _QUICK_SECONDS:
            self.limit *= 2
        fits = PAGE_BYTES_MAX // max(1, weight)
        self.limit = max(PAGE_EVENTS_MIN, min(self.limit, fits, PAGE_EVENTS_MAX))


def whole_commands(rows: list[LogRow], limit: int) -> list[LogRow]:
    """A full page without the last command, which may go on behind it: nobody sees half a decision.

    A command longer than a page is cut nevertheless.
    """
    if len(rows) < limit:
        return rows
    last = rows[-1].command_id
    end = next((number for number in range(len(rows), 0, -1) if rows[number - 1].command_id != last), 0)
    return rows[:end] or rows
