"""When a task needs a person: what can be read off its state is raised and cleared with whatever changes it."""

from typing import Final

from domain.kernel.decider import fold
from domain.kernel.ids import Instant
from domain.kernel.message import Event
from domain.task.aggregate import TASK
from domain.task.events import (
    TaskAttentionCleared,
    TaskAttentionRaised,
    TaskNeedSettled,
    TaskParked,
    TaskPlanned,
)
from domain.task.state import Absent, Parked, Pending, Ready, Settled, Task, TaskState
from domain.task.terms import Topic

_RAISING: Final = (TaskParked, TaskNeedSettled, TaskPlanned)
_UNTIL_SETTLED: Final[tuple[Topic, ...]] = ("parked", "blocked", "overdue", "budget")
"""Topics that mean nothing any more once the task has settled."""
_READ_OFF: Final[tuple[Topic, ...]] = ("parked", "blocked")
"""Topics that the state alone says."""


def attended(before: TaskState, events: tuple[Event, ...], at: Instant) -> tuple[Event, ...]:
    """The events, and after them what they raise and clear."""
    if not any(isinstance(event, _RAISING) for event in events) and not _attention(before):
        return events
    task = fold(TASK, events, before)
    return (*events, *_changes(task, at)) if isinstance(task, Task) else events


def raised(task: Task, topic: Topic, reason: str, at: Instant) -> tuple[Event, ...]:
    """A topic that something outside of the state raises; nothing where it stands already."""
    return () if topic in task.attention else (TaskAttentionRaised(topic=topic, reason=reason, at=at),)


def dismissed(task: Task, topic: Topic, by: str, at: Instant) -> tuple[Event, ...]:
    """A person has seen it; nothing where it does not stand."""
    return (TaskAttentionCleared(topic=topic, by=by, at=at),) if topic in task.attention else ()


def is_read_off(topic: Topic) -> bool:
    """Whether the topic goes by itself and only by itself."""
    return topic in _READ_OFF


def _attention(state: TaskState) -> bool:
    return not isinstance(state, Absent) and bool(state.attention)


def _changes(task: Task, at: Instant) -> tuple[Event, ...]:
    wanted = _wanted(task)
    fresh = (
        TaskAttentionRaised(topic=topic, reason=reason, at=at)
        for topic, reason in wanted.items()
        if topic not in task.attention
    )
    gone: tuple[Topic, ...] = _UNTIL_SETTLED if isinstance(task.phase, Settled) else _READ_OFF
    gone = gone if isinstance(task.phase, Ready) else (*gone, "unclaimed")
    over = (
        TaskAttentionCleared(topic=topic, by="", at=at)
        for topic in gone
        if topic in task.attention and topic not in wanted
    )
    return (*fresh, *over)


def _wanted(task: Task) -> dict[Topic, str]:
    match task.phase:
        case Parked(reason):
            return {"parked": reason}
        case Pending() if task.plan.on_need_failed == "block" and any(task.unmet.values()):
            names = {need.task: need.key for need in task.plan.needs}
            failed = sorted(names.get(need, need) for need, refused in task.unmet.items() if refused)
            return {"blocked": f"needs that can no longer be met: {', '.join(failed[:_NAMED_MAX])}"}
        case _:
            return {}


_NAMED_MAX: Final = 10
"""Needs that a reason names."""
