"""How rows of phases come to be there: with their run, its other version, a map, a loop, or a ledger."""

from typing import cast

from domain.kernel.decider import Recorded
from domain.kernel.ids import Instant
from domain.kernel.pipeline.definition import Definition
from domain.run.child_events import LedgerAdopted
from domain.run.events import Consumed
from domain.run.loop_events import IterationStarted
from domain.run.map_events import MapExpanded
from domain.run.migrate_events import MovedPhase, RunMigrated
from projections.kernel.rows import entries, json_text
from projections.run_phases.rows import PhaseStatus, RunPhaseRow


def begun(definition: Definition, at: Instant, recorded: Recorded, key: str) -> RunPhaseRow:
    fresh = _fresh(key, recorded.project, recorded.stream, key.partition("/")[2], at)
    return _defined(fresh, definition)


def _defined(row: RunPhaseRow, definition: Definition) -> RunPhaseRow:
    """What the definition says of the place."""
    position, phase = next((number, one) for number, one in enumerate(definition.phases, 1) if one.key == row.place)
    needs = json_text(list(dict.fromkeys(edge.phase for edge in phase.needs)))
    return row._replace(kind=phase.kind, title=phase.title, position=position, needs=needs)


def migrated(row: RunPhaseRow | None, event: RunMigrated, recorded: Recorded, key: str) -> RunPhaseRow | None:
    """What the version has stands there as it stood, or is new; a settled phase may come from another place."""
    place = key.partition("/")[2]
    if all(phase.key != place for phase in event.definition.phases):
        return None
    came = next((one for one in event.moved if one.place == place), None)
    if came is not None:
        return _moved(begun(event.definition, event.at, recorded, key), came)
    if row is None:
        return begun(event.definition, event.at, recorded, key)
    return _defined(row, event.definition)._replace(changed_at=event.at)


def _moved(row: RunPhaseRow, came: MovedPhase) -> RunPhaseRow:
    said = row._replace(status=came.status, generation=came.generation, task=came.task or None, reason=came.reason)
    said = said._replace(arm=came.arm, input=came.input, output=came.output, summary=came.summary)
    undo = "left" if came.undo == "skipped" else came.undo
    return said._replace(
        consumed=consumed_with("[]", came.consumed), effect=came.effect, undo=undo, settled_at=came.settled_at
    )


def expanded(row: RunPhaseRow | None, event: MapExpanded, recorded: Recorded, key: str) -> RunPhaseRow | None:
    """The map waits for its items; an item that had a row in an earlier generation begins anew."""
    place = key.partition("/")[2]
    if place == event.place:
        if row is None:
            return None
        read = row._replace(consumed=consumed_with(row.consumed, event.reads), generation=event.generation)
        return read._replace(status="waiting", reason=f"{len(event.items)} items", changed_at=event.at)
    item = next(one for one in event.items if one.place == place)
    fresh = _fresh(key, recorded.project, recorded.stream, place, event.at)
    return fresh._replace(title=item.key, position=event.position, generation=event.generation, input=item.input)


def iterated(row: RunPhaseRow | None, event: IterationStarted, recorded: Recorded, key: str) -> RunPhaseRow | None:
    """The loop waits for its phases; one that had a row in an earlier generation begins anew."""
    place = key.partition("/")[2]
    if place == event.place:
        turned = None if row is None else row._replace(status="waiting", reason=f"iteration {event.iteration}")
        return None if turned is None else turned._replace(generation=event.generation, changed_at=event.at)
    inner = next(one for one in event.phases if one.place == place)
    fresh = _fresh(key, recorded.project, recorded.stream, place, event.at)
    needs = json_text(list(inner.needs))
    placed = fresh._replace(kind=inner.kind, title=inner.title, position=event.position, needs=needs)
    before = event.generation if row is None else max(event.generation, row.generation + 1)
    return placed._replace(generation=inner.generation or before)


def _fresh(key: str, project: str, run: str, place: str, at: int) -> RunPhaseRow:
    return RunPhaseRow(
        key=key,
        project=project,
        run=run,
        place=place,
        kind="item",
        title="",
        position=0,
        needs="[]",
        status="pending",
        generation=1,
        task=None,
        child=None,
        reason="",
        arm="",
        input="",
        output="",
        summary="",
        consumed="[]",
        effect=False,
        undo="",
        undo_task=None,
        ready_at=None,
        settled_at=None,
        changed_at=at,
    )


def adopted(event: LedgerAdopted, recorded: Recorded, key: str) -> RunPhaseRow:
    """What another run did there last."""
    place = key.partition("/")[2]
    number, entry = max(
        ((number, one) for number, one in enumerate(event.entries, 1) if one.place == place),
        key=lambda found: found[1].generation,
    )
    fresh = _fresh(key, recorded.project, recorded.stream, place, event.at)
    named = fresh._replace(kind=entry.kind, title=entry.title, position=number, generation=entry.generation)
    outcome: PhaseStatus = cast("PhaseStatus", entry.outcome or "cancelled")
    return named._replace(status=outcome, effect=True, settled_at=event.at)


def consumed_with(known: str, more: tuple[Consumed, ...]) -> str:
    found = {one["place"]: one for one in entries(known)} | {one.place: one.model_dump() for one in more}
    return json_text(list(found.values()))
