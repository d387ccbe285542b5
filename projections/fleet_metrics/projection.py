"""How events become sums."""

from typing import Final, assert_never, cast, get_args

from domain.kernel.decider import Recorded
from domain.refusal.events import CommandRefused
from domain.session.events import SessionAttemptEnded, SessionAttemptStarted
from domain.task.events import (
    LateReportDiscarded,
    TaskAttemptEnded,
    TaskCancelled,
    TaskClaimed,
    TaskCompleted,
    TaskFailed,
    TaskParked,
    TaskPlanned,
    TaskReassigned,
)
from projections.fleet_metrics.rows import HOUR, MICROSECONDS, WAIT, MetricRow, bucket_of, stretch_of
from projections.kernel.projection import Projection
from projections.kernel.rows import entries, json_text

CHECK_POINTS: Final = frozenset({"check_locks", "check_push", "check_fence"})
"""Commands that are asked right before something is written."""
STALE_CODES: Final = frozenset({"lock_token_fenced", "fence_refused"})
"""What is answered there to somebody whose lock is gone."""
MetricEvent = (
    TaskPlanned
    | TaskClaimed
    | TaskCompleted
    | TaskFailed
    | TaskCancelled
    | TaskAttemptEnded
    | TaskReassigned
    | TaskParked
    | LateReportDiscarded
    | CommandRefused
    | SessionAttemptStarted
    | SessionAttemptEnded
)


def keys(recorded: Recorded) -> tuple[str, ...]:
    """One row for each measure that the event counts in."""
    event = cast(MetricEvent, recorded.event)
    # A session's own stream belongs to the fleet; what it works on belongs to a project.
    project = event.project if isinstance(event, SessionAttemptStarted | SessionAttemptEnded) else recorded.project
    place = f"{project}/{recorded.recorded_at // HOUR}/"
    return tuple([place + measure for measure in _measures(event)])


def evolve(row: MetricRow | None, recorded: Recorded, key: str) -> MetricRow:
    """One more, or later by as much as the event lies within its hour."""
    more = recorded.recorded_at % HOUR if key.endswith(MICROSECONDS) else 1
    stretch = stretch_of(recorded.position)
    if row is None:
        project, hour, measure = key.split("/")
        return MetricRow(key=key, project=project, hour=int(hour), measure=measure, total=more, stretch=stretch)
    marks = row.marks
    if stretch != row.stretch:
        marks = json_text([*entries(marks), {"stretch": row.stretch, "total": row.total}])
    return MetricRow(key, row.project, row.hour, row.measure, row.total + more, stretch, marks)


def _measures(event: MetricEvent) -> tuple[str, ...]:
    match event:
        case TaskPlanned():
            return ("planned",)
        case TaskClaimed():
            waited = () if event.ready_at is None else (f"{WAIT}{bucket_of(event.at - event.ready_at)}",)
            return ("claimed", *waited)
        case TaskCompleted():
            return ("completed",)
        case TaskFailed():
            return ("failed",)
        case TaskCancelled():
            return ("cancelled",)
        case TaskAttemptEnded():
            return ("attempts_ended", "attempts_lost") if event.kind == "session_lost" else ("attempts_ended",)
        case TaskReassigned():
            return ("reassigned",)
        case TaskParked():
            return ("parked",)
        case LateReportDiscarded():
            return ("late_reports",)
        case CommandRefused():
            return ("stopped_at_edit",) if event.command in CHECK_POINTS and event.code in STALE_CODES else ()
        case SessionAttemptStarted():
            return ("begun", f"begun{MICROSECONDS}")
        case SessionAttemptEnded():
            return ("over", f"over{MICROSECONDS}")
        case _:
            assert_never(event)


FLEET_METRICS: Final = Projection(
    name="fleet_metrics",
    version=3,
    row=MetricRow,
    handles=frozenset(get_args(MetricEvent)),
    begins=frozenset(),
    keys=keys,
    evolve=evolve,
    indexes=(("project", "hour", "key"), ("hour", "key")),
    # An hour that is over changes no more, and of one that is not the rows tell what they were: that is the past.
    keeps="latest",
    on_poison="halt",
)
