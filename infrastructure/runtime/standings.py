"""How each session stands and when we were away, as the log says: what the sweep of leases has to know."""

from domain.kernel.ids import Instant
from domain.kernel.message import Event
from domain.node.events import OutageEnded
from domain.session.events import SessionEnded, SessionLost, SessionOpened, SessionRecovered, SessionSuspected
from domain.session.liveness import Standing


class Standings:
    """A fold of session and outage events. Ended and lost sessions are forgotten with their lease rows."""

    def __init__(self) -> None:
        self.by_session: dict[str, Standing] = {}
        self.outage_ended_at = Instant(0)

    def observe(self, stream: str, event: Event) -> None:
        """Take note of an event; those that say nothing of liveness are passed over."""
        match event:
            case SessionOpened() | SessionRecovered():
                self.by_session[stream] = Standing(event.incarnation, "live")
            case SessionSuspected():
                self.by_session[stream] = Standing(event.incarnation, "suspect")
            case SessionLost() | SessionEnded():
                self.by_session.pop(stream, None)
            case OutageEnded():
                self.outage_ended_at = event.at
            case _:
                pass
