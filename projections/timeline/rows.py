"""What the timeline shows of an event."""

from typing import NamedTuple


class TimelineRow(NamedTuple):
    """An event in words."""

    key: str
    """The position as text."""
    project: str
    position: int
    at: int
    """When it was recorded, microseconds since 1970."""
    stream: str
    type: str
    """Stored name of the event."""
    actor: str
    correlation: str
    command: str
    causation: str | None
    """``stream@version`` of the event that led to it; None where somebody asked."""
    summary: str
    """The event in words, one line."""
    task: str | None
    """Subject ids, where it has such a subject."""
    session: str | None
    token: int | None
