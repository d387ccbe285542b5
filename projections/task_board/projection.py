"""How the events of a task become its row on the board."""

from collections.abc import Callable
from typing import Any, Final, assert_never, cast, get_args

from domain.kernel.decider import Recorded
from domain.kernel.message import Event
from domain.task.events import (
    LateReportDiscarded,
    TaskAttemptEnded,
    TaskBackedOff,
    TaskCancelled,
    TaskClaimed,
    TaskCompleted,
    TaskFailed,
    TaskNeedSettled,
    TaskParked,
    TaskPlanned,
    TaskProgressed,
    TaskReadied,
    TaskRetried,
    TaskStarted,
)
from projections.kernel.projection import Projection, worded
from projections.kernel.rows import json_text
from projections.task_board.related import Related, related, spent
from projections.task_board.rows import SETTLED, SUMMARY_LENGTH_MAX, TaskBoardRow, TaskStatus

_Attempted = TaskClaimed | TaskStarted | TaskProgressed | TaskAttemptEnded | LateReportDiscarded
_Settled = TaskCompleted | TaskFailed | TaskCancelled
_Waiting = TaskNeedSettled | TaskReadied | TaskBackedOff | TaskParked | TaskRetried
TaskBoardEvent = TaskPlanned | _Attempted | _Settled | _Waiting | Related


def keys(recorded: Recorded) -> tuple[str, ...]:
    """The task is its stream."""
    return (recorded.stream,)


def evolve(row: TaskBoardRow | None, recorded: Recorded, key: str) -> TaskBoardRow | None:
    """The row after the event."""
    event = cast(TaskBoardEvent, recorded.event)
    if isinstance(event, TaskPlanned):
        return _planned(event, recorded, key)
    return None if row is None else _TURNS[type(event)](row, event)


def _planned(event: TaskPlanned, recorded: Recorded, key: str) -> TaskBoardRow:
    needs_total = len({need.task for need in event.needs})
    return TaskBoardRow(
        key=key,
        project=recorded.project,
        begun_position=recorded.position,
        name=event.key,
        title=event.title,
        kind=event.kind,
        priority=event.priority,
        urgency=-event.priority,
        status="pending",
        generation=1,
        needs_total=needs_total,
        unmet_total=needs_total,
        scope=json_text([{"claim": claim.claim, "mode": claim.mode} for claim in event.scope]),
        requires=json_text(
            [
                {"key": wish.key, "operator": wish.operator, "value": wish.value}
                | ({} if wish.weight is None else {"weight": wish.weight})
                for wish in event.requires
            ]
        ),
        path_length=event.path_length,
        session=None,
        incarnation=None,
        attempt=0,
        token=None,
        percent=None,
        note="",
        attempts_total=0,
        lost_total=0,
        late_reports_total=0,
        reason="",
        failure_kind=None,
        waits_for="",
        waits_until=None,
        summary="",
        usage=None,
        usage_live=None,
        usage_parts=None,
        labels=json_text(event.labels),
        parent=event.parent or None,
        parts_total=0,
        parts_settled=0,
        evidence=json_text(event.evidence),
        on_need_failed=event.on_need_failed,
        budget=json_text(event.budget.model_dump()),
        concurrency_key=event.concurrency_key,
        concurrency_limit=event.concurrency_limit,
        not_before=event.not_before,
        deadline=event.deadline,
        attention="",
        needs_person=False,
        reassigned_total=0,
        reserved_for=None,
        planned_at=event.at,
        ready_at=None,
        claimed_at=None,
        started_at=None,
        settled_at=None,
        changed_at=event.at,
    )


