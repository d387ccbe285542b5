"""What happened, as it is shown: lines of the timeline, and events as they were stored."""

import orjson
import strawberry
from strawberry.scalars import JSON

from domain.kernel.decider import Recorded
from domain.kernel.ids import Instant, Position
from projections.timeline.rows import TimelineRow


@strawberry.type
class TimelineLine:
    """An event in words."""

    position: Position
    project_id: str
    at: Instant
    stream: str
    type: str
    actor: str
    correlation_id: str
    command_id: str
    causation_id: str | None = strawberry.field(description="`stream@version` of the event that led to it.")
    summary: str
    task_id: str | None
    session_id: str | None
    token: str | None


@strawberry.type
class LogEvent:
    """An event as it was stored."""

    position: Position
    project_id: str
    at: Instant
    stream: str
    version: int = strawberry.field(description="Place in its stream, from 1.")
    type: str = strawberry.field(description="Stored name, such as `task.claimed.v1`.")
    actor: str
    correlation_id: str
    command_id: str
    causation_id: str | None = strawberry.field(description="`stream@version` of the event that led to it.")
    event: JSON


def line_of(row: TimelineRow) -> TimelineLine:
    """A row as it is shown."""
    return TimelineLine(
        position=Position(row.position),
        project_id=row.project,
        at=Instant(row.at),
        stream=row.stream,
        type=row.type,
        actor=row.actor,
        correlation_id=row.correlation,
        command_id=row.command,
        causation_id=row.causation,
        summary=row.summary,
        task_id=row.task,
        session_id=row.session,
        token=None if row.token is None else str(row.token),
    )


def event_of(one: Recorded) -> LogEvent:
    """A recorded event as it is shown."""
    return LogEvent(
        position=Position(one.position),
        project_id=one.project,
        at=one.recorded_at,
        stream=one.stream,
        version=one.version,
        type=type(one.event).TYPE,
        actor=one.actor,
        correlation_id=one.correlation_id,
        command_id=one.command_id,
        causation_id=one.causation_id,
        event=orjson.loads(one.event.stored()),
    )
