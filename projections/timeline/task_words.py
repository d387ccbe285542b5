"""Says an event of a task in one line of words."""

from collections.abc import Callable
from typing import Any, Final, assert_never

from domain.kernel.erasure_events import SubjectErased, SubjectErasureAsked
from domain.task.events import (
    LateReportDiscarded,
    TaskAttemptEnded,
    TaskAttentionCleared,
    TaskAttentionRaised,
    TaskBackedOff,
    TaskCancelled,
    TaskClaimed,
    TaskCompleted,
    TaskFailed,
    TaskHeldBack,
    TaskNeedReopened,
    TaskNeedSettled,
    TaskParked,
    TaskPartAdded,
    TaskPartSettled,
    TaskPlanned,
    TaskProgressed,
    TaskReadied,
    TaskReassigned,
    TaskRetried,
    TaskStarted,
)
from domain.task.holder_events import TaskBid, TaskExtended

_Attempt = TaskClaimed | TaskStarted | TaskProgressed | TaskExtended | TaskAttemptEnded | LateReportDiscarded
_Settled = TaskCompleted | TaskFailed | TaskCancelled | TaskParked
_Waiting = TaskPlanned | TaskReadied | TaskBackedOff | TaskRetried | TaskReassigned | TaskHeldBack
_Related = TaskNeedSettled | TaskNeedReopened | TaskPartAdded | TaskPartSettled
_Aside = TaskAttentionRaised | TaskAttentionCleared | SubjectErasureAsked | SubjectErased | TaskBid
TaskEvent = _Attempt | _Settled | _Waiting | _Related | _Aside


def _aside(event: _Aside) -> str:
    match event:
        case TaskBid():
            bid = event.bid
            return f"{event.session} bids {bid.cost_microdollars} micro-dollars, {bid.confidence_percent} % sure"
        case TaskAttentionRaised():
            return with_detail(f"needs a person: {event.topic}", event.reason)
        case TaskAttentionCleared():
            return f"no longer needs a person: {event.topic}" + (f", seen by {event.by}" if event.by else "")
        case SubjectErasureAsked():
            return with_detail("its words are to be erased", event.reason)
        case SubjectErased():
            return with_detail("its words were erased", event.reason)
        case _:
            assert_never(event)


def with_detail(what: str, detail: str) -> str:
    """Both, where there is a detail."""
    return f"{what}: {detail}" if detail else what


def _attempt(event: _Attempt) -> str:
    match event:
        case TaskClaimed():
            return f"claimed by {event.session}, attempt {event.attempt}"
        case TaskStarted():
            return "started"
        case TaskExtended():
            return f"takes {event.seconds:g} s longer"
        case TaskProgressed():
            return with_detail("progress" if event.percent is None else f"{event.percent:g} %", event.note)
        case TaskAttemptEnded():
            return with_detail(f"attempt ended: {event.kind}", event.reason)
        case LateReportDiscarded():
            return f"late {event.report} under token {event.token} discarded"
        case _:
            assert_never(event)


def _settled(event: _Settled) -> str:
    match event:
        case TaskCompleted():
            return with_detail("completed", event.summary)
        case TaskFailed():
            return with_detail("failed", event.reason)
        case TaskParked():
            return with_detail("parked for a person", event.reason)
        case TaskCancelled():
            return with_detail("cancelled", event.reason)
        case _:
            assert_never(event)


def _waiting(event: _Waiting) -> str:
    match event:
        case TaskPlanned():
            return f"planned {event.key}: {event.title}"
        case TaskReadied():
            return f"ready: {event.reason.replace('_', ' ')}"
        case TaskBackedOff():
            return f"waits: {event.reason.replace('_', ' ')}"
        case TaskRetried():
            return f"retried, generation {event.generation}"
        case TaskReassigned():
            return with_detail(f"reassigned to {event.session or 'whoever comes'}", event.reason)
        case TaskHeldBack():
            return "waits for its parts"
        case _:
            assert_never(event)


def _related(event: _Related) -> str:
    match event:
        case TaskNeedSettled():
            answer = (
                "" if event.satisfied else ", goes on without it" if event.waived else ", which does not satisfy it"
            )
            return f"need {event.need} {event.outcome}{answer}"
        case TaskNeedReopened():
            return f"{'part' if event.part else 'need'} {event.need} begins anew"
        case TaskPartAdded():
            return f"has the part {event.key}"
        case TaskPartSettled():
            return f"part {event.part} {event.outcome}"
        case _:
            assert_never(event)


SPEAKERS: Final[tuple[tuple[Any, Callable[[Any], str]], ...]] = (
    (_Attempt, _attempt),
    (_Settled, _settled),
    (_Waiting, _waiting),
    (_Related, _related),
    (_Aside, _aside),
)
"""Who says the events of each of these unions, in a line of any length."""