def _attempted(row: TaskBoardRow, event: _Attempted) -> TaskBoardRow:
    match event:
        case TaskClaimed():
            return _claimed(row, event)
        case TaskStarted():
            return row._replace(status="running", started_at=event.at, changed_at=event.at)
        case TaskProgressed():
            percent = row.percent if event.percent is None else event.percent
            live = row.usage_live if event.usage is None else json_text(event.usage.model_dump())
            return row._replace(percent=percent, note=event.note or row.note, usage_live=live, changed_at=event.at)
        case TaskAttemptEnded():
            # The same decision says what follows; until then nothing may claim it.
            lost_total = row.lost_total + (event.kind == "session_lost")
            return row._replace(
                status=row.status if row.status in SETTLED else "pending",
                failure_kind=event.kind,
                lost_total=lost_total,
                reason=event.reason,
                usage=spent(row, None if event.usage is None else event.usage.model_dump()),
                usage_live=None,
                changed_at=event.at,
            )
        case LateReportDiscarded():
            return row._replace(late_reports_total=row.late_reports_total + 1, changed_at=event.at)
        case _:
            assert_never(event)


def _claimed(row: TaskBoardRow, event: TaskClaimed) -> TaskBoardRow:
    return row._replace(
        status="assigned",
        session=event.session,
        incarnation=event.incarnation,
        attempt=event.attempt,
        token=event.token,
        percent=None,
        note="",
        attempts_total=row.attempts_total + 1,
        claimed_at=event.at,
        started_at=None,
        reserved_for=None,
        changed_at=event.at,
    )


def _settled(row: TaskBoardRow, event: _Settled) -> TaskBoardRow:
    at = event.at
    match event:
        case TaskCompleted():
            return row._replace(
                status="completed",
                summary=event.summary[:SUMMARY_LENGTH_MAX],
                usage=spent(row, None if event.usage is None else event.usage.model_dump()),
                usage_live=None,
                reason="",
                failure_kind=None,
                waits_for="",
                waits_until=None,
                settled_at=at,
                changed_at=at,
            )
        case TaskFailed() | TaskCancelled():
            status: TaskStatus = "failed" if isinstance(event, TaskFailed) else "cancelled"
            over = row._replace(status=status, reason=event.reason, waits_for="", waits_until=None)
            return over._replace(settled_at=at, changed_at=at)
        case _:
            assert_never(event)


def _waiting(row: TaskBoardRow, event: _Waiting) -> TaskBoardRow:
    match event:
        case TaskNeedSettled():
            return row._replace(unmet_total=max(0, row.unmet_total - 1)) if event.satisfied or event.waived else row
        case TaskReadied():
            return row._replace(status="ready", ready_at=event.at, changed_at=event.at, waits_for="", waits_until=None)
        case TaskBackedOff():
            until, why = event.until, event.reason
            return row._replace(status="backoff", waits_for=why, waits_until=until, changed_at=event.at)
        case TaskParked():
            parked = row._replace(status="parked", waits_for="", waits_until=None)
            return parked._replace(reason=event.reason, changed_at=event.at)
        case TaskRetried():
            again = row._replace(status="pending", generation=event.generation, lost_total=0, settled_at=None)
            budget = row.budget if event.budget is None else json_text(event.budget.model_dump())
            return again._replace(reason="", failure_kind=None, budget=budget, changed_at=event.at)
        case _:
            assert_never(event)


_TURNS: Final[dict[type[Event], Callable[[TaskBoardRow, Any], TaskBoardRow | None]]] = {
    kind: turn
    for kinds, turn in ((_Attempted, _attempted), (_Settled, _settled), (_Waiting, _waiting), (Related, related))
    for kind in get_args(kinds)
}
"""One look where asking class by class takes as long as the change itself."""

TASK_BOARD: Final = Projection(
    name="task_board",
    version=3,
    row=TaskBoardRow,
    handles=frozenset(get_args(TaskBoardEvent)),
    begins=frozenset({TaskPlanned}),
    words=worded(title="text", note="text", reason="text", summary="text"),
    keys=keys,
    evolve=evolve,
    begun="begun_position",
    past_indexes=(
        ("project", "urgency", "key"),
        ("project", "status", "urgency", "key"),
        ("project", "begun_position"),
    ),
    past_spans=("project", "status"),
    indexes=(
        ("project", "urgency", "key"),
        ("project", "status", "urgency", "key"),
        ("project", "name"),
        ("session",),
        ("parent", "key"),
    ),
)
