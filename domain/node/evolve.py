"""What an event makes of a server."""

from dataclasses import replace
from typing import assert_never

from domain.node.events import NodeJoined, NodeLeft, NodeLost, NodeStatusChanged
from domain.node.state import Node

NodeEvent = NodeJoined | NodeStatusChanged | NodeLost | NodeLeft


def evolve_node(state: Node, event: NodeEvent) -> Node:
    """The server after the event."""
    match event:
        case NodeJoined():
            return Node(event.incarnation, "present", event.at, event.lease_seconds)
        case NodeStatusChanged():
            return replace(state, troubles=event.troubles, duties=event.duties)
        case NodeLost():
            return replace(state, status="lost", duties=())
        case NodeLeft():
            return replace(state, status="left", duties=())
        case _:
            assert_never(event)
