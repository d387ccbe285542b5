"""Says an event of a run in one line of words."""

from typing import assert_never

from domain.run.events import (
    ConditionEvaluated,
    EffectRegistered,
    JoinFired,
    PhaseBlocked,
    PhaseDropped,
    PhaseInvalidated,
    PhaseOffered,
    PhaseParked,
    PhaseReady,
    PhaseReleased,
    PhaseRetried,
    PhaseSettled,
    PhaseSkipped,
    RunCancelRequested,
    RunFailing,
    RunPaused,
    RunQueued,
    RunResumed,
    RunReworked,
    RunSettled,
    RunStarted,
)
from domain.run.gate_events import (
    GateDecided,
    GateEscalated,
    GateEvidenceChanged,
    GateOpened,
    GateReminded,
    LateVote,
    PhaseWaiting,
    SignalReceived,
    SignalTaken,
    TimerSet,
    VoteCast,
    WaitingEvent,
)
from domain.run.loop_events import IterationSettled, IterationStarted, LoopEvent
from domain.run.map_events import MapExpanded
from domain.run.undo_events import (
    RunCompensated,
    RunCompensationStarted,
    RunHeld,
    RunRollbackRequested,
    UndoEvent,
    UndoFailed,
    UndoResolved,
    UndoStarted,
    UndoSucceeded,
)
from projections.timeline.linked_words import LinkedEvent, linked
from projections.timeline.task_words import with_detail

_Turn = RunStarted | RunPaused | RunResumed | RunFailing | RunCancelRequested | RunReworked | RunSettled
_Whole = RunQueued | _Turn
_Opening = JoinFired | ConditionEvaluated | PhaseReady | PhaseOffered | PhaseDropped | EffectRegistered
_Rest = PhaseInvalidated | PhaseRetried | PhaseParked | PhaseReleased | PhaseSkipped | PhaseBlocked | PhaseSettled
_OfGate = GateOpened | GateEvidenceChanged | VoteCast | LateVote | GateReminded | GateEscalated | GateDecided
_OfPlace = _OfGate | TimerSet | SignalTaken | PhaseWaiting
RunEvent = _Whole | _Opening | _Rest | WaitingEvent | MapExpanded | LoopEvent | UndoEvent | LinkedEvent


def in_words(event: RunEvent) -> str:
    """The line, of any length."""
    if isinstance(event, _Whole):
        return _whole(event)
    if isinstance(event, UndoEvent):
        return _undo(event)
    if isinstance(event, LinkedEvent):
        return linked(event)
    if isinstance(event, SignalReceived):
        return f"signal {event.name}"
    if isinstance(event, MapExpanded):
        return f"{event.place}{again(event.generation)}: {len(event.items)} items"
    if isinstance(event, LoopEvent):
        return f"{event.place}{again(event.generation)}: {_loop(event)}"
    if isinstance(event, WaitingEvent):
        return f"{event.place}{again(event.generation)}: {_waiting(event)}"
    return with_detail(event.place + again(event.generation), _phase(event))


def again(generation: int) -> str:
    """Nothing for the first generation, which most are."""
    return f" ({generation})" if generation > 1 else ""


def _whole(event: _Whole) -> str:
    match event:
        case RunQueued():
            return f"run of {event.pipeline}, version {event.version}, with {len(event.definition.phases)} phases"
        case RunStarted():
            return "run started"
        case RunPaused():
            return with_detail("run paused", event.reason)
        case RunResumed():
            return f"run resumed after {event.paused_seconds:.0f} s"
        case RunFailing():
            return f"run fails: {event.because} has failed"
        case RunCancelRequested():
            return with_detail("run to be cancelled", event.reason)
        case RunReworked():
            return with_detail(f"does {', '.join(event.phases)} anew", event.reason)
        case RunSettled():
            return with_detail(f"run {event.outcome}", ", ".join(event.because))
        case _:
            assert_never(event)


def _phase(event: _Opening | _Rest) -> str:
    match event:
        case JoinFired():
            after = ", ".join(one.place + again(one.generation) for one in event.satisfied_by)
            return f"begins after {after}" if after else "begins"
        case ConditionEvaluated():
            return f"{event.expression} is {event.result}" + (f": {event.detail}" if event.detail else "")
        case PhaseReady():
            return "ready"
        case PhaseOffered():
            return f"offered as {event.task}"
        case PhaseDropped():
            return f"not needed, {event.because} goes on without it"
        case EffectRegistered():
            return "may change the world from here on"
        case _:
            return _outcome(event)


def _loop(event: LoopEvent) -> str:
    match event:
        case IterationStarted():
            return f"iteration {event.iteration}"
        case IterationSettled():
            words = f"iteration {event.iteration} {event.outcome}" + (
                f", until is {event.until}" if event.until else ""
            )
            return with_detail(words, event.detail)
        case _:
            assert_never(event)


def _undo(event: UndoEvent) -> str:
    match event:
        case RunRollbackRequested():
            return with_detail("run to be rolled back", event.reason)
        case RunCompensated():
            return f"{event.rollback} taken back, goes on"
        case RunCompensationStarted():
            return f"effects are taken back: {', '.join(one.place for one in event.entries)}"
        case RunHeld():
            return f"held: {', '.join(event.behind)} was passed, so that a person decides what is taken back"
        case UndoStarted():
            return f"{event.place}{again(event.generation)}: taken back as {event.task}"
        case UndoSucceeded():
            return f"{event.place}{again(event.generation)}: taken back"
        case UndoFailed():
            return with_detail(f"{event.place}{again(event.generation)}: not taken back", event.reason)
        case UndoResolved():
            words = f"{event.place}{again(event.generation)}: undo {event.how.replace('_', ' ')}"
            return with_detail(words, event.reason)
        case _:
            assert_never(event)


def _waiting(event: _OfPlace) -> str:
    match event:
        case GateOpened():
            return f"asks: {event.question}"
        case GateEvidenceChanged():
            return f"its evidence changed, {len(event.voided)} votes are void"
        case VoteCast():
            return with_detail(f"{event.voter} votes {event.verdict.replace('_', ' ')}", event.comment)
        case LateVote():
            return f"{event.voter} votes {event.verdict.replace('_', ' ')}, too late"
        case GateReminded():
            return f"reminder {event.number}"
        case GateEscalated():
            return f"escalates to rung {event.rung}" + (f", tells {', '.join(event.notify)}" if event.notify else "")
        case GateDecided():
            words = f"{event.decision.replace('_', ' ')} by {event.how}"
            return with_detail(words, event.detail or event.comment)
        case TimerSet():
            return f"{event.kind} timer set"
        case SignalTaken():
            return f"takes the signal {event.name}"
        case PhaseWaiting():
            return f"waits for {event.what}"
        case _:
            assert_never(event)


def _outcome(event: _Rest) -> str:
    match event:
        case PhaseInvalidated():
            return f"done anew because of {event.because}"
        case PhaseRetried():
            return "tried once more"
        case PhaseParked():
            return with_detail("parked for a person", event.reason)
        case PhaseReleased():
            return "goes on"
        case PhaseSkipped():
            return with_detail("skipped", event.detail or event.reason.replace("_", " "))
        case PhaseBlocked():
            return f"blocked because of {', '.join(event.causes)}"
        case PhaseSettled():
            arm = f", takes {event.arm}" if event.arm else ""
            return with_detail(event.outcome + arm, event.reason or event.summary)
        case _:
            assert_never(event)
