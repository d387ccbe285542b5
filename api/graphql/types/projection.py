"""Read models as filled tables: how far they are, what is built beside them, what stands still."""

import strawberry
from strawberry.scalars import JSON

from api.projection_port import BuildReport, ParkedReport, ProjectionReport
from domain.kernel.ids import Instant, Position


@strawberry.type
class ReadModelGeneration:
    """One filling of a read model's table; the live one is asked."""

    number: int
    table: str
    state: str = strawberry.field(description="building, live or retired.")
    checkpoint: Position
    fingerprint: str


@strawberry.type
class ReadModelBuild:
    """What is done with a generation beside the live one, or what became of it."""

    generation: int
    purpose: str = strawberry.field(description="rebuild, verify or rollback.")
    phase: str = strawberry.field(
        description="building, verifying, promoting; level and differs wait for a person; promoted, verified, "
        "abandoned and failed are ends."
    )
    checkpoint: Position
    events_per_second: float
    eta_seconds: float | None
    asked_by: str
    asked_at: Instant
    changed_at: Instant
    comparison: JSON | None = strawberry.field(
        description="position, versions, hashes of both, how many differ, and the first differences cell by cell."
    )
    error: str


@strawberry.type
class ReadModel:
    """How one read model is."""

    name: str
    table: str
    state: str = strawberry.field(description="following, paused, halted, outdated or ahead_of_log.")
    generation: int
    checkpoint: Position
    lag_events: int
    lag_seconds: float
    fingerprint: str = strawberry.field(description="Of the code that runs now.")
    drifted: bool = strawberry.field(description="Whether other code began the live rows.")
    parked_streams: int
    error: str
    generations: list[ReadModelGeneration]
    build: ReadModelBuild | None = strawberry.field(description="The latest.")


@strawberry.type
class ParkedStream:
    """A stream that stands still in a read model, because an event of it could not be folded."""

    projection: str
    stream: str
    position: Position
    type: str
    error: str


@strawberry.type
class ReadModels:
    """Every read model of the server, as of now."""

    models: list[ReadModel]
    parked: list[ParkedStream]
    head: Position
    position: Position
    """All that follow are folded in up to here."""
    stale: bool


def model_of(found: ProjectionReport) -> ReadModel:
    """A report as it is shown."""
    return ReadModel(
        name=found.name,
        table=found.table,
        state=found.state,
        generation=found.generation,
        checkpoint=Position(found.checkpoint),
        lag_events=found.lag_events,
        lag_seconds=found.lag_seconds,
        fingerprint=found.fingerprint,
        drifted=found.drifted,
        parked_streams=found.parked_streams,
        error=found.error,
        generations=[
            ReadModelGeneration(
                number=one.number,
                table=one.table,
                state=one.state,
                checkpoint=Position(one.checkpoint),
                fingerprint=one.fingerprint,
            )
            for one in found.generations
        ],
        build=None if found.build is None else _build_of(found.build),
    )


def parked_of(found: ParkedReport) -> ParkedStream:
    """A parked stream as it is shown."""
    return ParkedStream(
        projection=found.projection,
        stream=found.stream,
        position=Position(found.position),
        type=found.type,
        error=found.error,
    )


def _build_of(found: BuildReport) -> ReadModelBuild:
    return ReadModelBuild(
        generation=found.generation,
        purpose=found.purpose,
        phase=found.phase,
        checkpoint=Position(found.position),
        events_per_second=found.events_per_second,
        eta_seconds=found.eta_seconds,
        asked_by=found.asked_by,
        asked_at=Instant(found.asked_at),
        changed_at=Instant(found.changed_at),
        comparison=None if found.comparison is None else JSON(found.comparison),
        error=found.error,
    )
