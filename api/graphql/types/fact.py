"""Facts as they are shown."""

import json
from enum import Enum

import strawberry
from strawberry.scalars import JSON

from domain.kernel.ids import Instant
from projections.facts.rows import FactRow


@strawberry.enum
class FactKind(Enum):
    """What a project says to runs of others."""

    OUTCOME = "outcome"
    SIGNAL = "signal"
    ARTEFACT = "artefact"


@strawberry.type
class Fact:
    """The latest of the runs of a pipeline, the latest signal of a name, or one version of a result."""

    id: strawberry.ID
    project_id: str
    kind: FactKind
    name: str = strawberry.field(description="Of the pipeline, of the signal or of the result.")
    correlation_key: str = strawberry.field(description="Of the runs that an outcome is the latest of; empty for all.")
    version: str = strawberry.field(description="Of a result; empty otherwise.")
    run_id: str | None = strawberry.field(description="Whose outcome it is.")
    outcome: str = strawberry.field(description="succeeded, failed or cancelled; empty for what is no outcome.")
    number: int = strawberry.field(description="How many signals of the name there were.")
    content: JSON | None = strawberry.field(description="What the run or the signal says.")
    uri: str
    digest: str
    by: str = strawberry.field(description="Who published it; empty for an outcome.")
    holds: bool = strawberry.field(description="Whether it may be taken: it was neither taken back nor withdrawn.")
    reason: str = strawberry.field(description="Why it was withdrawn.")
    published_at: Instant
    changed_at: Instant


@strawberry.input
class FactFilter:
    """Which facts; what is null is not asked."""

    project: str | None = strawberry.field(default=None, description="Slug or id.")
    kind: list[FactKind] | None = None
    name: str | None = None
    correlation_key: str | None = None


def fact_of(row: FactRow) -> Fact:
    """A row as it is shown."""
    return Fact(
        id=strawberry.ID(row.key),
        project_id=row.project,
        kind=FactKind(row.kind),
        name=row.name,
        correlation_key=row.correlation_key,
        version=row.version,
        run_id=row.run,
        outcome=row.outcome,
        number=row.number,
        content=json.loads(row.content) if row.content else None,
        uri=row.uri,
        digest=row.digest,
        by=row.by,
        holds=row.holds,
        reason=row.reason,
        published_at=Instant(row.published_at),
        changed_at=Instant(row.changed_at),
    )
