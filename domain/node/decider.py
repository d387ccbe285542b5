"""What the servers decide about themselves: that an outage of theirs is over."""

from typing import Final

from domain.kernel.decider import Aggregate, Decision, View, Write
from domain.kernel.ids import Instant
from domain.kernel.message import Stamp
from domain.node.commands import EndOutage
from domain.node.events import OutageEnded
from domain.node.state import OUTAGE_STREAM, Outages


def evolve(state: Outages, event: OutageEnded) -> Outages:
    """The outages after one more ended."""
    return Outages(Instant(max(state.ended_at, event.at)))


OUTAGES: Final[Aggregate[Outages]] = Aggregate(
    prefix="outage", initial=Outages(), evolve=evolve, state_type=Outages, fleet=True, snapshot_every=1_000
)


def end_outage(command: EndOutage, stamp: Stamp, view: View) -> Decision:
    """Every lease gets a grace from now on; nothing where the last sign of life is older than a recorded end.

    So of several nodes that find the same outage only the first records it.
    """
    outages = view.read(OUTAGES, OUTAGE_STREAM)
    if command.began_at <= outages.ended_at or command.began_at >= stamp.time:
        return Decision()
    return Decision((Write(OUTAGE_STREAM, (OutageEnded(began_at=Instant(command.began_at), at=stamp.time),)),))
