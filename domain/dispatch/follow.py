"""What happens to tasks without a report of their holder: needs settled or begun anew, time passed."""

from domain.dispatch.attempt import Held, end_in_silence
from domain.dispatch.lookup import find_task
from domain.kernel.decider import Decision, View, Write, refuse
from domain.kernel.errors import NotDueYet, UnknownThing
from domain.kernel.ids import Instant, StreamId
from domain.kernel.message import Event, Stamp
from domain.node.decider import OUTAGES
from domain.node.state import OUTAGE_STREAM
from domain.task.attention import raised
from domain.task.commands import AttemptReport, ElapseBackoff, LapseDelivery, SettleNeed, TimeOutAttempt
from domain.task.decider import DELIVERY_SECONDS_MAX, TASK, delivery_due, live_attempt, stall_due, timeout_due
from domain.task.derived import ExhaustBudget, PassDeadline, ReachStart, ReopenNeed, RevokeAttempt, StallAttempt
from domain.task.spending import spent_by, time_is_up
from domain.task.state import Assigned, Settled, Task
from domain.task.waiting import after_backoff, after_need, after_reopening, opened


def settle_need(command: SettleNeed, stamp: Stamp, view: View) -> Decision:
    """Tell a task how a need or part of its settled; only what the needed task itself says now is believed."""
    edge = _edge(command.task, command.need, stamp, view)
    if isinstance(edge, UnknownThing):
        return refuse(edge)
    stream, task, need, needed = edge
    phase = needed.phase
    if not isinstance(phase, Settled) or phase.outcome != command.outcome:
        return Decision()  # it began anew meanwhile, and reports again when it settles
    return _written(stream, after_need(task, need, phase.outcome, spent_by(needed), stamp.time), stamp)


def reopen_need(command: ReopenNeed, stamp: Stamp, view: View) -> Decision:
    """Tell a task that a need of its begins anew; nothing where it has settled again."""
    edge = _edge(command.task, command.need, stamp, view)
    if isinstance(edge, UnknownThing):
        return refuse(edge)
    stream, task, need, needed = edge
    if isinstance(needed.phase, Settled):
        return Decision()
    return _written(stream, after_reopening(task, need, stamp.time), stamp)


def elapse_backoff(command: ElapseBackoff, stamp: Stamp, view: View) -> Decision:
    """The instant that the task waits for has come."""
    found = find_task(view, stamp.project, command.task)
    if isinstance(found, UnknownThing):
        return refuse(found)
    stream, task = found
    return _written(stream, after_backoff(task, Instant(command.until), stamp.time), stamp)


def reach_start(command: ReachStart, stamp: Stamp, view: View) -> Decision:
    """The earliest start has come: ready, if nothing else is unmet."""
    found = find_task(view, stamp.project, command.task)
    if isinstance(found, UnknownThing):
        return refuse(found)
    stream, task = found
    return _written(stream, opened(task, "start_reached", stamp.time), stamp)


def pass_deadline(command: PassDeadline, stamp: Stamp, view: View) -> Decision:
    """The deadline has come: whatever has not settled needs a person."""
    found = find_task(view, stamp.project, command.task)
    if isinstance(found, UnknownThing):
        return refuse(found)
    stream, task = found
    deadline = task.plan.deadline
    if deadline is None or stamp.time < deadline or isinstance(task.phase, Settled):
        return Decision()
    return _written(stream, raised(task, "overdue", "its deadline has passed", stamp.time), stamp)


def time_out(command: TimeOutAttempt, stamp: Stamp, view: View) -> Decision:
    """End an attempt that has run longer than the plan allows; nothing where it has not."""
    held = _silent(command, stamp, view)
    if isinstance(held, Decision):
        return held
    due = timeout_due(held.task)
    if due is None or stamp.time < due:
        return Decision()
    longer = held.attempt.extended_seconds
    reason = f"it ran longer than {held.task.plan.timeout_seconds} s" + (
        f" and the {longer:g} s on top" if longer else ""
    )
    return Decision(end_in_silence(held, "timeout", reason, stamp, view))


def stall(command: StallAttempt, stamp: Stamp, view: View) -> Decision:
    """End an attempt that has said nothing new for too long; nothing where it need not, a refusal before that."""
    held = _silent(command, stamp, view)
    if isinstance(held, Decision):
        return held
    due = stall_due(held.task, held.attempt, outage_ended_at=view.read(OUTAGES, OUTAGE_STREAM).ended_at)
    if due is None:
        return Decision()
    if stamp.time < due:
        return refuse(NotDueYet(until=due))
    reason = f"it reported nothing new for {held.task.plan.stall_seconds:g} s"
    return Decision(end_in_silence(held, "timeout", reason, stamp, view))


def exhaust_budget(command: ExhaustBudget, stamp: Stamp, view: View) -> Decision:
    """End an attempt that has used up the time left to its task; nothing where it has not."""
    held = _silent(command, stamp, view)
    if isinstance(held, Decision):
        return held
    due = time_is_up(held.task, held.attempt)
    if due is None or stamp.time < due:
        return Decision()
    reason = f"its budget of {held.task.budget.wall_seconds:g} s is spent"
    return Decision(end_in_silence(held, "budget", reason, stamp, view))


def revoke(command: RevokeAttempt, stamp: Stamp, view: View) -> Decision:
    """End the attempt of a cancelled task whose holder did not; nothing before the end of its grace."""
    found = find_task(view, stamp.project, command.task)
    if isinstance(found, UnknownThing):
        return refuse(found)
    stream, task = found
    phase = task.phase
    if not isinstance(phase, Settled) or phase.leaving is None or stamp.time < (phase.revoked_at or 0):
        return Decision()
    reason = "it was cancelled, and its holder did not end it in time"
    return Decision(end_in_silence(Held(stream, task, phase.leaving), "cancelled", reason, stamp, view))


def lapse_delivery(command: LapseDelivery, stamp: Stamp, view: View) -> Decision:
    """Take back an assignment that nobody acknowledged in time; nothing where somebody did, a refusal before that."""
    held = _silent(command, stamp, view)
    if isinstance(held, Decision):
        return held
    if not isinstance(held.task.phase, Assigned):
        return Decision()
    # While nobody was served nobody could acknowledge anything; who asks may not have heard of that yet.
    until = delivery_due(held.attempt, outage_ended_at=view.read(OUTAGES, OUTAGE_STREAM).ended_at)
    if stamp.time < until:
        return refuse(NotDueYet(until=until))
    reason = f"the assignment was not acknowledged within {DELIVERY_SECONDS_MAX} s"
    return Decision(end_in_silence(held, "lost_delivery", reason, stamp, view))


def _edge(task: str, need: str, stamp: Stamp, view: View) -> tuple[StreamId, Task, StreamId, Task] | UnknownThing:
    """A task of the project and what it needs; that may belong to another project, so the edge itself is the proof."""
    found = find_task(view, stamp.project, task)
    if isinstance(found, UnknownThing):
        return found
    stream, state = found
    if any(edge.task == need and edge.project for edge in state.plan.needs):
        needed = view.read(TASK, StreamId(need))
        if isinstance(needed, Task):
            return stream, state, StreamId(need), needed
        return UnknownThing(kind="task", name=need)
    other = find_task(view, stamp.project, need)
    return other if isinstance(other, UnknownThing) else (stream, state, *other)


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
