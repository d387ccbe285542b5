"""Runs of an export, folded again by the rules of this program and compared with what was recorded of them."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final

from domain.catalogue import REGISTRY
from domain.dispatch.run_start import ENGINE_SEMANTICS
from domain.kernel.decider import Recorded
from domain.kernel.ids import prefix
from domain.run.advance import advance
from domain.run.evolve import RUN
from domain.run.state import Run, RunState
from infrastructure.expressions.conditions import CelExpressions
from infrastructure.history.exported import Export
from infrastructure.log.mapper import recorded

DIFFERENCES_TOLD_MAX: Final = 20


@dataclass(frozen=True, slots=True)
class Refolded:
    """What became of one run."""

    run: str
    events: int
    semantics: int
    """Rules that it was walked by."""
    status: str
    phases: dict[str, str]
    """Status by place, of those that something happened to."""
    differences: tuple[str, ...]
    """The first ones; empty where everything is as it was recorded."""


def refold(export: Export, semantics: int | None = None) -> tuple[Refolded, ...]:
    """Every run of the export, the exported one first; ``semantics`` asks for rules by their number.

    Raises ValueError for rules that this program does not know, UnknownEventType for events that it does not.
    """
    if semantics is not None and semantics != ENGINE_SEMANTICS:
        raise ValueError(f"this program walks runs by the rules {ENGINE_SEMANTICS}, not by {semantics}")
    streams: dict[str, list[Recorded]] = {}
    for row in export.rows:
        if prefix(row.stream) == RUN.prefix:
            streams.setdefault(row.stream, []).append(recorded(row, REGISTRY))
    order = sorted(streams, key=lambda name: (name != export.run, streams[name][0].position))
    told = {export.run: export.header}
    return tuple(_refolded(name, streams[name], told.get(name, {})) for name in order)


def _refolded(name: str, events: list[Recorded], told: dict[str, Any]) -> Refolded:
    state: RunState = RUN.initial
    differences: list[str] = []
    for number, one in enumerate(events, 1):
        if one.version != number:
            differences.append(f"its event {number} is missing")
            break
    for _, group in groupby(events, key=lambda one: one.command_id):
        decided = list(group)
        for one in decided:
            state = RUN.evolve(state, one.event)
        differences += _left_undone(state, decided[-1])
    if not isinstance(state, Run):
        return Refolded(name, len(events), 0, "absent", {}, ("it does not begin with its first event",))
    differences += _against(state, told)
    return Refolded(
        run=name,
        events=len(events),
        semantics=state.queued.engine_semantics,
        status=state.status,
        phases={place: phase.status for place, phase in sorted(state.phases.items())},
        differences=tuple(differences[:DIFFERENCES_TOLD_MAX]),
    )


def _left_undone(state: RunState, last: Recorded) -> Iterator[str]:
    """What follows by today's rules where nothing followed when it was decided."""
    if not isinstance(state, Run) or state.queued.engine_semantics != ENGINE_SEMANTICS:
        return
    for event in advance(state, last.recorded_at, CelExpressions()).events:
        place = getattr(event, "place", "")
        yield f"behind event {last.version} follows {event.TYPE}{f' of {place}' if place else ''}"


def _against(state: Run, told: dict[str, Any]) -> Iterator[str]:
    """What the read models said when it was exported, and the fold does not."""
    for name, now in (("status", state.status), ("version", state.queued.version)):
        if name in told and told[name] != now:
            yield f"its {name} was told as {told[name]}, and is {now}"
    for phase in told.get("phases", ()):
        known = state.phase(phase["place"])
        status = "pending" if known.status == "fired" else known.status
        if (phase["status"], phase["generation"]) != (status, known.generation):
            words = f"{phase['status']} in generation {phase['generation']}"
            yield f"{phase['place']} was told as {words}, and is {status} in generation {known.generation}"
