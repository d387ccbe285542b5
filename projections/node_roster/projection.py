"""How the events of a server become its row on the roster."""

from typing import Final, assert_never, cast, get_args

from domain.kernel.decider import Recorded
from domain.node.events import NodeJoined, NodeLeft, NodeLost, NodeStatusChanged
from projections.kernel.projection import Projection
from projections.kernel.rows import json_text
from projections.node_roster.rows import NodeRosterRow

NodeRosterEvent = NodeJoined | NodeStatusChanged | NodeLost | NodeLeft


def keys(recorded: Recorded) -> tuple[str, ...]:
    """The node is its stream."""
    return (recorded.stream,)


def evolve(row: NodeRosterRow | None, recorded: Recorded, key: str) -> NodeRosterRow | None:
    """The row after the event."""
    event = cast(NodeRosterEvent, recorded.event)
    match event:
        case NodeJoined():
            return _joined(event, recorded, key)
        case NodeStatusChanged():
            if row is None:
                return None
            changed = row._replace(troubles=json_text(event.troubles), duties=json_text(event.duties))
            return changed._replace(status="unhealthy" if event.troubles else "healthy", changed_at=event.at)
        case NodeLost():
            return None if row is None else row._replace(status="lost", duties="[]", changed_at=event.at)
        case NodeLeft():
            return None if row is None else row._replace(status="left", duties="[]", changed_at=event.at)
        case _:
            assert_never(event)


def _joined(event: NodeJoined, recorded: Recorded, key: str) -> NodeRosterRow:
    return NodeRosterRow(
        key=key,
        project=recorded.project,
        status="healthy",
        incarnation=event.incarnation,
        url=event.url,
        host=event.host,
        process=event.process,
        version=event.version,
        store=event.store,
        lease_seconds=event.lease_seconds,
        troubles="[]",
        duties="[]",
        joined_at=event.at,
        changed_at=event.at,
    )


NODE_ROSTER: Final = Projection(
    name="node_roster",
    version=1,
    row=NodeRosterRow,
    handles=frozenset(get_args(NodeRosterEvent)),
    begins=frozenset(),
    keys=keys,
    evolve=evolve,
)
