"""Reports of the holder: each needs the live token of the attempt, and the session's owner behind it."""

import hashlib
from typing import Any, Final

from domain.dispatch.attempt import Held, end_by_report
from domain.dispatch.lookup import find_session, find_task
from domain.kernel.decider import Decision, View, Write, refuse
from domain.kernel.errors import Rejection, UnknownThing
from domain.kernel.ids import SECOND, Instant, StreamId
from domain.kernel.message import Answer, Event, Stamp
from domain.session.decider import SESSION, speaks_for
from domain.session.errors import NotSessionOwner
from domain.session.state import Session
from domain.task.attempt_end import EndKind
from domain.task.attention import attended
from domain.task.commands import (
    AcknowledgeAttempt,
    AttemptReport,
    CompleteTask,
    FailTask,
    ReleaseTask,
    ReportProgress,
)
from domain.task.decider import after_attempt, holding_attempt, phase_name
from domain.task.errors import BudgetSpent, EvidenceRefused, ExtensionRefused, Fenced, PartsUnsettled, TaskWasCancelled
from domain.task.events import LateReportDiscarded, TaskCompleted, TaskProgressed, TaskStarted
from domain.task.evidence import fitted_output, refused_evidence
from domain.task.holder_commands import ExtendAttempt
from domain.task.holder_events import TaskExtended
from domain.task.spending import overspent, time_is_up
from domain.task.state import Assigned, Settled, Task
from domain.task.waiting import folded

DISCARDED_MAX: Final = 64
"""Late reports that one task records; further ones are refused without a trace of their own."""


class AttemptExtended(Answer):
    """How much time the attempt has, whatever this command has changed."""

    extended_seconds: float = 0.0
    """On top of its timeout, with all that was before."""
    until: Instant | None = None
    """When its time is up; None where it has no timeout."""


def acknowledge(command: AcknowledgeAttempt, stamp: Stamp, view: View) -> Decision:
    """The assignment arrived: the attempt runs from here on."""
    held = _held(command, stamp, view)
    if isinstance(held, Decision):
        return held
    return _noted(held, _started(held, stamp), stamp)


def report_progress(command: ReportProgress, stamp: Stamp, view: View) -> Decision:
    """How far the attempt is; the first report also acknowledges it. A spent budget ends it."""
    held = _held(command, stamp, view)
    if isinstance(held, Decision):
        return held
    progressed = TaskProgressed(
        token=held.attempt.token,
        percent=command.percent,
        note=command.note,
        checkpoint=command.checkpoint,
        at=stamp.time,
        artifacts=command.artifacts,
        usage=command.usage,
        **_moved(command, held, stamp),
    )
    said = (*_started(held, stamp), progressed)
    spent = None if command.usage is None else overspent(held.task, command.usage)
    if spent is None:
        return _noted(held, said, stamp)
    over = Held(held.stream, folded(held.task, said), held.attempt)
    writes = end_by_report(over, (*said, *_ended(over, "budget", spent, command, stamp)), "failed", stamp, view)
    return refuse(BudgetSpent(task=command.task, reason=spent), *writes)


def extend(command: ExtendAttempt, stamp: Stamp, view: View) -> Decision:
    """The attempt takes longer than planned; the same again, or less, changes nothing."""
    held = _held(command, stamp, view)
    if isinstance(held, Decision):
        return held
    plan, more = held.task.plan, command.seconds
    if isinstance(held.task.phase, Settled):
        return refuse(ExtensionRefused(task=command.task, seconds=more, reason="it was cancelled"))
    started = _started(held, stamp)
    if plan.timeout_seconds is None:
        return _noted(held, started, stamp)._replace(answer=AttemptExtended())
    most = plan.extend_seconds_max or 0.0
    if more > most:
        reason = f"its plan allows {most:g} s" if most else "its plan allows none"
        return refuse(ExtensionRefused(task=command.task, seconds=more, reason=reason))
    begun = stamp.time if started else held.attempt.started_at or held.attempt.at
    longest = max(more, held.attempt.extended_seconds)
    until = Instant(begun + int((plan.timeout_seconds + longest) * SECOND))
    answer = AttemptExtended(extended_seconds=longest, until=until)
    if more <= held.attempt.extended_seconds:
        return _noted(held, started, stamp)._replace(answer=answer)
    longer = TaskExtended(token=held.attempt.token, seconds=more, until=until, at=stamp.time)
    return _noted(held, (*started, longer), stamp)._replace(answer=answer)


def complete(command: CompleteTask, stamp: Stamp, view: View) -> Decision:
    """The work is done: the task settles and its locks are free. Evidence that proves nothing fails the attempt."""
    held = _held(command, stamp, view)
    if isinstance(held, Decision):
        return held
    if isinstance(held.task.phase, Settled):
        over = _over(held, "cancelled", "it was completed after it had been cancelled", command, stamp, view)
        return refuse(TaskWasCancelled(task=command.task), *over)
    open_parts = sum(not part.settled for part in held.task.parts.values())
    if open_parts:
        return refuse(PartsUnsettled(task=command.task, count=open_parts))
    output, misfits = fitted_output(held.task.plan, command.output)
    reasons = (*refused_evidence(held.task.plan.evidence, command.evidence), *misfits)
    if reasons:
        words = "; ".join(reasons)
        ended = _ended(held, "invalid_result", f"refused: {words}", command, stamp)
        writes = end_by_report(held, ended, "failed", stamp, view)
        return refuse(EvidenceRefused(task=command.task, reasons=words), *writes)
    completed = TaskCompleted(
        token=held.attempt.token,
        summary=command.summary,
        artifacts=command.artifacts,
        usage=command.usage,
        at=stamp.time,
        evidence=command.evidence,
        output=output,
    )
    return Decision(end_by_report(held, attended(held.task, (completed,), stamp.time), "completed", stamp, view))


