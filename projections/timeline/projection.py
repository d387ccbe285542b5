"""How events become lines of the timeline."""

from typing import Final, cast, get_args

from domain.kernel.decider import Recorded
from domain.lock.events import LocksGranted
from projections.kernel.projection import Projection, worded
from projections.timeline.rows import TimelineRow
from projections.timeline.words import TimelineEvent, in_words

_TASK: Final = "task_"
_SESSION: Final = "sess_"


def keys(recorded: Recorded) -> tuple[str, ...]:
    """Every event has its own line; the lock of nothing has none."""
    event = recorded.event
    # The type first: to ask of an event whether it is of another takes as long as all the rest.
    if type(event) is LocksGranted and not event.claims:
        return ()
    return (str(recorded.position),)


def evolve(row: TimelineRow | None, recorded: Recorded, key: str) -> TimelineRow:
    """The line of the event."""
    if row is not None:
        return row
    position, stream, _, told, at, project, actor, command, correlation, causation = recorded
    event = cast(TimelineEvent, told)
    said = vars(event)  # to ask a model for a field that it has not takes ten times as long
    # By place: there is one for each event of the log, and names take as long as the rest.
    return TimelineRow(
        key,
        project,
        position,
        at,
        stream,
        event.TYPE,
        actor,
        correlation,
        command,
        causation,
        in_words(event),
        stream if stream.startswith(_TASK) else said.get("task"),
        stream if stream.startswith(_SESSION) else said.get("session"),
        said.get("token"),
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
