"""Runs of a world as they would be exported."""

from typing import Any

from domain.kernel.registry import schema_version
from infrastructure.history.exported import Export
from infrastructure.log.port import LogRow
from tests.support.world import World


def export_of(world: World, run: str, **header: Any) -> Export:
    """Everything that happened there, as an export of one run."""
    return Export(run, header, tuple(row_of(one) for one in world.log))


def row_of(one: Any) -> LogRow:
    name = type(one.event).TYPE
    return LogRow(
        position=one.position,
        stream=one.stream,
        version=one.version,
        type=name,
        schema_version=schema_version(name),
        state=one.event.stored(),
        recorded_at=one.recorded_at,
        project=one.project,
        actor=one.actor,
        command_id=one.command_id,
        correlation_id=one.correlation_id,
        causation_id=one.causation_id,
        traceparent=None,
    )
