"""How the events of a run become its row on the list."""

from typing import Final, assert_never, cast, get_args

from domain.kernel.decider import Recorded
from domain.run.budget_events import BudgetEvent
from domain.run.child_events import ChildEvent, RunRolledBack
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
from domain.run.fork_events import PhaseAdopted
from domain.run.gate_events import WaitingEvent
from domain.run.migrate_events import RunMigrated
from domain.run.need_events import NeedEvent
from domain.run.remark_events import RemarkEvent, RunAnnotated
from domain.run.undo_events import RunCompensated, RunCompensationStarted, RunHeld, UndoEvent
from projections.kernel.projection import Projection, worded
from projections.kernel.rows import entries, json_text, texts
from projections.pipeline_runs.account import accounted, bounds_text
from projections.pipeline_runs.rows import PipelineRunRow

_Whole = RunStarted | RunPaused | RunResumed | RunFailing | RunCancelRequested | RunReworked | RunSettled
_Step = JoinFired | ConditionEvaluated | PhaseReady | PhaseOffered | PhaseDropped | EffectRegistered
_Settled = PhaseSettled | PhaseAdopted
_Counted = PhaseInvalidated | PhaseRetried | PhaseParked | PhaseReleased | PhaseSkipped | PhaseBlocked | _Settled
_Other = WaitingEvent | UndoEvent | ChildEvent | NeedEvent | RunMigrated | RemarkEvent
ANNOTATIONS_SHOWN: Final = 8
PipelineRunEvent = RunQueued | _Whole | _Step | _Counted | _Other | BudgetEvent


def keys(recorded: Recorded) -> tuple[str, ...]:
    """The run is its stream."""
    return (recorded.stream,)


def evolve(row: PipelineRunRow | None, recorded: Recorded, key: str) -> PipelineRunRow | None:
    """The row after the event."""
    event = cast(PipelineRunEvent, recorded.event)
    if isinstance(event, RunQueued):
        return row or _queued(event, recorded, key)
    if row is None:
        return None
    if isinstance(event, BudgetEvent):
        after = accounted(row, event)
    else:
        after = _annotated(row, event) if isinstance(event, RunAnnotated) else _after(row, event)
    return after._replace(changed_at=event.at, revision=recorded.version)


def _queued(event: RunQueued, recorded: Recorded, key: str) -> PipelineRunRow:
    return PipelineRunRow(
        key=key,
        project=recorded.project,
        begun_position=recorded.position,
        pipeline=event.pipeline,
        version=event.version,
        digest=event.digest,
        status="queued",
        paused_from="queued",
        rollback="",
        reason="",
        parent=None if event.parent is None else event.parent.run,
        parent_place="" if event.parent is None else event.parent.place,
        forked_from=event.forked_from or None,
        rolls_back=event.rolls_back or None,
        rolled_back_by=None,
        outputs="",
        untold="[]",
        because="[]",
        inputs=event.inputs,
        labels=json_text(list(event.labels)),
        priority=event.priority,
        correlation_key=event.correlation_key,
        concurrency_key="" if event.concurrency is None else event.concurrency.key,
        concurrency_limit=None if event.concurrency is None else event.concurrency.limit,
        budget=bounds_text(event.budget.hard),
        spent="{}",
        reserved="{}",
        shares="{}",
        annotations="[]",
        annotations_total=0,
        started_by=event.by,
        phases_total=len(event.definition.phases),
        phases_settled=0,
        settled="[]",
        parked="[]",
        queued_at=event.at,
        started_at=None,
        settled_at=None,
        changed_at=event.at,
        revision=recorded.version,
    )


