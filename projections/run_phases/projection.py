"""How the events of a run become the rows of its phases."""

from typing import Final, assert_never, cast, get_args

from domain.kernel.decider import Recorded
from domain.run.child_events import ChildStarted, LedgerAdopted
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
    RunQueued,
)
from domain.run.fork_events import PhaseAdopted
from domain.run.gate_events import GateOpened, PhaseWaiting
from domain.run.loop_events import IterationSettled, IterationStarted, LoopEvent
from domain.run.map_events import MapExpanded
from domain.run.migrate_events import RunMigrated
from domain.run.need_events import ExternalNeedRegistered, UpstreamRevised
from domain.run.undo_events import UndoFailed, UndoResolved, UndoStarted, UndoSucceeded
from projections.kernel.projection import Projection, worded
from projections.run_phases.begun import adopted, begun, consumed_with, expanded, iterated, migrated
from projections.run_phases.rows import PhaseStatus, RunPhaseRow

_Undo = UndoStarted | UndoSucceeded | UndoFailed | UndoResolved
_Again = PhaseInvalidated | PhaseRetried
_Opening = JoinFired | ConditionEvaluated | PhaseReady | PhaseOffered | PhaseDropped | EffectRegistered | ChildStarted
_Waiting = PhaseParked | PhaseReleased | PhaseWaiting | GateOpened | ExternalNeedRegistered | UpstreamRevised
_Closing = PhaseSkipped | PhaseBlocked | PhaseSettled | PhaseAdopted
_Beginning = RunQueued | RunMigrated | MapExpanded | LoopEvent | LedgerAdopted
RunPhaseEvent = _Beginning | _Undo | _Again | _Opening | _Waiting | _Closing
_UNDO_FAILED: Final = "undo failed: "
_AND: Final = " · "


def keys(recorded: Recorded) -> tuple[str, ...]:
    """Every phase of a run that begins; else the one that the event speaks of."""
    event = cast(RunPhaseEvent, recorded.event)
    if isinstance(event, RunQueued):
        if event.rolls_back:
            return ()  # it goes through no phase: what it takes back is told with the ledger
        return tuple(f"{recorded.stream}/{phase.key}" for phase in event.definition.phases)
    if isinstance(event, RunMigrated):
        there = (phase.key for phase in event.definition.phases)
        places = (*there, *(one.before for one in event.moved), *event.dropped)
        return tuple(f"{recorded.stream}/{place}" for place in places)
    if isinstance(event, MapExpanded):
        return tuple(f"{recorded.stream}/{place}" for place in (event.place, *(item.place for item in event.items)))
    if isinstance(event, IterationStarted):
        return tuple(f"{recorded.stream}/{place}" for place in (event.place, *(one.place for one in event.phases)))
    if isinstance(event, LedgerAdopted):
        return tuple(dict.fromkeys(f"{recorded.stream}/{one.place}" for one in event.entries))
    if isinstance(event, PhaseInvalidated):
        return tuple(f"{recorded.stream}/{place}" for place in (event.place, *event.gone))
    return (f"{recorded.stream}/{event.place}",)


def evolve(row: RunPhaseRow | None, recorded: Recorded, key: str) -> RunPhaseRow | None:
    """The row after the event."""
    event = cast(RunPhaseEvent, recorded.event)
    if isinstance(event, RunQueued):
        return row or begun(event.definition, event.at, recorded, key)
    if isinstance(event, RunMigrated):
        return migrated(row, event, recorded, key)
    if isinstance(event, MapExpanded):
        return expanded(row, event, recorded, key)
    if isinstance(event, IterationStarted):
        return iterated(row, event, recorded, key)
    if isinstance(event, LedgerAdopted):
        return adopted(event, recorded, key)
    if row is None:
        return None
    if isinstance(event, IterationSettled):
        return row._replace(consumed=consumed_with(row.consumed, event.reads), changed_at=event.at)
    if isinstance(event, _Undo):
        # An undo of a former generation is told in the timeline only.
        return row if event.generation != row.generation else _undone(row, event)._replace(changed_at=event.at)
    if isinstance(event, PhaseInvalidated):
        if row.place != event.place:
            return None
        fresh = row._replace(
            status="pending", task=None, child=None, reason="", arm="", input="", output="", summary=""
        )
        again = fresh._replace(consumed="[]", effect=False, undo="", undo_task=None, ready_at=None, settled_at=None)
        return again._replace(generation=event.generation + 1, changed_at=event.at)
    if isinstance(event, PhaseRetried):
        return row._replace(status="offered", reason="", settled_at=None, changed_at=event.at)
    after = _closed(row, event) if isinstance(event, _Closing) else _opened(row, event)
    return after._replace(generation=event.generation, changed_at=event.at)


