"""What a task waits for before it is ready: its needs, its parts, its earliest start, and a backoff."""

from domain.kernel.decider import fold
from domain.kernel.ids import Instant
from domain.kernel.message import Event
from domain.kernel.work import Budget
from domain.task.aggregate import TASK
from domain.task.attention import attended, raised
from domain.task.commands import Outcome, Usage
from domain.task.events import (
    TaskCancelled,
    TaskHeldBack,
    TaskNeedReopened,
    TaskNeedSettled,
    TaskPartAdded,
    TaskPartSettled,
    TaskReadied,
    TaskRetried,
)
from domain.task.spending import beyond
from domain.task.state import Backoff, Pending, Ready, Settled, Task
from domain.task.terms import ReadyReason


def after_need(task: Task, need: str, outcome: Outcome, usage: Usage, at: Instant) -> tuple[Event, ...]:
    """What a settled need or part changes: nothing twice, and readiness once the last one is met.

    ``usage`` is what the needed task spent with its parts; it counts where that task is a part of this one.
    """
    told = _of_part(task, need, outcome, usage, at) if need in task.parts else _of_need(task, need, outcome, at)
    if not told:
        return ()
    reason: ReadyReason = "parts_settled" if need in task.parts else "needs_met"
    return attended(task, (*told, *opened(folded(task, told), reason, at)), at)


def told_of_need(task: Task, need: str, outcome: Outcome, at: Instant) -> tuple[Event, ...]:
    """That a need has settled, and the settlement that follows where the plan says so; never readiness."""
    return _of_need(task, need, outcome, at)


def opened(task: Task, reason: ReadyReason, at: Instant) -> tuple[Event, ...]:
    """Readiness, if nothing is unmet and the earliest start has come."""
    start = task.plan.not_before
    if not isinstance(task.phase, Pending) or task.unmet or (start is not None and at < start):
        return ()
    return (TaskReadied(reason=reason, at=at),)


def _of_need(task: Task, need: str, outcome: Outcome, at: Instant) -> tuple[Event, ...]:
    refused_before = task.unmet.get(need)
    if refused_before is None or isinstance(task.phase, Settled):
        return ()
    edge = next((edge for edge in task.plan.needs if edge.task == need), None)
    satisfied = edge is not None and outcome in edge.accept
    if refused_before and not satisfied:
        return ()
    waived = not satisfied and task.plan.on_need_failed == "proceed"
    settled = TaskNeedSettled(need=need, outcome=outcome, satisfied=satisfied, waived=waived)
    if satisfied or task.plan.on_need_failed != "cancel":
        return (settled,)
    name = need if edge is None else edge.key
    return (settled, TaskCancelled(reason=f"it needs {name}, which {_ended(outcome)}", at=at, because=need))


def _ended(outcome: Outcome) -> str:
    return "completed" if outcome == "completed" else f"was {outcome}" if outcome == "cancelled" else "failed"


def _of_part(task: Task, part: str, outcome: Outcome, usage: Usage, at: Instant) -> tuple[Event, ...]:
    known = task.parts[part]
    if known.settled:
        return ()
    return (TaskPartSettled(part=part, outcome=outcome, usage=beyond(usage, known.usage), at=at),)


def after_reopening(task: Task, need: str, at: Instant) -> tuple[Event, ...]:
    """What changes when a task that had settled begins anew.

    A task that was cancelled for its sake stays so and asks for attention; a part is open again; a need that had
    failed is open again. A need that was met or waived stays so.
    """
    if task.settled_because == need:
        name = next((edge.key for edge in task.plan.needs if edge.task == need), need)
        return raised(task, "stranded", f"it was cancelled because of {name}, which begins anew", at)
    part = task.parts.get(need)
    if part is not None and part.settled and not isinstance(task.phase, Settled):
        return (TaskNeedReopened(need=need, part=True, at=at),)
    if task.unmet.get(need) is True and not isinstance(task.phase, Settled):
        return attended(task, (TaskNeedReopened(need=need, part=False, at=at),), at)
    return ()


def after_part_added(task: Task, part: str, key: str, at: Instant) -> tuple[Event, ...]:
    """A part more to wait for; a task that was ready is so no longer."""
    added = TaskPartAdded(part=part, key=key, at=at)
    return (added, TaskHeldBack(at=at)) if isinstance(task.phase, Ready) else (added,)


def after_backoff(task: Task, until: Instant, now: Instant) -> tuple[Event, ...]:
    """Readiness, if the task still waits for just that instant and it has come; parts that came since are first."""
    if not isinstance(task.phase, Backoff) or task.phase.until != until or now < until:
        return ()
    return (TaskHeldBack(at=now),) if task.unmet else (TaskReadied(reason=task.phase.then, at=now),)


def retried(task: Task, budget: Budget | None, at: Instant) -> tuple[Event, ...]:
    """A new generation. Its needs were met before, so it is ready at once, unless parts are open."""
    began = TaskRetried(generation=task.generation + 1, at=at, budget=budget)
    overdue = task.plan.deadline is not None and at >= task.plan.deadline
    late = raised(task, "overdue", "its deadline had passed when it was retried", at) if overdue else ()
    ready = opened(folded(task, (began,)), "retried", at)
    return attended(task, (began, *ready, *late), at)


def folded(task: Task, events: tuple[Event, ...]) -> Task:
    """The task after the events."""
    after = fold(TASK, events, task)
    return after if isinstance(after, Task) else task
