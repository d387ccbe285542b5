"""What happens to tasks without a report of their holder: cancelled, retried, needs settled, time passed."""

from domain.dispatch.attempt import Held, end_in_silence
from domain.dispatch.lookup import find_task
from domain.kernel.decider import Decision, View, Write, refuse
from domain.kernel.errors import UnknownThing
from domain.kernel.ids import Instant, StreamId
from domain.kernel.message import Event, Stamp
from domain.task.commands import (
    AttemptReport,
    CancelTask,
    ElapseBackoff,
    LapseDelivery,
    RetryTask,
    SettleNeed,
    TimeOutAttempt,
)
from domain.task.decider import (
    DELIVERY_SECONDS_MAX,
    after_backoff,
    after_need,
    delivery_due,
    live_attempt,
    phase_name,
    retried,
    timeout_due,
)
from domain.task.errors import TaskAlreadySettled, TaskNotRetryable
from domain.task.events import TaskCancelled
from domain.task.state import Assigned, Settled


def cancel(command: CancelTask, stamp: Stamp, view: View) -> Decision:
    """Settle the task as cancelled; a live attempt loses its token and its locks linger."""
    found = find_task(view, stamp.project, command.task)
    if isinstance(found, UnknownThing):
        return refuse(found)
    stream, task = found
    if isinstance(task.phase, Settled):
        settled = TaskAlreadySettled(task=command.task, status=phase_name(task))
        return Decision() if task.phase.outcome == "cancelled" else refuse(settled)
    attempt = live_attempt(task)
    if attempt is not None:
        return Decision(end_in_silence(Held(stream, task, attempt), "cancelled", command.reason, stamp, view))
    return _written(stream, (TaskCancelled(reason=command.reason, at=stamp.time),), stamp)


def retry(command: RetryTask, stamp: Stamp, view: View) -> Decision:
    """Begin a new generation of a failed or parked task."""
    found = find_task(view, stamp.project, command.task)
    if isinstance(found, UnknownThing):
        return refuse(found)
    stream, task = found
    events = retried(task, command.task, stamp.time)
    return refuse(events) if isinstance(events, TaskNotRetryable) else _written(stream, events, stamp)


def settle_need(command: SettleNeed, stamp: Stamp, view: View) -> Decision:
    """Tell a task how a need of its settled; only what the needed task itself says now is believed."""
    found, needed = find_task(view, stamp.project, command.task), find_task(view, stamp.project, command.need)
    if isinstance(found, UnknownThing):
        return refuse(found)
    if isinstance(needed, UnknownThing):
        return refuse(needed)
    stream, task = found
    need, phase = needed[0], needed[1].phase
    if not isinstance(phase, Settled) or phase.outcome != command.outcome:
        return Decision()  # it began anew meanwhile, and reports again when it settles
    return _written(stream, after_need(task, need, phase.outcome, stamp.time), stamp)


def elapse_backoff(command: ElapseBackoff, stamp: Stamp, view: View) -> Decision:
    """The instant that the task waits for has come."""
    found = find_task(view, stamp.project, command.task)
    if isinstance(found, UnknownThing):
        return refuse(found)
    stream, task = found
    return _written(stream, after_backoff(task, Instant(command.until), stamp.time), stamp)


def time_out(command: TimeOutAttempt, stamp: Stamp, view: View) -> Decision:
    """End an attempt that has run longer than the plan allows; nothing where it has not."""
    held = _silent(command, stamp, view)
    if isinstance(held, Decision):
        return held
    due = timeout_due(held.task)
    if due is None or stamp.time < due:
        return Decision()
    reason = f"it ran longer than {held.task.plan.timeout_seconds} s"
    return Decision(end_in_silence(held, "timeout", reason, stamp, view))


def lapse_delivery(command: LapseDelivery, stamp: Stamp, view: View) -> Decision:
    """Take back an assignment that nobody acknowledged in time; nothing where somebody did."""
    held = _silent(command, stamp, view)
    if isinstance(held, Decision):
        return held
    if not isinstance(held.task.phase, Assigned) or stamp.time < delivery_due(held.attempt):
        return Decision()
    reason = f"the assignment was not acknowledged within {DELIVERY_SECONDS_MAX} s"
    return Decision(end_in_silence(held, "lost_delivery", reason, stamp, view))


def _silent(command: AttemptReport, stamp: Stamp, view: View) -> Held | Decision:
    """The attempt of that token, if it still lives: what is over needs no end."""
    found = find_task(view, stamp.project, command.task)
    if isinstance(found, UnknownThing):
        return refuse(found)
    stream, task = found
    attempt = live_attempt(task)
    return Held(stream, task, attempt) if attempt is not None and attempt.token == int(command.token) else Decision()


def _written(stream: StreamId, events: tuple[Event, ...], stamp: Stamp) -> Decision:
    return Decision((Write(stream, events, stamp.project),)) if events else Decision()
