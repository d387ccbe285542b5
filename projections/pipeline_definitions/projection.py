"""How the events of a pipeline's name become the rows of its versions."""

from typing import Final, assert_never, cast, get_args

from domain.kernel.decider import Recorded
from domain.kernel.pipeline.graph import every_phase
from domain.pipeline.events import (
    DefinitionAdded,
    DefinitionDeprecated,
    DefinitionPublished,
    DefinitionRetired,
    PipelineEvent,
)
from projections.kernel.projection import Projection
from projections.pipeline_definitions.rows import PipelineDefinitionRow


def keys(recorded: Recorded) -> tuple[str, ...]:
    """One row for each version."""
    return (f"{recorded.stream}/{cast(PipelineEvent, recorded.event).version}",)


def evolve(row: PipelineDefinitionRow | None, recorded: Recorded, key: str) -> PipelineDefinitionRow | None:
    """The row after the event."""
    event = cast(PipelineEvent, recorded.event)
    if isinstance(event, DefinitionAdded):
        return _added(event, recorded, key)
    if row is None:
        return None
    match event:
        case DefinitionPublished():
            return row._replace(state="published", changed_at=event.at)
        case DefinitionDeprecated():
            return row._replace(state="deprecated", changed_at=event.at)
        case DefinitionRetired():
            return row._replace(state="retired", changed_at=event.at)
        case _:
            assert_never(event)


def _added(event: DefinitionAdded, recorded: Recorded, key: str) -> PipelineDefinitionRow:
    return PipelineDefinitionRow(
        key=key,
        project=recorded.project,
        pipeline=recorded.stream,
        name=event.name,
        version=event.version,
        state="draft",
        digest=event.digest,
        title=event.definition.title,
        phases=sum(1 for _ in every_phase(event.definition)),
        definition=event.definition.model_dump_json(),
        added_by=event.by,
        added_at=event.at,
        changed_at=event.at,
    )


PIPELINE_DEFINITIONS: Final = Projection(
    name="pipeline_definitions",
    version=1,
    row=PipelineDefinitionRow,
    handles=frozenset(get_args(PipelineEvent)),
    begins=frozenset({DefinitionAdded}),
    keys=keys,
    evolve=evolve,
)