def _opened(row: RunPhaseRow, event: _Opening | _Waiting) -> RunPhaseRow:
    match event:
        case JoinFired():
            return row._replace(consumed=consumed_with(row.consumed, event.satisfied_by))
        case ConditionEvaluated():
            return row._replace(consumed=consumed_with(row.consumed, event.reads))
        case PhaseReady():
            read = row._replace(consumed=consumed_with(row.consumed, event.reads), input=event.input)
            return read._replace(status="ready", reason="", ready_at=event.at)
        case PhaseOffered():
            return row._replace(status="offered", task=event.task)
        case ChildStarted():
            return row._replace(status="waiting", reason="", child=event.child)
        case PhaseDropped():
            return row._replace(reason=f"{event.because} goes on without it")
        case EffectRegistered():
            return row._replace(effect=True)
        case _:
            return _waited(row, event)


def _waited(row: RunPhaseRow, event: _Waiting) -> RunPhaseRow:
    match event:
        case PhaseParked():
            return row._replace(status="parked", reason=event.reason)
        case PhaseWaiting():
            read = row._replace(consumed=consumed_with(row.consumed, event.reads))
            return read._replace(status="waiting", reason=event.what)
        case GateOpened():
            read = row._replace(consumed=consumed_with(row.consumed, event.reads))
            return read._replace(status="waiting", reason=event.question)
        case ExternalNeedRegistered():
            return row._replace(status="waiting", reason=event.what)
        case UpstreamRevised():
            return row._replace(reason=f"{event.source} was {event.how.replace('_', ' ')} since")
        case PhaseReleased():
            begun: PhaseStatus = "waiting" if row.child else "offered" if row.task else "pending"
            return row._replace(status=begun, reason="")
        case _:
            assert_never(event)


def _undone(row: RunPhaseRow, event: _Undo) -> RunPhaseRow:
    match event:
        case UndoStarted():
            return row._replace(undo="undoing", undo_task=event.task, reason=_own_reason(row))
        case UndoSucceeded():
            return row._replace(undo="undone")
        case UndoFailed():
            both = filter(None, (_own_reason(row), f"{_UNDO_FAILED}{event.reason}"))
            return row._replace(undo="failed", reason=_AND.join(both))
        case UndoResolved():
            return row._replace(undo="undone" if event.how == "done" else "left" if event.how == "skipped" else "")
        case _:
            assert_never(event)


def _own_reason(row: RunPhaseRow) -> str:
    """Why the phase itself stands as it does, without why its undo has failed."""
    if not row.undo:
        return row.reason
    return "" if row.reason.startswith(_UNDO_FAILED) else row.reason.partition(f"{_AND}{_UNDO_FAILED}")[0]


def _closed(row: RunPhaseRow, event: _Closing) -> RunPhaseRow:
    match event:
        case PhaseSkipped():
            return _as(row, event, "skipped", event.detail or event.reason.replace("_", " "))._replace(arm=event.arm)
        case PhaseBlocked():
            return _as(row, event, "blocked", f"because of {', '.join(event.causes)}")
        case PhaseSettled():
            said = row._replace(arm=event.arm, output=event.output, summary=event.summary)
            return _as(said, event, event.outcome, event.reason)
        case PhaseAdopted():
            said = row._replace(arm=event.arm, input=event.input, output=event.output, summary=event.summary)
            taken = said._replace(consumed=consumed_with("[]", event.consumed))
            return _as(taken, event, event.outcome, event.reason or f"taken over of {event.run}")
        case _:
            assert_never(event)


def _as(row: RunPhaseRow, event: _Closing, status: PhaseStatus, reason: str) -> RunPhaseRow:
    return row._replace(status=status, reason=reason, settled_at=event.at)


RUN_PHASES: Final = Projection(
    name="run_phases",
    version=4,
    row=RunPhaseRow,
    handles=frozenset(get_args(RunPhaseEvent)),
    begins=frozenset({RunQueued, RunMigrated, MapExpanded, IterationStarted, LedgerAdopted}),
    keys=keys,
    evolve=evolve,
    words=worded(reason="text", input="json", output="json", summary="text"),
    indexes=(("run", "position", "key"), ("project", "status", "key"), ("status", "key"), ("task",)),
    past_indexes=(("run", "position", "key"),),
)
