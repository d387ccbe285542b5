"""How the events of a project become its row."""

from typing import Final, assert_never, cast, get_args

from domain.kernel.decider import Recorded
from domain.project.events import (
    ProjectCreated,
    ProjectFrozen,
    ProjectNeedsGranted,
    ProjectNeedsRevoked,
    ProjectSet,
    ProjectUnfrozen,
)
from projections.kernel.projection import Projection
from projections.kernel.rows import json_text, texts
from projections.projects.rows import ProjectRow

ProjectEvent = ProjectCreated | ProjectFrozen | ProjectUnfrozen | ProjectSet | ProjectNeedsGranted | ProjectNeedsRevoked


def keys(recorded: Recorded) -> tuple[str, ...]:
    """The project is its stream."""
    return (recorded.stream,)


def evolve(row: ProjectRow | None, recorded: Recorded, key: str) -> ProjectRow | None:
    """The row after the event."""
    event = cast(ProjectEvent, recorded.event)
    if isinstance(event, ProjectCreated):
        return _created(event, key)
    if row is None:
        return None
    match event:
        case ProjectFrozen():
            return row._replace(frozen=True, frozen_reason=event.reason, changed_at=event.at)
        case ProjectUnfrozen():
            return row._replace(frozen=False, frozen_reason="", changed_at=event.at)
        case ProjectSet():
            return row._replace(settings=event.settings.model_dump_json(), changed_at=event.at)
        case ProjectNeedsGranted():
            return row._replace(needs_granted=json_text([*_others(row, event.to), event.to]), changed_at=event.at)
        case ProjectNeedsRevoked():
            return row._replace(needs_granted=json_text(_others(row, event.to)), changed_at=event.at)
        case _:
            assert_never(event)


def _others(row: ProjectRow, project: str) -> list[str]:
    return [one for one in texts(row.needs_granted) if one != project]


def _created(event: ProjectCreated, key: str) -> ProjectRow:
    return ProjectRow(
        key=key,
        project=key,
        name=event.name,
        lock_delay_seconds=event.lock_delay_seconds,
        frozen=False,
        frozen_reason="",
        settings="{}",
        needs_granted="[]",
        created_at=event.at,
        changed_at=event.at,
    )


PROJECTS: Final = Projection(
    name="projects",
    version=1,
    row=ProjectRow,
    handles=frozenset(get_args(ProjectEvent)),
    begins=frozenset({ProjectCreated}),
    keys=keys,
    evolve=evolve,
)
