"""What the servers decide about themselves: who is there and how, and that an outage of theirs is over."""

from collections.abc import Iterable, Mapping
from typing import Final, Protocol

from domain.kernel.change import replace
from domain.kernel.decider import Aggregate, Decision, LeaseChange, View, Write, refuse
from domain.kernel.decisions import Decide
from domain.kernel.ids import SECOND, Instant, StreamId
from domain.kernel.message import Command, Event, Stamp
from domain.node.commands import DeclareKeysLost, EndOutage, JoinNode, LeaveNode, LoseNode, NodeCommand, ReportNode
from domain.node.errors import NodeStillHeard
from domain.node.events import NodeJoined, NodeLeft, NodeLost, NodeStatusChanged, OutageEnded, SubjectKeysLost
from domain.node.evolve import evolve_node
from domain.node.state import KEYS_STREAM, OUTAGE_STREAM, Node, Outages, SubjectKeys


def evolve(state: Outages, event: OutageEnded) -> Outages:
    """The outages after one more ended."""
    return Outages(Instant(max(state.ended_at, event.at)))


def evolve_keys(state: SubjectKeys, event: SubjectKeysLost) -> SubjectKeys:
    """The keys that took the place of lost ones last."""
    return replace(state, new=event.new)


OUTAGES: Final[Aggregate[Outages]] = Aggregate(
    prefix="outage", initial=Outages(), evolve=evolve, state_type=Outages, fleet=True, snapshot_every=1_000
)
SUBJECT_KEYS: Final[Aggregate[SubjectKeys]] = Aggregate(
    prefix="subjectkeys",
    initial=SubjectKeys(),
    evolve=evolve_keys,
    state_type=SubjectKeys,
    fleet=True,
)
NODE: Final[Aggregate[Node]] = Aggregate(
    prefix="node", initial=Node(), evolve=evolve_node, state_type=Node, fleet=True, snapshot_every=1_000
)


class Pulse(Protocol):
    """The liveness row of one (node, incarnation) that is not ended, as the log's store keeps it."""

    @property
    def session(self) -> str:
        """The node: its row stands among those of the sessions."""
        ...

    @property
    def incarnation(self) -> int: ...
    @property
    def ttl_seconds(self) -> int: ...
    @property
    def renewed_at(self) -> int: ...


def end_outage(command: EndOutage, stamp: Stamp, view: View) -> Decision:
    """Every lease gets a grace from now on; nothing where the last sign of life is older than a recorded end.

    So of several nodes that find the same outage only the first records it.
    """
    outages = view.read(OUTAGES, OUTAGE_STREAM)
    if command.began_at <= outages.ended_at or command.began_at >= stamp.time:
        return Decision()
    return Decision((Write(OUTAGE_STREAM, (OutageEnded(began_at=Instant(command.began_at), at=stamp.time),)),))


def declare_keys_lost(command: DeclareKeysLost, stamp: Stamp, view: View) -> Decision:
    """From now on words are kept under other keys; nothing where that was said before."""
    if view.read(SUBJECT_KEYS, KEYS_STREAM).new == command.new:
        return Decision()
    said = command.model_dump() | {"by": stamp.principal, "at": stamp.time}
    return Decision((Write(KEYS_STREAM, (SubjectKeysLost.model_validate(said),)),))


def join(command: JoinNode, stamp: Stamp, view: View) -> Decision:
    """A life of the node begins with its lease; nothing where that life, or a later one, is known."""
    stream = StreamId(command.node)
    if view.read(NODE, stream).incarnation >= command.incarnation:
        return Decision()
    said = command.model_dump(exclude={"node"})
    opened = LeaseChange("open", stream, command.incarnation, command.lease_seconds)
    return Decision((Write(stream, (NodeJoined(**said, at=stamp.time),)),), leases=(opened,))


def report(command: ReportNode, stamp: Stamp, view: View) -> Decision:
    """How it is, if that is something else than before; nothing for a life that is over."""
    node = _present(command, view)
    if node is None or (node.troubles, node.duties) == (command.troubles, command.duties):
        return Decision()
    changed = NodeStatusChanged(
        incarnation=command.incarnation, troubles=command.troubles, duties=command.duties, at=stamp.time
    )
    return _written(command, changed)


def lose(command: LoseNode, stamp: Stamp, view: View) -> Decision:
    """The node was silent for too long. The append refuses if it was heard since."""
    node = _present(command, view)
    if node is None:
        return Decision()
    heard = max(command.renewed_at, node.joined_at, view.read(OUTAGES, OUTAGE_STREAM).ended_at)
    until = heard + node.lease_seconds * SECOND
    if stamp.time < until:
        return refuse(NodeStillHeard(node=command.node, until=until))
    seen_at = Instant(command.renewed_at)
    lost = NodeLost(incarnation=command.incarnation, seen_at=seen_at, at=stamp.time)
    expired = LeaseChange("expire", StreamId(command.node), command.incarnation, stamp=seen_at)
    return _written(command, lost, expired)


def leave(command: LeaveNode, stamp: Stamp, view: View) -> Decision:
    """The node says goodbye; twice changes nothing."""
    if _present(command, view) is None:
        return Decision()
    left = NodeLeft(incarnation=command.incarnation, at=stamp.time)
    return _written(command, left, LeaseChange("end", StreamId(command.node), command.incarnation))


def silent(pulses: Iterable[Pulse], outage_ended_at: Instant, now: Instant, *, most: int = 100) -> tuple[LoseNode, ...]:
    """At most ``most`` nodes that are due to be lost at ``now``."""
    found = (
        LoseNode(node=pulse.session, incarnation=pulse.incarnation, renewed_at=pulse.renewed_at)
        for pulse in pulses
        if now >= max(pulse.renewed_at, outage_ended_at) + pulse.ttl_seconds * SECOND
    )
    return tuple(command for command, _ in zip(found, range(most), strict=False))


def _present(command: NodeCommand, view: View) -> Node | None:
    """The node, if that life of it is the current one and not over."""
    node = view.read(NODE, StreamId(command.node))
    return node if node.incarnation == command.incarnation and node.status == "present" else None


def _written(command: NodeCommand, event: Event, *leases: LeaseChange) -> Decision:
    return Decision((Write(StreamId(command.node), (event,)),), leases=leases)


NODE_DECISIONS: Final[Mapping[type[Command], Decide]] = {
    EndOutage: end_outage,
    DeclareKeysLost: declare_keys_lost,
    JoinNode: join,
    ReportNode: report,
    LoseNode: lose,
    LeaveNode: leave,
}
"""What is decided when a server asks something of itself, or somebody in its place."""
