"""Kinds of events as the screen colours them, and which of them tell of something that went wrong."""

from typing import Final

from rich.style import Style
from rich.text import Text

FAILURES: Final = (
    "task.attempt_ended.v1",
    "task.failed.v1",
    "task.parked.v1",
    "task.late_report_discarded.v1",
    "task.attention_raised.v1",
    "session.suspected.v1",
    "session.lost.v1",
    "lock.broken.v1",
    "lock.lease_expired.v1",
    "lock.quarantined.v1",
    "lock.pool_member_quarantined.v1",
    "lock.transfer_reverted.v1",
    "quota.opened.v1",
    "node.lost.v1",
    "outage.ended.v1",
    "command.refused.v1",
)
"""Stored names of what `f` jumps to."""
FAILURE_COLOUR: Final = "red"
COLOURS: Final = {
    "task": "green",
    "session": "cyan",
    "lock": "yellow",
    "quota": "magenta",
    "project": "blue",
    "key": "bright_black",
    "node": "bright_blue",
    "outage": "bright_blue",
    "command": "red",
    "note": "bright_magenta",
    "message": "bright_magenta",
}
"""By the first word of a stored name."""


def colour_of(kind: str) -> str:
    """The colour of a stored name of an event; what is not known here is white."""
    return FAILURE_COLOUR if kind in FAILURES else COLOURS.get(kind.partition(".")[0], "white")


def legend() -> Text:
    """Which colour is which kind, on one line."""
    words = Text()
    for name, colour in {**COLOURS, "failure": FAILURE_COLOUR}.items():
        if name not in ("outage", "command", "message"):
            words.append("■ ", Style(color=colour))
            words.append(f"{name}  ")
    return words
