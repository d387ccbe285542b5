"""What people ask of tasks while they are under way: cancel, retry, reassign, and having seen what needs attention."""

from typing import Final

from domain.dispatch.attempt import Held, end_in_silence
from domain.dispatch.errors import SessionNotLive
from domain.dispatch.lookup import find_readable, find_task
from domain.kernel.decider import Decision, View, Write, refuse
from domain.kernel.errors import Rejection, UnknownThing
from domain.kernel.ids import SECOND, Instant, StreamId, is_type_id
from domain.kernel.message import Event, Stamp
from domain.run.budgets import keeps_account
from domain.run.evolve import RUN
from domain.run.state import Run
from domain.session.decider import SESSION, is_live
from domain.session.events import SessionRevokeNoticed
from domain.session.state import Session
from domain.task.attention import attended, dismissed, is_read_off
from domain.task.commands import CancelTask, DismissAttention, ReassignTask, RetryTask
from domain.task.decider import live_attempt, phase_name
from domain.task.errors import AttentionStands, TaskAlreadySettled, TaskNotReassignable, TaskNotRetryable, TaskOfRun
from domain.task.events import TaskCancelled, TaskReassigned
from domain.task.state import Backoff, Ready, Settled
from domain.task.terms import Origin
from domain.task.waiting import retried

NOTICE_CHARACTERS_MAX: Final = 500


def cancel(command: CancelTask, stamp: Stamp, view: View) -> Decision:
    """Settle the task as cancelled; the holder of a live attempt is told and may end it cleanly within the grace.

    Without a grace the attempt loses its token at once and its locks linger; asked so again, a grace ends early.
    """
    found = find_readable(view, stamp.project, command.task)
    if isinstance(found, Rejection):
        return refuse(found)
    stream, task = found
    if isinstance(task.phase, Settled):
        if task.phase.leaving is not None and command.grace_seconds == 0:
            return Decision(
                end_in_silence(Held(stream, task, task.phase.leaving), "cancelled", command.reason, stamp, view)
            )
        settled = TaskAlreadySettled(task=command.task, status=phase_name(task))
        return Decision() if task.phase.outcome == "cancelled" else refuse(settled)
    attempt = live_attempt(task)
    if attempt is None:
        cancelled = TaskCancelled(reason=command.reason, at=stamp.time)
        return _written(stream, attended(task, (cancelled,), stamp.time), stamp)
    if command.grace_seconds == 0:
        return Decision(end_in_silence(Held(stream, task, attempt), "cancelled", command.reason, stamp, view))
    return Decision(noticed(Held(stream, task, attempt), command.reason, command.grace_seconds, stamp))


def noticed(held: Held, reason: str, grace_seconds: int, stamp: Stamp) -> tuple[Write, ...]:
    """The task settles now; its attempt may report, and hold its locks, until the grace is over."""
    until = Instant(stamp.time + grace_seconds * SECOND)
    cancelled = TaskCancelled(reason=reason, at=stamp.time, revoked_at=until)
    told = SessionRevokeNoticed(
        project=stamp.project,
        task=held.stream,
        token=held.attempt.token,
        reason=reason[:NOTICE_CHARACTERS_MAX] or "the task was cancelled",
        until=until,
        at=stamp.time,
    )
    events = attended(held.task, (cancelled,), stamp.time)
    return (Write(held.stream, events, stamp.project), Write(StreamId(held.attempt.session), (told,)))


def retry(command: RetryTask, stamp: Stamp, view: View) -> Decision:
    """Begin a new generation of a failed or parked task."""
    found = find_readable(view, stamp.project, command.task)
    if isinstance(found, Rejection):
        return refuse(found)
    stream, task = found
    status = phase_name(task)
    if status not in ("failed", "parked"):
        return refuse(TaskNotRetryable(task=command.task, status=status))
    if task.plan.origin is not None and (status == "failed" or _is_accounted(task.plan.origin, view)):
        return refuse(TaskOfRun(task=command.task, run=task.plan.origin.run))
    return _written(stream, retried(task, command.budget, stamp.time), stamp)


def _is_accounted(origin: Origin, view: View) -> bool:
    """Whether its run sets aside what it may spend before it begins once more."""
    run = view.read(RUN, StreamId(origin.run)) if origin.purpose == "work" else None
    return isinstance(run, Run) and keeps_account(run)


def reassign(command: ReassignTask, stamp: Stamp, view: View) -> Decision:
    """Take the task from whoever has it, for anybody or for one session; its old token ends here."""
    found = find_readable(view, stamp.project, command.task)
    if isinstance(found, Rejection):
        return refuse(found)
    stream, task = found
    attempt = live_attempt(task)
    if attempt is None and not isinstance(task.phase, Ready | Backoff):
        return refuse(TaskNotReassignable(task=command.task, status=phase_name(task)))
    unfit = None if command.to is None else _unfit(command.to, stamp, view)
    if unfit is not None:
        return refuse(unfit)
    reassigned = TaskReassigned(session=command.to, reason=command.reason, by=stamp.principal, at=stamp.time)
    if attempt is None:
        return _written(stream, (reassigned,), stamp)
    held = Held(stream, task, attempt)
    reason = command.reason or "it was reassigned"
    writes = end_in_silence(held, "reassigned", reason, stamp, view)
    return Decision(tuple(_preceded(write, stream, reassigned) for write in writes))


def dismiss(command: DismissAttention, stamp: Stamp, view: View) -> Decision:
    """A person has seen it; what the task's own state says stays until that changes. A task without words asks, too."""
    found = find_task(view, stamp.project, command.task)
    if isinstance(found, Rejection):
        return refuse(found)
    stream, task = found
    if is_read_off(command.topic) and command.topic in task.attention:
        return refuse(AttentionStands(task=command.task, topic=command.topic))
    return _written(stream, dismissed(task, command.topic, stamp.principal, stamp.time), stamp)


def _unfit(session: str, stamp: Stamp, view: View) -> UnknownThing | SessionNotLive | None:
    """Why the session cannot be given work of the project."""
    state = view.read(SESSION, StreamId(session)) if is_type_id(session, "sess") else None
    if not isinstance(state, Session) or stamp.project not in state.opened.projects:
        return UnknownThing(kind="session", name=session)
    return None if is_live(state) else SessionNotLive(session=session)


def _preceded(write: Write, stream: StreamId, event: Event) -> Write:
    return write._replace(events=(event, *write.events)) if write.stream == stream else write


def _written(stream: StreamId, events: tuple[Event, ...], stamp: Stamp) -> Decision:
    return Decision((Write(stream, events, stamp.project),)) if events else Decision()
