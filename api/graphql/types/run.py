"""Runs of pipelines and their phases, as they are shown."""

import json
from enum import Enum
from typing import Annotated

import strawberry
from strawberry.scalars import JSON

from api.graphql.asking import Asking
from api.graphql.context import Context
from api.graphql.types.task import Task, load_task
from domain.kernel.ids import Instant, Position
from projections.kernel.rows import entries, texts
from projections.pipeline_runs.rows import PipelineRunRow
from projections.run_phases.rows import RunPhaseRow


@strawberry.enum
class RunStatus(Enum):
    """Where a run stands."""

    QUEUED = "queued"
    RUNNING = "running"
    PAUSED = "paused"
    CANCELLING = "cancelling"
    COMPENSATING = "compensating"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


@strawberry.enum
class PhaseStatus(Enum):
    """Where a phase stands; of one that is OFFERED its task tells more."""

    PENDING = "pending"
    READY = "ready"
    OFFERED = "offered"
    WAITING = "waiting"
    PARKED = "parked"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    SKIPPED = "skipped"
    BLOCKED = "blocked"
    CANCELLED = "cancelled"


@strawberry.type
class Consumed:
    """What a phase took when it began: of another phase, in which of its generations."""

    place: str
    generation: int


@strawberry.type
class RunPhase:
    """A phase of a run in its current generation."""

    id: strawberry.ID
    run_id: str
    place: str = strawberry.field(description="Its key in the definition.")
    kind: str
    title: str
    number: int = strawberry.field(description="Its place in the order of the definition, from 1.")
    needs: list[str] = strawberry.field(description="Keys of the phases that it comes after.")
    status: PhaseStatus
    generation: int
    task_id: str | None = strawberry.field(description="What its work is done as.")
    child_id: str | None = strawberry.field(description="Run that does its work.")
    reason: str
    arm: str = strawberry.field(description="That it took; empty for none.")
    input: JSON | None = strawberry.field(description="What it hands to its work.")
    output: JSON | None = strawberry.field(description="What came of it.")
    summary: str
    consumed: list[Consumed]
    effect: bool = strawberry.field(description="Whether it may have changed the world.")
    undo: str = strawberry.field(description="undoing, undone, failed or left; empty where nothing was taken back.")
    undo_task_id: str | None
    ready_at: Instant | None
    settled_at: Instant | None
    changed_at: Instant
    as_of: strawberry.Private[int]

    @strawberry.field
    async def task(self, info: Asking) -> Task | None:
        """Its work, with attempts, holder and progress."""
        return None if self.task_id is None else await load_task(info.context, self.task_id, self.as_of)


@strawberry.type
class RunAnnotation:
    """A remark on a run, or on one of its phases."""

    place: str = strawberry.field(description="The phase; empty for the run as a whole.")
    text: str
    by: str
    at: Instant


@strawberry.type
class Run:
    """A run of a pipeline as it stands."""

    id: strawberry.ID
    project_id: str
    pipeline: str
    version: int
    digest: str = strawberry.field(description="Of the definition that it keeps to, whatever is published later.")
    status: RunStatus
    rollback: str = strawberry.field(description="none, complete or partial once it has ended; empty before.")
    reason: str
    because: list[str] = strawberry.field(description="Phases for whose sake it failed.")
    inputs: JSON | None
    outputs: JSON | None = strawberry.field(description="What it said when it succeeded.")
    untold: list[str] = strawberry.field(description="Outputs that could not be told, each with the reason.")
    parent_id: str | None = strawberry.field(description="Run that began it.")
    parent_place: str = strawberry.field(description="Of the phase whose work it does.")
    forked_from_id: str | None = strawberry.field(description="Run of which it took over what still holds.")
    rolls_back_id: str | None = strawberry.field(description="Run whose effects it takes back.")
    rolled_back_by_id: str | None = strawberry.field(description="Run that takes back, or took back, what it did.")
    labels: list[str]
    priority: int
    correlation_key: str
    concurrency_key: str = strawberry.field(description="Under which it has or waits for its turn; empty for none.")
    concurrency_limit: int | None = strawberry.field(description="Runs at a time under that key.")
    budget: JSON | None = strawberry.field(description="What it may spend, by unit; null where that is not bounded.")
    spent: JSON | None = strawberry.field(description="What was spent of its budget, that of runs inside included.")
    reserved: JSON | None = strawberry.field(description="What is set aside of its budget for work under way.")
    annotations: list[RunAnnotation] = strawberry.field(description="The latest remarks, 8 at most.")
    annotations_total: int
    started_by: str
    phases_total: int
    phases_settled: int
    settled: list[str] = strawberry.field(description="Phases that have settled.")
    parked: list[str] = strawberry.field(description="Phases that a person has to look at.")
    queued_at: Instant
    started_at: Instant | None
    settled_at: Instant | None
    changed_at: Instant
    revision: int = strawberry.field(description="What `expectedRevision` of its verbs is compared with.")
    as_of: strawberry.Private[int]

    @strawberry.field
    async def phases(self, info: Asking) -> list[RunPhase]:
        """Its phases in the order of the definition."""
        rows = await info.context.loaders.phases.load((self.as_of, self.id))
        return [phase_of(row, self.as_of) for row in rows]


