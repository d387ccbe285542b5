"""Definitions of pipelines as they are shown."""

import json

import strawberry
from strawberry.scalars import JSON

from domain.kernel.ids import Instant
from projections.pipeline_definitions.rows import PipelineDefinitionRow


@strawberry.type
class PipelineDefinition:
    """One version of a pipeline's definition; its content never changes."""

    pipeline_id: strawberry.ID
    project_id: str
    name: str
    version: int
    state: str = strawberry.field(
        description="draft, published, deprecated (no further runs), or retired (no runs left)."
    )
    digest: str = strawberry.field(description="`sha256:…` of the canonical content.")
    title: str
    phases: int = strawberry.field(description="How many, those inside of loops included.")
    definition: JSON = strawberry.field(description="The content, as `publishDefinition` takes it.")
    added_by: str
    added_at: Instant
    changed_at: Instant


def definition_of(row: PipelineDefinitionRow) -> PipelineDefinition:
    """A row as it is shown."""
    return PipelineDefinition(
        pipeline_id=strawberry.ID(row.pipeline),
        project_id=row.project,
        name=row.name,
        version=row.version,
        state=row.state,
        digest=row.digest,
        title=row.title,
        phases=row.phases,
        definition=json.loads(row.definition),
        added_by=row.added_by,
        added_at=Instant(row.added_at),
        changed_at=Instant(row.changed_at),
    )
