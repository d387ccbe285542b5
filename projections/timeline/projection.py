"""How events become lines of the timeline."""

from typing import Final, cast, get_args

from domain.kernel.decider import Recorded
from domain.kernel.ids import prefix
from domain.lock.events import LocksGranted
from projections.kernel.projection import Projection, worded
from projections.timeline.rows import TimelineRow
from projections.timeline.words import TimelineEvent, in_words


def keys(recorded: Recorded) -> tuple[str, ...]:
    """Every event has its own line; the lock of nothing has none."""
    event = recorded.event
    if isinstance(event, LocksGranted) and not event.claims:
        return ()
    return (str(recorded.position),)


def evolve(row: TimelineRow | None, recorded: Recorded, key: str) -> TimelineRow:
    """The line of the event."""
    event = cast(TimelineEvent, recorded.event)
    kind = prefix(recorded.stream)
    said = vars(event)  # to ask a model for a field that it has not takes ten times as long
    return row or TimelineRow(
        key=key,
        project=recorded.project,
        position=recorded.position,
        at=recorded.recorded_at,
        stream=recorded.stream,
        type=event.TYPE,
        actor=recorded.actor,
        correlation=recorded.correlation_id,
        command=recorded.command_id,
        causation=recorded.causation_id,
        summary=in_words(event),
        task=recorded.stream if kind == "task" else said.get("task"),
        session=recorded.stream if kind == "sess" else said.get("session"),
        token=said.get("token"),
    )


TIMELINE: Final = Projection(
    name="timeline",
    version=1,
    row=TimelineRow,
    handles=frozenset(get_args(TimelineEvent)),
    begins=frozenset(get_args(TimelineEvent)),
    keys=keys,
    evolve=evolve,
    begun="position",
    keeps="lines",
    words=worded(summary="text"),
    indexes=(("project", "position"), ("stream", "position"), ("task", "position"), ("session", "position")),
)
