"""Servers as they are shown."""

import json

import strawberry

from api.graphql.enums import NodeStatus
from domain.kernel.ids import Instant, Position
from domain.node.health import NodeReport
from projections.node_roster.rows import NodeRosterRow


@strawberry.type
class NodeNow:
    """What a server said of itself last, about once a second; it has no past."""

    at: Instant
    ready: bool
    head: Position = strawberry.field(description="End of the log as it saw it.")
    log_lag_events: int
    projector_lag_events: int = strawberry.field(description="Events that are in the log and not in the rows yet.")
    commands_waiting: int
    sessions_waiting: int = strawberry.field(description="Long polls that wait there.")
    stopped_projections: list[str]
    projector_error: str
    warnings: list[str] = strawberry.field(description="Settings of the store that may lose acknowledged work.")


@strawberry.type
class Node:
    """A server process from its start to its end."""

    id: strawberry.ID
    status: NodeStatus
    incarnation: int
    url: str
    host: str
    process: int
    version: str
    store: str
    lease_seconds: int
    troubles: list[str] = strawberry.field(description="Why it is not well.")
    duties: list[str] = strawberry.field(description="Work that it does for all nodes.")
    joined_at: Instant
    changed_at: Instant
    now: NodeNow | None = strawberry.field(description="Null where the past was asked or nothing is known.")


def node_of(row: NodeRosterRow, report: NodeReport | None) -> Node:
    """A row as it is shown, with what the node says itself."""
    return Node(
        id=strawberry.ID(row.key),
        status=NodeStatus(row.status),
        incarnation=row.incarnation,
        url=row.url,
        host=row.host,
        process=row.process,
        version=row.version,
        store=row.store,
        lease_seconds=row.lease_seconds,
        troubles=json.loads(row.troubles),
        duties=json.loads(row.duties),
        joined_at=Instant(row.joined_at),
        changed_at=Instant(row.changed_at),
        now=None if report is None else _now(report),
    )


def _now(report: NodeReport) -> NodeNow:
    return NodeNow(
        at=report.at,
        ready=report.ready,
        head=Position(report.head),
        log_lag_events=report.log_lag_events,
        projector_lag_events=report.projector_lag_events,
        commands_waiting=report.commands_waiting,
        sessions_waiting=report.sessions_waiting,
        stopped_projections=list(report.stopped_projections),
        projector_error=report.projector_error,
        warnings=list(report.warnings),
    )