def fail(command: FailTask, stamp: Stamp, view: View) -> Decision:
    """The attempt failed: the retry rule says what follows."""
    held = _held(command, stamp, view)
    if isinstance(held, Decision):
        return held
    return Decision(_over(held, command.kind, command.reason, command, stamp, view))


def give_back(command: ReleaseTask, stamp: Stamp, view: View) -> Decision:
    """The holder gives the task back with a note for whoever comes next."""
    held = _held(command, stamp, view)
    if isinstance(held, Decision):
        return held
    return Decision(_over(held, "released", command.note, command, stamp, view))


def _over(
    held: Held,
    kind: EndKind,
    reason: str,
    command: CompleteTask | FailTask | ReleaseTask,
    stamp: Stamp,
    view: View,
) -> tuple[Write, ...]:
    """The attempt ends as its holder says; that of a cancelled task in whatever way, and gives its locks back."""
    leaves = isinstance(held.task.phase, Settled)
    followed = _ended(held, "cancelled" if leaves else kind, reason, command, stamp)
    return end_by_report(held, followed, "released" if leaves or kind == "released" else "failed", stamp, view)


def _ended(
    held: Held,
    kind: EndKind,
    reason: str,
    command: ReportProgress | CompleteTask | FailTask | ReleaseTask,
    stamp: Stamp,
) -> tuple[Event, ...]:
    """The attempt's end with what its holder leaves; a budget that is spent by it counts more than how it ended."""
    usage = command.usage
    spent = None if usage is None or kind in ("budget", "cancelled") else overspent(held.task, usage)
    return after_attempt(
        held.task,
        kind=kind if spent is None else "budget",
        reason=reason if spent is None else f"{spent}; it ended so: {reason or kind}",
        checkpoint=None if isinstance(command, CompleteTask) else command.checkpoint,
        at=stamp.time,
        locks_free_at=None,
        seed=stamp.seed,
        artifacts=command.artifacts,
        usage=usage,
    )


def _held(command: AttemptReport, stamp: Stamp, view: View) -> Held | Decision:
    """The live attempt that the report is about, or the decision that it leads to without one."""
    found = find_task(view, stamp.project, command.task)
    if isinstance(found, UnknownThing):
        return refuse(found)
    stream, task = found
    attempt, token = holding_attempt(task), int(command.token)
    if attempt is None or attempt.token != token:
        return _late(command, stream, task, stamp, view)
    session = find_session(view, attempt.session, attempt.incarnation, stamp)
    return refuse(session) if isinstance(session, Rejection) else Held(stream, task, attempt)


def _late(command: AttemptReport, stream: StreamId, task: Task, stamp: Stamp, view: View) -> Decision:
    """A report after its attempt: who never held that token leaves no trace in the task, or could fill its places."""
    token = int(command.token)
    holder = next((session for given, session in task.tokens if given == token), None)
    if holder is None:
        return refuse(Fenced(task=command.task, token=command.token, status=phase_name(task)))
    session = view.read(SESSION, StreamId(holder))
    if not isinstance(session, Session) or not speaks_for(session, stamp):
        return refuse(NotSessionOwner(session=holder))
    return Decision() if _is_repeat(command, task, token) else _fenced(command, stream, task, stamp)


def _is_repeat(command: AttemptReport, task: Task, token: int) -> bool:
    """Completing twice with the same token is a success that changes nothing."""
    completed = isinstance(task.phase, Settled) and task.phase.token == token
    return completed and isinstance(command, CompleteTask | AcknowledgeAttempt)


def _fenced(command: AttemptReport, stream: StreamId, task: Task, stamp: Stamp) -> Decision:
    """Refused, and recorded once per token and kind of report with a digest of what it carried."""
    rejection = Fenced(task=command.task, token=command.token, status=phase_name(task))
    token = int(command.token)
    if f"{token}/{command.NAME}" in task.discarded or len(task.discarded) >= DISCARDED_MAX:
        return refuse(rejection)
    digest = hashlib.blake2b(command.model_dump_json().encode(), digest_size=32).hexdigest()
    discarded = LateReportDiscarded(token=token, report=command.NAME, digest=digest, at=stamp.time)
    return refuse(rejection, Write(stream, (discarded,), stamp.project))


def _started(held: Held, stamp: Stamp) -> tuple[Event, ...]:
    """Naming the token acknowledges the assignment, if nothing did before."""
    if not isinstance(held.task.phase, Assigned):
        return ()
    until, stall = time_is_up(held.task, held.attempt), held.task.plan.stall_seconds
    stalls_at = None if stall is None else _after(stamp, stall)
    return (TaskStarted(token=held.attempt.token, at=stamp.time, budget_until=until, stalls_at=stalls_at),)


def _moved(command: ReportProgress, held: Held, stamp: Stamp) -> dict[str, Any]:
    """Until when it has to say something new again; what it has said already is nothing new."""
    stall = held.task.plan.stall_seconds
    if stall is None or isinstance(held.task.phase, Settled):
        return {}
    said = command.model_dump_json(include={"percent", "note", "checkpoint", "artifacts"})
    digest = hashlib.blake2b(said.encode(), digest_size=8).hexdigest()
    repeated = digest == held.attempt.said and held.attempt.stalls_at is not None
    return {"digest": digest, "stalls_at": held.attempt.stalls_at if repeated else _after(stamp, stall)}


def _after(stamp: Stamp, seconds: float) -> Instant:
    return Instant(stamp.time + int(seconds * SECOND))


def _noted(held: Held, events: tuple[Event, ...], stamp: Stamp) -> Decision:
    return Decision((Write(held.stream, events, stamp.project),)) if events else Decision()
