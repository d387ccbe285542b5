"""What a server says of itself, and from when that is a trouble."""

from typing import Final

from domain.kernel.ids import Instant
from domain.kernel.message import Message
from domain.node.events import Duty, Trouble

LOG_LAG_EVENTS_MAX: Final = 5_000
PROJECTOR_LAG_EVENTS_MAX: Final = 50_000
COMMANDS_WAITING_MAX: Final = 5_000


class NodeReport(Message):
    """How a server was at an instant; kept beside the log, only the latest of each."""

    at: Instant
    ready: bool
    """Whether it takes commands."""
    head: int
    """End of the log as the store tells it."""
    log_lag_events: int
    """Events behind which its hints are: what other nodes wrote and it has not read yet."""
    projector_lag_events: int
    """Events that are in the log and not in the rows yet."""
    commands_waiting: int
    """Commands that arrived and are not decided yet."""
    sessions_waiting: int
    """Long polls that wait here."""
    stopped_projections: tuple[str, ...] = ()
    """Read models that do not follow, with the reason."""
    projector_error: str = ""
    duties: tuple[Duty, ...] = ()
    warnings: tuple[str, ...] = ()
    """Settings of the store that may lose acknowledged work."""


def troubles_of(report: NodeReport) -> tuple[Trouble, ...]:
    """Why the server is not well, in a fixed order; nothing where it is healthy.

    A warning is none: whoever started it on an unsafe store was asked, and nothing that changes by itself.
    """
    found: list[tuple[bool, Trouble]] = [
        (report.log_lag_events > LOG_LAG_EVENTS_MAX, "log_lag"),
        (report.projector_lag_events > PROJECTOR_LAG_EVENTS_MAX, "projector_lag"),
        (bool(report.stopped_projections), "projection_stopped"),
        (bool(report.projector_error), "projector_failing"),
        (report.commands_waiting > COMMANDS_WAITING_MAX, "commands_waiting"),
    ]
    return tuple(trouble for there, trouble in found if there)
