"""Says an event in one line of words."""

from typing import Final, assert_never

from domain.node.events import OutageEnded
from domain.principal.events import KeyIssued, KeyRevoked
from domain.project.events import ProjectCreated, ProjectFrozen, ProjectUnfrozen
from domain.refusal.events import CommandRefused
from domain.session.events import (
    SessionDrainBegun,
    SessionDrainEnded,
    SessionEnded,
    SessionLost,
    SessionOpened,
    SessionRecovered,
    SessionReparented,
    SessionStatusChanged,
    SessionSuspected,
)
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
from projections.timeline import lock_words
from projections.timeline.lock_words import LockEvent
from projections.timeline.session_words import SessionManner, manner_of

_Attempt = TaskClaimed | TaskStarted | TaskProgressed | TaskAttemptEnded | LateReportDiscarded
_Task = (
    TaskPlanned
    | TaskNeedSettled
    | TaskReadied
    | TaskCompleted
    | TaskBackedOff
    | TaskFailed
    | TaskParked
    | TaskCancelled
    | TaskRetried
)
_Session = SessionOpened | SessionSuspected | SessionRecovered | SessionLost | SessionEnded | SessionManner
_Rest = ProjectCreated | ProjectFrozen | ProjectUnfrozen | KeyIssued | KeyRevoked | OutageEnded | CommandRefused
TimelineEvent = _Attempt | _Task | _Session | LockEvent | _Rest

LINE_LENGTH_MAX: Final = 300
"""Characters; what is longer is cut with an ellipsis, the whole is in the event."""


def in_words(event: TimelineEvent) -> str:
    """One line, at most 300 characters."""
    line = " ".join(_line(event).split())
    return line if len(line) <= LINE_LENGTH_MAX else line[: LINE_LENGTH_MAX - 1] + "…"


def _line(event: TimelineEvent) -> str:
    if isinstance(event, LockEvent):
        return lock_words.in_words(event)
    match event:
        case TaskClaimed() | TaskStarted() | TaskProgressed() | TaskAttemptEnded() | LateReportDiscarded():
            return _attempt(event)
        case SessionOpened() | SessionSuspected() | SessionRecovered() | SessionLost() | SessionEnded():
            return _session(event)
        case SessionStatusChanged() | SessionDrainBegun() | SessionDrainEnded() | SessionReparented():
            return _session(event)
        case ProjectCreated() | ProjectFrozen() | ProjectUnfrozen():
            return _rest(event)
        case KeyIssued() | KeyRevoked() | OutageEnded() | CommandRefused():
            return _rest(event)
        case _:
            return _task(event)


def _attempt(event: _Attempt) -> str:
    match event:
        case TaskClaimed():
            return f"claimed by {event.session}, attempt {event.attempt}"
        case TaskStarted():
            return "started"
        case TaskProgressed():
            return _with("progress" if event.percent is None else f"{event.percent:g} %", event.note)
        case TaskAttemptEnded():
            return _with(f"attempt ended: {event.kind}", event.reason)
        case LateReportDiscarded():
            return f"late {event.report} under token {event.token} discarded"
        case _:
            assert_never(event)


def _task(event: _Task) -> str:
    match event:
        case TaskPlanned():
            return f"planned {event.key}: {event.title}"
        case TaskNeedSettled():
            return f"need {event.need} {event.outcome}" + ("" if event.satisfied else ", which does not satisfy it")
        case TaskReadied():
            return f"ready: {event.reason.replace('_', ' ')}"
        case TaskCompleted():
            return _with("completed", event.summary)
        case TaskBackedOff():
            return f"waits: {event.reason.replace('_', ' ')}"
        case TaskFailed():
            return _with("failed", event.reason)
        case TaskParked():
            return _with("parked for a person", event.reason)
        case TaskCancelled():
            return _with("cancelled", event.reason)
        case TaskRetried():
            return f"retried, generation {event.generation}"
        case _:
            assert_never(event)


def _session(event: _Session) -> str:
    match event:
        case SessionOpened():
            return _with(f"{event.tool} session opened on {event.host or 'an unnamed host'}", event.name)
        case SessionSuspected():
            return "a beat was missed"
        case SessionRecovered():
            return "heard again"
        case SessionLost():
            return "session lost"
        case SessionEnded():
            return "session ended"
        case SessionStatusChanged() | SessionDrainBegun() | SessionDrainEnded() | SessionReparented():
            return manner_of(event)
        case _:
            assert_never(event)


def _rest(event: _Rest) -> str:
    match event:
        case ProjectCreated():
            return f"project {event.name} created"
        case ProjectFrozen():
            return _with("project frozen", event.reason)
        case ProjectUnfrozen():
            return "project unfrozen"
        case KeyIssued():
            return f"key {event.name} issued to a {event.role}"
        case KeyRevoked():
            return "key revoked"
        case OutageEnded():
            return "an outage of ours ended; every lease has one TTL of grace"
        case CommandRefused():
            return _with(f"{event.command} refused: {event.code}", event.message)
        case _:
            assert_never(event)


def _with(what: str, detail: str) -> str:
    return f"{what}: {detail}" if detail else what
