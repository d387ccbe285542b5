"""How each session stands and when we were away, as the log says: what the sweep of leases has to know."""

from typing import Final, assert_never, get_args

from domain.kernel.change import replace
from domain.kernel.ids import Instant
from domain.kernel.message import Event
from domain.node.events import OutageEnded
from domain.session.events import (
    SessionEnded,
    SessionLost,
    SessionOpened,
    SessionRecovered,
    SessionStatusChanged,
    SessionSuspected,
)
from domain.session.liveness import Standing

StandingEvent = SessionOpened | SessionRecovered | SessionSuspected | SessionStatusChanged | SessionLost | SessionEnded
TELLING: Final[frozenset[type[Event]]] = frozenset((*get_args(StandingEvent), OutageEnded))
"""Events that say something of liveness."""


class Standings:
    """A fold of session and outage events. Ended and lost sessions are forgotten with their lease rows."""

    def __init__(self) -> None:
        self.by_session: dict[str, Standing] = {}
        self.outage_ended_at = Instant(0)

    def observe(self, stream: str, event: Event) -> None:
        """Take note of an event; those that say nothing of liveness are passed over."""
        if isinstance(event, OutageEnded):
            self.outage_ended_at = event.at
        elif isinstance(event, StandingEvent):
            self._stand(stream, event)

    def _stand(self, stream: str, event: StandingEvent) -> None:
        match event:
            case SessionOpened():
                self.by_session[stream] = Standing(event.incarnation, "live")
            case SessionRecovered():
                self._change(stream, Standing(event.incarnation, "live"))
            case SessionSuspected():
                self._change(stream, Standing(event.incarnation, "suspect"))
            case SessionStatusChanged():
                known = self.by_session.get(stream) or Standing(event.incarnation, "live")
                self.by_session[stream] = replace(known, tool_until=event.tool_until)
            case SessionLost() | SessionEnded():
                self.by_session.pop(stream, None)
            case _:
                assert_never(event)

    def _change(self, stream: str, standing: Standing) -> None:
        """A tool that runs goes on running."""
        known = self.by_session.get(stream)
        self.by_session[stream] = standing if known is None else replace(standing, tool_until=known.tool_until)
