"""What changes a task's row beside its phase: parts, attention, reassignment, and what attempts spent."""

import json
from collections.abc import Mapping
from typing import Any, assert_never

from domain.kernel.erasure_events import SubjectErased
from domain.kernel.sealing import ERASED
from domain.task.events import (
    TaskAttentionCleared,
    TaskAttentionRaised,
    TaskHeldBack,
    TaskNeedReopened,
    TaskPartAdded,
    TaskPartSettled,
    TaskReassigned,
)
from projections.kernel.rows import json_text
from projections.task_board.rows import TaskBoardRow

_Attention = TaskAttentionRaised | TaskAttentionCleared
_Linked = TaskPartAdded | TaskPartSettled | TaskNeedReopened
Related = _Linked | TaskHeldBack | TaskReassigned | _Attention | SubjectErased


def related(row: TaskBoardRow, event: Related) -> TaskBoardRow:
    """The row after the event."""
    match event:
        case TaskPartAdded():
            return row._replace(parts_total=row.parts_total + 1, unmet_total=row.unmet_total + 1, changed_at=event.at)
        case TaskPartSettled():
            settled = row._replace(parts_settled=row.parts_settled + 1, unmet_total=max(0, row.unmet_total - 1))
            return settled._replace(usage_parts=_sum(row.usage_parts, event.usage.model_dump()), changed_at=event.at)
        case TaskNeedReopened():
            if not event.part:
                return row._replace(changed_at=event.at)
            reopened = row._replace(parts_settled=max(0, row.parts_settled - 1), unmet_total=row.unmet_total + 1)
            return reopened._replace(changed_at=event.at)
        case TaskHeldBack() if event.by:
            held = row._replace(unmet_total=row.unmet_total + 1, changed_at=event.at)
            return held._replace(status="pending") if row.status == "ready" else held
        case TaskHeldBack():
            return row._replace(status="pending", waits_for="", waits_until=None, changed_at=event.at)
        case TaskReassigned():
            total = row.reassigned_total + 1
            return row._replace(reassigned_total=total, reserved_for=event.session, changed_at=event.at)
        case TaskAttentionRaised() | TaskAttentionCleared():
            return _attended(row, event)
        case SubjectErased():
            return row._replace(
                title=ERASED,
                note=ERASED if row.note else "",
                reason=ERASED if row.reason else "",
                summary=ERASED if row.summary else "",
                changed_at=event.at,
            )
        case _:
            assert_never(event)


def _attended(row: TaskBoardRow, event: _Attention) -> TaskBoardRow:
    topics = {topic for topic in row.attention.split(",") if topic and topic != event.topic}
    if isinstance(event, TaskAttentionRaised):
        topics.add(event.topic)
    return row._replace(attention=",".join(sorted(topics)), needs_person=bool(topics), changed_at=event.at)


def spent(row: TaskBoardRow, said: Mapping[str, object] | None) -> str | None:
    """What all ended attempts spent, once the live one has ended with this or with what it said before."""
    if said is not None:
        return _sum(row.usage, said)
    return row.usage if row.usage_live is None else _sum(row.usage, json.loads(row.usage_live))


def _sum(before: str | None, said: Mapping[str, Any]) -> str:
    if before is None:
        return json_text(said)
    known: dict[str, Any] = json.loads(before)
    total = {name: value + known[name] for name, value in said.items() if name != "model"}
    return json_text({**total, "model": said["model"] or known["model"]})
