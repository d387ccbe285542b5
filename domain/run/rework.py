"""What has to be done anew once a phase is: everything that took what came of it, told from what was recorded."""

from collections.abc import Iterable
from dataclasses import dataclass

from domain.kernel.ids import Instant
from domain.kernel.pipeline.definition import AnyPhase, MapPhase, RepeatPhase, WorkPhase
from domain.kernel.pipeline.graph import Graph, key_at
from domain.kernel.pipeline.work import Work
from domain.run.events import PhaseInvalidated
from domain.run.state import SETTLED, Run
from domain.run.undo import is_final, passed_inside

_UNFIRED = ("skipped", "blocked", "cancelled")


@dataclass(frozen=True, slots=True)
class Redo:
    """What a rework would do, each in an order in which phases come after what they need."""

    redone: tuple[str, ...]
    kept: tuple[str, ...]
    """Settled phases that stay as they are."""
    behind: tuple[str, ...]
    """Of those that would be done anew: points of no return that were passed."""
    repeated: tuple[str, ...]
    """Of those that would be done anew: work that may have changed the world, and would once more."""


def redo_of(run: Run, graph: Graph, named: Iterable[str]) -> Redo:
    """The named phases, and what has taken from them or waits behind them settled."""
    redone = set(named)
    # What was taken back is not there any more, whatever its phase once said.
    gone = (one for one in run.ledger.values() if one.undo)
    redone |= {one.place.partition("/")[0] for one in gone if run.phase(one.place).generation == one.generation}
    for key in graph.order:
        if key not in redone and _is_touched(run, graph.phases[key], redone):
            redone.add(key)
    order = tuple(key for key in graph.order if key in redone)
    return Redo(
        redone=order,
        kept=tuple(key for key in graph.order if key not in redone and run.phase(key).status in SETTLED),
        behind=tuple(key for key in order if _is_passed(run, graph.phases[key])),
        repeated=tuple(key for key in order if _may_repeat(run, graph.phases[key])),
    )


def invalidated(run: Run, place: str, because: str, at: Instant, *, changes: str = "") -> PhaseInvalidated:
    """A next generation of the place begins; its items and iterations are not there before it has them anew."""
    gone = tuple(sorted(one for one in run.phases if one.startswith(f"{place}/")))
    generation = run.phase(place).generation
    return PhaseInvalidated(place=place, generation=generation, because=because, at=at, changes=changes, gone=gone)


def stale(run: Run) -> tuple[str, ...]:
    """Phases that took what is not current any more; a run that has any must not succeed."""
    there = {phase.key for phase in run.queued.definition.phases}
    return tuple(
        place
        for place, phase in sorted(run.phases.items())
        if place.partition("/")[0] in there
        and any(run.phase(used.place).generation != used.generation for used in phase.consumed)
    )


def _is_touched(run: Run, phase: AnyPhase, redone: set[str]) -> bool:
    """Whether it took from one of them, or settled without having begun because of one."""
    state = run.phase(phase.key)
    if any(used.place in redone for place in run.places(phase.key) for used in run.phase(place).consumed):
        return True
    return not state.consumed and state.status in _UNFIRED and any(edge.phase in redone for edge in phase.needs)


def _is_passed(run: Run, phase: AnyPhase) -> bool:
    if isinstance(phase, RepeatPhase):
        return bool(passed_inside(run, phase))
    final = is_final(phase) or is_final(as_settled(run, phase))
    return final and run.phase(phase.key).status == "succeeded"


def _may_repeat(run: Run, phase: AnyPhase) -> bool:
    if isinstance(phase, RepeatPhase):
        return _may_repeat_inside(run, phase)
    return _is_lasting(as_settled(run, phase)) and any(run.phase(place).task for place in run.places(phase.key))


def as_settled(run: Run, phase: AnyPhase) -> AnyPhase:
    """The phase as it was defined when it settled, where the version of now says otherwise."""
    known = run.former.get(phase.key)
    return phase if known is None else known.phase


def _is_lasting(phase: AnyPhase) -> bool:
    work = phase.work if isinstance(phase, WorkPhase) else phase.map.each if isinstance(phase, MapPhase) else None
    return isinstance(work, Work) and work.effect == "effectful"


def _may_repeat_inside(run: Run, loop: RepeatPhase) -> bool:
    """Whether one of its iterations may have changed the world; phases inside count on from its generation."""
    before = as_settled(run, loop)
    inner = before.phases if isinstance(before, RepeatPhase) else loop.phases
    lasting = {one.key for one in inner if _is_lasting(one)}
    current = (one for one in run.ledger.values() if one.generation >= run.phase(loop.key).generation)
    return any(one.place.startswith(f"{loop.key}/") and key_at(one.place) in lasting for one in current)
