"""How attempts and settlements fold into a task."""

from typing import Final, NamedTuple, assert_never

from immutables import Map

from domain.kernel.change import replace
from domain.kernel.ids import SECOND, Instant, Token
from domain.task.commands import NOTHING_USED, Artifact, Usage
from domain.task.events import (
    LateReportDiscarded,
    TaskAttemptEnded,
    TaskCancelled,
    TaskClaimed,
    TaskCompleted,
    TaskFailed,
    TaskProgressed,
    TaskStarted,
)
from domain.task.holder_events import TaskExtended
from domain.task.spending import added
from domain.task.state import (
    Assigned,
    Attempt,
    Backoff,
    Ended,
    Parked,
    Pending,
    Ready,
    Running,
    Settled,
    Task,
    Tried,
)

TRIED_BY_MAX: Final = 16
"""Sessions remembered as having tried; older ones are in the log."""
ARTIFACTS_MAX: Final = 64
"""Artifacts kept for who comes next; older ones are in the log."""


def attempted(
    task: Task,
    event: TaskClaimed | TaskStarted | TaskProgressed | TaskExtended | TaskAttemptEnded | LateReportDiscarded,
) -> Task:
    """The task after a step of an attempt."""
    match event:
        case TaskClaimed():
            return _claimed(task, event)
        case TaskStarted():
            return _started(task, event)
        case TaskProgressed():
            return _progressed(task, event)
        case TaskExtended():
            return _extended(task, event)
        case TaskAttemptEnded():
            return _attempt_ended(task, event)
        case LateReportDiscarded():
            return replace(task, discarded=task.discarded.set(f"{event.token}/{event.report}", True))
        case _:
            assert_never(event)


def settled(task: Task, event: TaskCompleted | TaskFailed | TaskCancelled) -> Task:
    """The task once it has settled."""
    match event:
        case TaskCompleted():
            phase = Settled("completed", Token(event.token), at=event.at)
            if task.plan.origin is not None:
                phase = Settled(
                    "completed", Token(event.token), summary=event.summary, output=event.output, at=event.at
                )
            spent = _spent(task, event.usage or _usage_of(task), event.at)
            return replace(
                task,
                phase=phase,
                artifacts=_joined(task.artifacts, event.artifacts),
                spent=spent.of_generation,
                spent_seconds=spent.seconds,
                used=spent.of_all,
            )
        case TaskFailed():
            return replace(task, phase=Settled("failed", at=event.at))
        case TaskCancelled():
            live = task.phase.attempt if isinstance(task.phase, Assigned | Running) else None
            gone = Settled("cancelled", at=event.at)
            if event.revoked_at is not None and live is not None:
                gone = replace(gone, leaving=live, revoked_at=event.revoked_at)
            return replace(task, phase=gone, settled_because=event.because)
        case _:
            assert_never(event)


def _claimed(task: Task, event: TaskClaimed) -> Task:
    attempt = Attempt(
        event.attempt,
        event.session,
        event.incarnation,
        Token(event.token),
        event.at,
        host=event.host,
        model=event.model,
    )
    others = tuple(session for session in task.tried_by if session != event.session)
    tried_by = (*others, event.session)[-TRIED_BY_MAX:]
    tokens = (*task.tokens, (attempt.token, event.session))[-TRIED_BY_MAX:]
    return replace(
        task,
        phase=Assigned(attempt),
        attempts=event.attempt,
        tried_by=tried_by,
        tokens=tokens,
        reserved_for=None,
        bids=Map(),
    )


def _started(task: Task, event: TaskStarted) -> Task:
    match task.phase:
        case Assigned(attempt):
            return replace(
                task, phase=Running(replace(attempt, started_at=event.at, stalls_at=event.stalls_at)), begun=True
            )
        case Pending() | Ready() | Running() | Backoff() | Parked() | Ended() | Settled():
            return task
        case _:
            assert_never(task.phase)


def _progressed(task: Task, event: TaskProgressed) -> Task:
    checkpoint = task.checkpoint if event.checkpoint is None else event.checkpoint
    if event.artifacts or event.usage is not None or checkpoint is not task.checkpoint:
        task = replace(task, checkpoint=checkpoint, artifacts=_joined(task.artifacts, event.artifacts))
    if isinstance(task.phase, Running) and event.stalls_at is not None:
        live = replace(task.phase.attempt, stalls_at=event.stalls_at, said=event.digest)
        task = replace(task, phase=Running(live))
    if event.usage is None:
        return task
    match task.phase:
        case Running(attempt):
            return replace(task, phase=Running(replace(attempt, usage=event.usage)))
        case Settled(leaving=Attempt() as attempt):
            return replace(task, phase=replace(task.phase, leaving=replace(attempt, usage=event.usage)))
        case Settled() | Pending() | Ready() | Assigned() | Backoff() | Parked() | Ended():
            return task
        case _:
            assert_never(task.phase)


def _extended(task: Task, event: TaskExtended) -> Task:
    if not isinstance(task.phase, Running):
        return task
    return replace(task, phase=Running(replace(task.phase.attempt, extended_seconds=event.seconds)))


def _attempt_ended(task: Task, event: TaskAttemptEnded) -> Task:
    given_back = event.kind == "released"
    attempt = _attempt_of(task)
    failed = task.failed
    if attempt is not None and event.kind not in ("released", "lost_delivery", "cancelled", "reassigned"):
        tried = Tried(attempt.session, attempt.host, attempt.model, event.kind)
        failed = (*failed, tried)[-TRIED_BY_MAX:]
    spent = _spent(task, event.usage or _usage_of(task), event.at)
    so = task.used_up.get(event.kind, 0) + 1
    return replace(
        task,
        spent=spent.of_generation,
        spent_seconds=spent.seconds,
        used=spent.of_all,
        phase=replace(task.phase, leaving=None, revoked_at=None) if isinstance(task.phase, Settled) else Ended(),
        consumed=task.consumed + event.consumed,
        used_up=task.used_up.set(event.kind, so) if event.consumed else task.used_up,
        lost=task.lost + (event.kind == "session_lost"),
        checkpoint=task.checkpoint if event.checkpoint is None else event.checkpoint,
        handover=event.reason if given_back else task.handover,
        failure=task.failure if given_back else event.reason,
        failed=failed,
        artifacts=_joined(task.artifacts, event.artifacts),
    )


def _attempt_of(task: Task) -> Attempt | None:
    match task.phase:
        case Assigned(attempt) | Running(attempt):
            return attempt
        case Settled(leaving=leaving):
            return leaving
        case Pending() | Ready() | Backoff() | Parked() | Ended():
            return None
        case _:
            assert_never(task.phase)


def _usage_of(task: Task) -> Usage:
    attempt = _attempt_of(task)
    return NOTHING_USED if attempt is None else attempt.usage


class _Spent(NamedTuple):
    """What a task has used once an attempt has ended."""

    of_generation: Usage
    seconds: float
    of_all: Usage


def _spent(task: Task, usage: Usage, at: Instant) -> _Spent:
    attempt = _attempt_of(task)
    seconds = 0.0 if attempt is None else (at - attempt.at) / SECOND
    return _Spent(added(task.spent, usage), task.spent_seconds + seconds, added(task.used, usage))


def _joined(before: tuple[Artifact, ...], new: tuple[Artifact, ...]) -> tuple[Artifact, ...]:
    if not new:
        return before
    names = {artifact.name for artifact in new}
    return (*(artifact for artifact in before if artifact.name not in names), *new)[-ARTIFACTS_MAX:]
