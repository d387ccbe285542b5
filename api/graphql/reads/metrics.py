"""The measures of a fleet from their sums, the board and the roster."""

from dataclasses import dataclass, replace
from math import ceil
from typing import Any, Final, get_args

from api.graphql.context import Context
from api.graphql.enums import TaskStatus
from api.graphql.errors import Refused, RequestNotReadable
from api.graphql.reads.asked import Asked, ask
from api.graphql.types.counts import StatusCount
from api.graphql.types.metrics import AssignmentLatency, FleetMetrics
from domain.kernel.activity import SessionStatus
from domain.kernel.ids import SECOND, Instant, Position
from projections.fleet_metrics.queries import MetricPage, busy_microseconds, totals_of, wait_within
from projections.fleet_metrics.rows import HOUR, MetricRow, rewound
from projections.kernel.requests import LIMIT_MAX
from projections.session_roster.queries import SessionPage
from projections.session_roster.rows import SessionRosterRow
from projections.task_board.queries import TaskCounts

HOURS_MAX: Final = 168
DRAIN_SECONDS_MAX: Final = 86_400
ROWS_MAX: Final = 40_000
LIVE: Final[tuple[SessionStatus, ...]] = tuple(one for one in get_args(SessionStatus) if one not in ("lost", "ended"))


@dataclass(frozen=True, slots=True)
class _When:
    """The end of the hours that are measured."""

    now: int
    after: Position | None
    as_of: Position | None = None
    stretch: int = 0
    rows: tuple[MetricRow, ...] = ()
    """In the past only: sums of the last hour in that stretch of the log. Before it they are told by the rows, and an
    hour that was over by then has not changed since."""

    def earlier(self, row: MetricRow) -> MetricRow | None:
        """The row before the stretch; None where there was none."""
        hour = self.now // HOUR
        return row if row.hour < hour else rewound(row, self.stretch) if row.hour == hour else None


async def fleet_metrics(
    context: Context, project: str | None, hours: int, drain_seconds: int, asked: Asked
) -> FleetMetrics:
    """The measures of a project, or of all where the key sees all."""
    if not 1 <= hours <= HOURS_MAX or not 1 <= drain_seconds <= DRAIN_SECONDS_MAX:
        bounds = f"hours is 1 to {HOURS_MAX}, drainSeconds 1 to {DRAIN_SECONDS_MAX}"
        raise Refused(RequestNotReadable(reason=bounds))
    found = await context.project("read.metrics", project)
    when = await _when(context, asked)
    now, after, as_of = when.now, when.after, when.as_of
    hour = now // HOUR - hours + 1
    sums: list[MetricRow] = await _all(context, MetricPage(project=found, hour_first=hour), after)
    if as_of is not None:
        sums = [then for row in sums if (then := when.earlier(row)) is not None]
        sums += [row for row in when.rows if found in (None, row.project)]
    sessions: list[SessionRosterRow] = await _all(
        context, SessionPage(serves=found, statuses=LIVE, order="oldest_first", limit=LIMIT_MAX, as_of=as_of), after
    )
    counted = await context.services.reads.count(TaskCounts(project=found, as_of=as_of), after=after)
    tasks = [(status, counted.totals.get(status.value, 0)) for status in TaskStatus]
    return _measured(
        sums,
        sessions,
        dict(tasks),
        now=now,
        since=hour * HOUR,
        drain_seconds=drain_seconds,
        place=(counted.position if as_of is None else min(counted.position, as_of), counted.stale),
        project=found,
        as_of=as_of,
    )


async def _when(context: Context, asked: Asked) -> _When:
    if asked.as_of is None:
        return _When(context.services.clock.now(), asked.after)
    hour = await context.services.past.hour(asked.as_of)
    # The rows are read once the read model holds all that they have to tell.
    after = Position(max(hour.before, asked.after or 0))
    now = hour.at or context.services.clock.now()
    return _When(now, after, Position(hour.position), hour.stretch, tuple(hour.rows))


def _measured(
    sums: list[MetricRow],
    sessions: list[SessionRosterRow],
    tasks: dict[TaskStatus, int],
    *,
    now: int,
    since: int,
    drain_seconds: int,
    place: tuple[int, bool],
    project: str | None,
    as_of: Position | None,
) -> FleetMetrics:
    totals = totals_of(sums)
    under_way = tasks[TaskStatus.ASSIGNED] + tasks[TaskStatus.RUNNING]
    over, attempts = totals.get("over", 0), totals.get("claimed", 0)
    busy = busy_microseconds(sums, since=since, now=now, live=under_way)
    mean = busy / over / SECOND if over else None
    touched = max(totals.get("planned", 0), sum(totals.get(one, 0) for one in ("completed", "failed", "cancelled")))
    return FleetMetrics(
        since=Instant(since),
        tasks=[StatusCount(status=status, total=total) for status, total in tasks.items() if total],
        planned=totals.get("planned", 0),
        completed=totals.get("completed", 0),
        failed=totals.get("failed", 0),
        cancelled=totals.get("cancelled", 0),
        attempts=attempts,
        attempts_retried_percent=_percent(totals.get("attempts_ended", 0), attempts) or 0.0,
        attempts_lost=totals.get("attempts_lost", 0),
        reassigned=totals.get("reassigned", 0),
        reassigned_per_hundred_tasks=_percent(totals.get("reassigned", 0), touched) or 0.0,
        parked=totals.get("parked", 0),
        conflicts_at_edit=totals.get("stopped_at_edit", 0) + totals.get("late_reports", 0),
        stopped_at_edit=totals.get("stopped_at_edit", 0),
        late_reports=totals.get("late_reports", 0),
        assignment_latency=_latency(totals),
        attempt_seconds_mean=None if mean is None else round(mean, 3),
        sessions_live=len(sessions),
        capacity=sum(row.capacity for row in sessions),
        attempts_live=sum(row.attempts_live for row in sessions),
        idle_percent=_idle(sessions, now),
        queue_depth=tasks[TaskStatus.READY],
        workers_to_drain=None if mean is None else ceil((tasks[TaskStatus.READY] + under_way) * mean / drain_seconds),
        position=Position(place[0]),
        stale=place[1],
        project=project,
        now=now,
        as_of=as_of,
    )


def _latency(totals: dict[str, int]) -> AssignmentLatency:
    def seconds(share: float) -> float | None:
        within = wait_within(totals, share)
        return None if within is None else within / SECOND

    return AssignmentLatency(
        assignments=totals.get("claimed", 0), p50=seconds(0.5), p95=seconds(0.95), p99=seconds(0.99)
    )


def _idle(sessions: list[SessionRosterRow], now: int) -> float | None:
    """A session that serves several projects is idle for none of them while it works for one."""
    there = sum(row.capacity * (now - row.opened_at) for row in sessions)
    busy = sum(row.busy_microseconds + row.attempts_live * (now - row.busy_until) for row in sessions)
    worked = _percent(busy, there)
    return None if worked is None else round(max(0.0, 100.0 - worked), 1)


def _percent(part: int, whole: int) -> float | None:
    return round(100.0 * part / whole, 1) if whole > 0 else None


async def _all(context: Context, request: Any, after: Position | None) -> list[Any]:
    rows: list[Any] = []
    while len(rows) < ROWS_MAX:
        page = await ask(context, request, after)
        rows += page.rows
        if page.next_cursor is None:
            break
        request = replace(request, cursor=page.next_cursor)
    return rows
