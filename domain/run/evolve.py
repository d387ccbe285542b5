"""How a run's events fold into its state; nothing here refuses, whatever was stored."""

from functools import partial
from typing import Final, assert_never

from immutables import Map

from domain.kernel.change import replace
from domain.kernel.decider import Aggregate
from domain.kernel.erasure_events import ErasureEvent
from domain.kernel.ids import SECOND, Instant
from domain.kernel.pipeline.graph import key_at
from domain.run.account import evolved
from domain.run.budget_events import (
    BudgetEvent,
    RunBudgetAdjusted,
    RunBudgetNoticed,
    RunBudgetReserved,
    RunBudgetSettled,
)
from domain.run.child_events import ChildEvent, ChildStarted, LedgerAdopted, RunRolledBack
from domain.run.erasure import erasing
from domain.run.events import (
    ConditionEvaluated,
    Consumed,
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
from domain.run.evolve_children import of_child
from domain.run.evolve_gates import OfGate, voted
from domain.run.evolve_migrate import invalidated, migrated
from domain.run.evolve_needs import needing
from domain.run.evolve_remarks import remarked
from domain.run.evolve_undo import in_ledger, looked_for, rolling_back, undoing
from domain.run.fork_events import PhaseAdopted
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
from domain.run.migrate_events import RunMigrated
from domain.run.need_events import ExternalNeedRegistered, ExternalNeedResolved, NeedEvent, RunAwaited, UpstreamRevised
from domain.run.remark_events import RemarkEvent, RunAnnotated, RunAttentionDismissed
from domain.run.state import TERMINAL, Absent, GateState, PhaseState, PhaseStatus, Run, RunState
from domain.run.tallies import begun, tallied
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

_Whole = RunStarted | RunPaused | RunResumed | RunFailing | RunCancelRequested | RunReworked | RunSettled
_Awaiting = PhaseWaiting | TimerSet | GateOpened | OfGate
_Closing = PhaseSkipped | PhaseBlocked | PhaseSettled
_Turned = PhaseRetried | PhaseDropped
_Opening = JoinFired | ConditionEvaluated | PhaseReady | PhaseOffered | PhaseParked | PhaseReleased | _Turned
_Again = PhaseInvalidated | EffectRegistered
_Other = LoopEvent | UndoEvent | ChildEvent | NeedEvent | PhaseAdopted | RunMigrated | BudgetEvent | RemarkEvent
Following = _Whole | _Opening | _Again | _Closing | WaitingEvent | MapExpanded | _Other
"""What happens to a run that is there."""
RunEvent = RunQueued | Following


def evolve(state: RunState, event: RunEvent | ErasureEvent) -> RunState:
    """The run after the event."""
    if isinstance(event, RunQueued):
        return Run(queued=event)
    if isinstance(state, Absent):
        return state
    if isinstance(event, ErasureEvent):
        return erasing(state, event)
    return changed(state, event)


def changed(run: Run, event: Following) -> Run:
    """The same for a run that is there."""
    match event:
        # What happens to single phases is most of what happens, and a match looks at its cases one by one.
        case JoinFired() | ConditionEvaluated() | PhaseReady() | PhaseOffered():
            return _turned_to(run, event)
        case PhaseSettled() | PhaseSkipped() | PhaseBlocked():
            return _closed(run, event)
        case EffectRegistered() | RunRollbackRequested() | RunCompensationStarted() | RunHeld() | RunCompensated():
            return rolling_back(run, event)
        case (
            RunStarted()
            | RunPaused()
            | RunResumed()
            | RunFailing()
            | RunCancelRequested()
            | RunReworked()
            | RunSettled()
        ):
            return _whole(run, event)
        case SignalReceived() | SignalTaken() | RunAnnotated() | RunAttentionDismissed():
            return remarked(run, event) if isinstance(event, RemarkEvent) else _signalled(run, event)
        case MapExpanded() | IterationStarted() | IterationSettled():
            return _expanded(run, event) if isinstance(event, MapExpanded) else _iterated(run, event)
        case ExternalNeedRegistered() | ExternalNeedResolved() | UpstreamRevised() | RunAwaited():
            return needing(run, event)
        case ChildStarted() | RunRolledBack() | LedgerAdopted() | PhaseAdopted():
            return of_child(run, event)
        case UndoStarted() | UndoSucceeded() | UndoFailed() | UndoResolved():
            return undoing(run, event)
        case RunMigrated() | PhaseInvalidated():
            return migrated(run, event) if isinstance(event, RunMigrated) else invalidated(run, event)
        case RunBudgetReserved() | RunBudgetSettled() | RunBudgetNoticed() | RunBudgetAdjusted():
            return replace(run, account=evolved(run.account, event))
        case _:
            return _turned_to(run, event)


def _turned_to(run: Run, event: _Opening | _Awaiting) -> Run:
    """A phase that is open stands otherwise; or the effect that it had, which is older than what the phase does now."""
    if isinstance(event, TimerSet) and event.kind == "undo_pickup":
        return looked_for(run, event)
    phase = _opened(run.phase(event.place), event)
    phases, tallies = run.phases.set(event.place, phase), tallied(run, event.place, phase)
    tasks = run.tasks.set(event.task, event.place) if isinstance(event, PhaseOffered) else run.tasks
    return replace(run, phases=phases, tallies=tallies, tasks=tasks)


def _whole(run: Run, event: _Whole) -> Run:
    match event:
        case RunStarted():
            return replace(run, status="running")
        case RunPaused():
            return replace(run, status="paused", paused_from=run.status, paused_at=event.at, paused_by=event.by)
        case RunResumed():
            waiting = {place: _moved(one, event.paused_seconds) for place, one in run.phases.items() if one.timers}
            resumed = replace(run, status=run.paused_from, paused_at=None, phases=run.phases.update(waiting))
            return replace(resumed, moved_deadline=event.deadline or run.moved_deadline)
        case RunFailing():
            return replace(run, failing=event.because)
        case RunCancelRequested():
            told = replace(run, cancel_reason=event.reason, cancel_grace_seconds=event.grace_seconds)
            # Whoever ends a run that is held leaves its effects as they are, unless that is forced.
            left = bool(run.held) and not run.rollback_forced and event.leaves_effects
            return replace(told, status="cancelling", paused_at=None, left=left)
        case RunReworked():
            again = replace(_counted(run, event.gate), failing="", cancel_reason="", owed=(), because=())
            again = replace(again, rollback_requested=False, rollback_forced=False, settled_at=None)
            again = replace(again, held=(), left=False, moved_deadline=event.deadline or run.moved_deadline)
            return replace(again, status="running") if run.status in TERMINAL else again
        case RunSettled():
            ended = replace(run, status=event.outcome, because=event.because)
            return replace(ended, outputs=event.outputs, settled_at=event.at)
        case _:
            assert_never(event)


def _counted(run: Run, gate: str) -> Run:
    if not gate:
        return run
    key = key_at(gate)
    return replace(run, reworks=run.reworks.set(key, run.reworks.get(key, 0) + 1))


def _closed(run: Run, event: _Closing) -> Run:
    number = run.settled_total + 1
    closed = partial(replace, run.phase(event.place), settled_as=number, settled_at=event.at)
    match event:
        case PhaseSkipped():
            why = event.detail or event.reason.replace("_", " ")
            after = closed(status="skipped", reason=why, arm=event.arm)
        case PhaseBlocked():
            after = closed(status="blocked", reason=f"because of {', '.join(event.causes)}")
        case PhaseSettled():
            said = partial(closed, summary=event.summary, output=event.output, arm=event.arm, resolved_by=event.by)
            after = said(status=event.outcome, reason=event.reason)
        case _:
            assert_never(event)
    phases, tallies = run.phases.set(event.place, after), tallied(run, event.place, after)
    ledger = in_ledger(run, event.place, event.generation, after)
    return replace(run, phases=phases, tallies=tallies, ledger=ledger, settled_total=number)


def _expanded(run: Run, event: MapExpanded) -> Run:
    """Items of an earlier generation that have the same place begin anew."""
    phase = replace(_having_read(run.phase(event.place), event.reads), status="waiting", reason="", items=event.items)
    fresh = PhaseState(generation=event.generation)
    items = {item.place: fresh for item in event.items}
    return begun(replace(run, phases=run.phases.update({event.place: phase, **items})), event)


def _iterated(run: Run, event: LoopEvent) -> Run:
    """Phases of an earlier generation that have the same place begin anew, behind all generations that they had."""
    phase = run.phase(event.place)
    if isinstance(event, IterationSettled):
        return replace(run, phases=run.phases.set(event.place, _having_read(phase, event.reads)))
    places = tuple(one.place for one in event.phases)
    turned = replace(phase, status="waiting", reason="", iteration=event.iteration, inside=places)
    fresh = {one: PhaseState(generation=run.next_generation(one, event.generation)) for one in places}
    return replace(run, phases=run.phases.update({event.place: turned, **fresh}))


def _signalled(run: Run, event: SignalReceived | SignalTaken) -> Run:
    waiting = run.signals.get(event.name, ())
    if isinstance(event, SignalReceived):
        return replace(run, signals=run.signals.set(event.name, (*waiting, event.content)))
    rest = (*waiting[: event.index], *waiting[event.index + 1 :])
    if rest:
        return replace(run, signals=run.signals.set(event.name, rest))
    return replace(run, signals=run.signals.delete(event.name)) if waiting else run


def _opened(phase: PhaseState, event: _Opening | _Awaiting) -> PhaseState:
    match event:
        case JoinFired():
            return replace(phase, status="fired", consumed=event.satisfied_by, fired_at=event.at)
        case ConditionEvaluated():
            return _having_read(phase, event.reads)
        case PhaseReady():
            return replace(_having_read(phase, event.reads), status="ready", reason="", input=event.input)
        case PhaseOffered():
            return replace(phase, status="offered", task=event.task, offered_at=event.at)
        case PhaseWaiting():
            return replace(_having_read(phase, event.reads), status="waiting", reason=event.what)
        case TimerSet():
            return replace(phase, timers=phase.timers.set(event.kind, event.due))
        case GateOpened():
            gate = GateState(event, event.at)
            return replace(_having_read(phase, event.reads), status="waiting", reason="", gate=gate)
        case GateEvidenceChanged() | VoteCast() | LateVote() | GateReminded() | GateEscalated() | GateDecided():
            return phase if phase.gate is None else replace(phase, gate=voted(phase.gate, event))
        case PhaseParked():
            return replace(phase, status="parked", reason=event.reason, parked_for=event.kind)
        case PhaseReleased():
            before: PhaseStatus = "ready" if phase.parked_for == "budget" else "fired"
            begun: PhaseStatus = "waiting" if phase.child else "offered" if phase.task else before
            return replace(phase, status=begun, reason="", offered_at=event.at if phase.task else None)
        case _:
            return _turned(phase, event)


def _turned(phase: PhaseState, event: _Turned) -> PhaseState:
    match event:
        case PhaseRetried():
            opened = replace(phase, status="offered", reason="", arm="", summary="", output="")
            return replace(opened, settled_as=0, offered_at=event.at)
        case PhaseDropped():
            return replace(phase, dropped=event.because)
        case _:
            assert_never(event)


def _moved(phase: PhaseState, seconds: float) -> PhaseState:
    """What it waits for comes later by the length of a pause."""
    more = int(seconds * SECOND)
    timers = Map((kind, Instant(due + more)) for kind, due in phase.timers.items())
    gate, since = phase.gate, phase.offered_at
    moved = None if gate is None else replace(gate, begun_at=Instant(gate.begun_at + more))
    return replace(phase, timers=timers, gate=moved, offered_at=None if since is None else Instant(since + more))


def _having_read(phase: PhaseState, reads: tuple[Consumed, ...]) -> PhaseState:
    if not reads:
        return phase
    known = {one.place for one in phase.consumed}
    return replace(phase, consumed=(*phase.consumed, *(one for one in reads if one.place not in known)))


RUN: Final[Aggregate[RunState]] = Aggregate(
    prefix="run", initial=Absent(), evolve=evolve, state_type=RunState, snapshot_every=200, snapshot_version=3
)
