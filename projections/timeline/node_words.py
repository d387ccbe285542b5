"""Says in words what becomes of the servers."""

from typing import assert_never

from domain.node.events import NodeJoined, NodeLeft, NodeLost, NodeStatusChanged, OutageEnded, SubjectKeysLost

NodeTurn = NodeJoined | NodeStatusChanged | NodeLost | NodeLeft | OutageEnded | SubjectKeysLost


def node_turn(event: NodeTurn) -> str:
    """One line."""
    match event:
        case NodeJoined():
            again = "" if event.incarnation == 1 else " again"
            return f"server at {event.url or event.host} joined{again}, version {event.version}"
        case NodeStatusChanged():
            state = f"unhealthy: {', '.join(event.troubles)}" if event.troubles else "healthy"
            return f"server is {state}{'; it has the duty of ' + ', '.join(event.duties) if event.duties else ''}"
        case NodeLost():
            return "server lost: it was not heard for longer than its lease"
        case NodeLeft():
            return "server stopped"
        case OutageEnded():
            return "an outage of ours ended; every lease has one TTL of grace"
        case SubjectKeysLost():
            return f"the keys of what was said until @{event.through} are lost: {event.reason}"
        case _:
            assert_never(event)