def _after(row: PipelineRunRow, event: _Whole | _Step | _Counted | _Other) -> PipelineRunRow:
    match event:
        case (
            RunStarted()
            | RunPaused()
            | RunResumed()
            | RunFailing()
            | RunCancelRequested()
            | RunReworked()
            | RunSettled()
        ):
            return _whole(row, event)
        case RunCompensated():
            return row._replace(status="running")
        case RunCompensationStarted():
            return row._replace(status="compensating")
        case RunMigrated():
            return _migrated(row, event)
        case RunRolledBack():
            return row._replace(rolled_back_by=event.rollback)
        case RunHeld():
            return row._replace(
                reason=f"held behind {', '.join(event.behind)}, until a person decides what is taken back"
            )
        case PhaseInvalidated():
            return _with_settled(_let_go(row, event.place, *event.gone), {*texts(row.settled)} - {event.place})
        case PhaseRetried():
            return _with_settled(_let_go(row, event.place), {*texts(row.settled)} - {event.place})
        case PhaseParked():
            return row._replace(parked=json_text(sorted({*texts(row.parked), event.place})))
        case PhaseReleased():
            return _let_go(row, event.place)
        case PhaseSkipped() | PhaseBlocked() | PhaseSettled() | PhaseAdopted():
            let_go = _let_go(row, event.place)
            is_item = "/" in event.place  # a phase may have thousands: they are shown below it
            return let_go if is_item else _with_settled(let_go, {*texts(row.settled), event.place})
        case _:
            return row


def _annotated(row: PipelineRunRow, event: RunAnnotated) -> PipelineRunRow:
    said = {"place": event.place, "text": event.text, "by": event.by, "at": event.at}
    kept = json_text([*entries(row.annotations), said][-ANNOTATIONS_SHOWN:])
    return row._replace(annotations=kept, annotations_total=row.annotations_total + 1)


def _migrated(row: PipelineRunRow, event: RunMigrated) -> PipelineRunRow:
    """By another version: phases under their keys from here on, without those that it does not have."""
    names = {one.before: one.place for one in event.moved}
    there = {phase.key for phase in event.definition.phases}
    settled = {key for key in (names.get(one, one) for one in texts(row.settled)) if key in there}
    gone = tuple(one for one in texts(row.parked) if one.partition("/")[0] not in there)
    said = _let_go(row, *gone)._replace(version=event.version, digest=event.digest, inputs=event.inputs)
    return _with_settled(said._replace(phases_total=len(event.definition.phases)), settled)


def _with_settled(row: PipelineRunRow, places: set[str]) -> PipelineRunRow:
    return row._replace(settled=json_text(sorted(places)), phases_settled=len(places))


def _let_go(row: PipelineRunRow, *places: str) -> PipelineRunRow:
    return row if row.parked == "[]" else row._replace(parked=json_text(sorted({*texts(row.parked)} - {*places})))


def _whole(row: PipelineRunRow, event: _Whole) -> PipelineRunRow:
    match event:
        case RunStarted():
            return row._replace(status="running", started_at=event.at)
        case RunPaused():
            return row._replace(status="paused", paused_from=row.status, reason=event.reason)
        case RunResumed():
            return row._replace(status=row.paused_from, reason="")
        case RunFailing():
            return row._replace(reason=f"{event.because} has failed")
        case RunCancelRequested():
            return row._replace(status="cancelling", reason=event.reason)
        case RunReworked():
            again = row._replace(reason="", because="[]", rollback="", settled_at=None)
            return again._replace(status="running") if row.settled_at is not None else again
        case RunSettled():
            ended = row._replace(status=event.outcome, rollback=event.rollback, settled_at=event.at)
            said = ended._replace(outputs=event.outputs, untold=json_text(list(event.untold)))
            return said._replace(because=json_text(list(event.because)))
        case _:
            assert_never(event)


PIPELINE_RUNS: Final = Projection(
    name="pipeline_runs",
    version=7,
    row=PipelineRunRow,
    handles=frozenset(get_args(PipelineRunEvent)),
    begins=frozenset({RunQueued}),
    keys=keys,
    evolve=evolve,
    begun="begun_position",
    words=worded(reason="text", inputs="json", outputs="json", untold="list", annotations="list"),
    indexes=(
        ("project", "begun_position"),
        ("project", "status", "begun_position"),
        ("project", "pipeline", "begun_position"),
        ("parent", "begun_position"),
    ),
    past_indexes=(("project", "begun_position"),),
)