@strawberry.type
class RunFound:
    """One run, or null where there is none that the caller may see."""

    run: Run | None
    position: Position
    stale: bool


@strawberry.type
class RunChange:
    """A run that changed."""

    position: Position
    id: strawberry.ID
    run: Run | None


@strawberry.input
class RunFilter:
    """Which runs; what is not given is not asked."""

    project: str | None = strawberry.field(default=None, description="Slug or id.")
    status: list[RunStatus] | None = None
    pipeline: str | None = None
    correlation_key: str | None = None
    parent: str | None = strawberry.field(default=None, description="Only runs that this one began.")
    id_suffix: str | None = strawberry.field(
        default=None, description="The last characters of the id, four at least; of 20 runs at most."
    )


RunId = Annotated[strawberry.ID, strawberry.argument(name="id")]


def run_of(row: PipelineRunRow, as_of: int) -> Run:
    """A row as it is shown."""
    return Run(
        id=strawberry.ID(row.key),
        project_id=row.project,
        pipeline=row.pipeline,
        version=row.version,
        digest=row.digest,
        status=RunStatus(row.status),
        rollback=row.rollback,
        reason=row.reason,
        because=texts(row.because),
        inputs=_json(row.inputs),
        outputs=_json(row.outputs),
        untold=texts(row.untold),
        parent_id=row.parent,
        parent_place=row.parent_place,
        forked_from_id=row.forked_from,
        rolls_back_id=row.rolls_back,
        rolled_back_by_id=row.rolled_back_by,
        labels=texts(row.labels),
        priority=row.priority,
        correlation_key=row.correlation_key,
        concurrency_key=row.concurrency_key,
        concurrency_limit=row.concurrency_limit,
        budget=_json(row.budget),
        spent=_json(row.spent),
        reserved=_json(row.reserved),
        annotations=[RunAnnotation(**one) for one in entries(row.annotations)],
        annotations_total=row.annotations_total,
        started_by=row.started_by,
        phases_total=row.phases_total,
        phases_settled=row.phases_settled,
        settled=texts(row.settled),
        parked=texts(row.parked),
        queued_at=Instant(row.queued_at),
        started_at=_instant(row.started_at),
        settled_at=_instant(row.settled_at),
        changed_at=Instant(row.changed_at),
        revision=row.revision,
        as_of=as_of,
    )


def phase_of(row: RunPhaseRow, as_of: int) -> RunPhase:
    """A row as it is shown."""
    return RunPhase(
        id=strawberry.ID(row.key),
        run_id=row.run,
        place=row.place,
        kind=row.kind,
        title=row.title,
        number=row.position,
        needs=texts(row.needs),
        status=PhaseStatus(row.status),
        generation=row.generation,
        task_id=row.task,
        child_id=row.child,
        reason=row.reason,
        arm=row.arm,
        input=_json(row.input),
        output=_json(row.output),
        summary=row.summary,
        consumed=[Consumed(place=one["place"], generation=one["generation"]) for one in entries(row.consumed)],
        effect=row.effect,
        undo=row.undo,
        undo_task_id=row.undo_task,
        ready_at=_instant(row.ready_at),
        settled_at=_instant(row.settled_at),
        changed_at=Instant(row.changed_at),
        as_of=as_of,
    )


async def load_run(context: Context, identifier: str, as_of: int) -> Run | None:
    """The run of an id, where the caller may read it."""
    row = await context.loaders.run.load((as_of, identifier))
    return None if row is None or not context.may("read.runs", row.project) else run_of(row, as_of)


def _json(text: str) -> JSON | None:
    return json.loads(text) if text else None


def _instant(at: int | None) -> Instant | None:
    return None if at is None else Instant(at)
