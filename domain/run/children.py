"""Runs that do the work of a phase: their ids, what their parent wants of them, and what their end says to it."""

from typing import Final, Literal, assert_never

from domain.kernel.ids import Instant, StreamId, derived_id
from domain.kernel.pipeline.definition import AnyPhase, Definition, MapPhase, PipelinePhase
from domain.kernel.pipeline.flow import DEPTH_MAX, Call
from domain.kernel.pipeline.graph import every_phase, key_at
from domain.kernel.pipeline.work import FALLBACK
from domain.run.child_events import ChildStarted, ParentRun
from domain.run.events import EffectRegistered, PhaseParked, PhaseSettled, PhaseSkipped
from domain.run.state import SETTLED, Run

Wish = Literal["go_on", "pause", "cancel"]
_Ended = PhaseSettled | PhaseSkipped | PhaseParked
STEERED: Final = "policy:steer_children"
"""Who pauses a run because its parent is paused, and who alone lets it go on when that does."""
WHY_PAUSED: Final = "its parent is paused"
WHY_CANCELLED: Final = "its parent does not want it any more"


def call_of(phase: AnyPhase) -> Call | None:
    """The run that a phase, or each of its items, begins."""
    if isinstance(phase, PipelinePhase):
        return phase.call
    return phase.map.each if isinstance(phase, MapPhase) and isinstance(phase.map.each, Call) else None


def calls_in(definition: Definition) -> tuple[Call, ...]:
    """Every call of another pipeline."""
    return tuple(call for phase in every_phase(definition) if (call := call_of(phase)) is not None)


def phase_at(run: Run, place: str) -> AnyPhase | None:
    """What the definition says of a place."""
    key = key_at(place)
    return next((one for one in every_phase(run.queued.definition) if one.key == key), None)


def child_of(run: Run, place: str, generation: int) -> StreamId:
    """The run of one place in one generation: the same whoever decides it, so there is never another."""
    return derived_id("run", run.queued.at, (run.queued.run, place, str(generation), "child"))


def called(run: Run, place: str, at: Instant) -> tuple[ChildStarted, EffectRegistered]:
    """A run does the work of the place; whatever it will have done stands in the ledger before it begins."""
    generation = run.phase(place).generation
    child = child_of(run, place, generation)
    return (
        ChildStarted(place=place, generation=generation, child=child, at=at),
        EffectRegistered(place=place, generation=generation, task=child, at=at),
    )


def parent_of(run: Run, place: str, generation: int) -> ParentRun:
    """What a child of the place is told of its parent."""
    above = run.queued.parent
    return ParentRun(
        run=run.queued.run,
        place=place,
        generation=generation,
        root=run.queued.run if above is None else above.root,
        ancestry=(*(() if above is None else above.ancestry), run.queued.pipeline),
    )


def too_deep(call: Call, parent: ParentRun) -> str | None:
    """Why the child may not be begun below its ancestors."""
    if len(parent.ancestry) >= DEPTH_MAX:
        return f"{DEPTH_MAX} runs are inside each other: {' > '.join((*parent.ancestry, call.pipeline))}"
    if parent.ancestry.count(call.pipeline) > call.recursive_depth_max:
        path = " > ".join((*parent.ancestry, call.pipeline))
        return f"{call.pipeline} would be inside of itself: {path}; recursive_depth_max is {call.recursive_depth_max}"
    return None


def wish(parent: Run, child: str, of: ParentRun) -> Wish:
    """What a parent wants of a run that it began, as it stands now."""
    phase = parent.phase(of.place)
    if not is_current(parent, child, of):
        return "cancel"
    if phase.status in SETTLED:
        return "go_on"  # it was abandoned
    if parent.status == "cancelling" or _is_dropped(parent, of.place) or _is_cut(parent, of.place):
        return "cancel"
    found = phase_at(parent, of.place)
    call = None if found is None else call_of(found)
    cascades = call is not None and call.on_parent_pause == "cascade"
    return "pause" if parent.status == "paused" and cascades else "go_on"


def takes_back(parent: Run, child: str, of: ParentRun) -> bool:
    """Whether a parent that cancels a run takes back what that did, and asks itself where nothing may be taken back."""
    definition = parent.queued.definition
    if not is_current(parent, child, of):
        return False
    if parent.status == "cancelling":
        return parent.rollback_requested or definition.on_cancel == "compensate"
    return bool(parent.failing) and definition.on_failure == "compensate"


def is_current(parent: Run, child: str, of: ParentRun) -> bool:
    """Whether the place still is one of the run, in the generation in which it began the child."""
    phase = parent.phase(of.place)
    own = phase.generation == of.generation and phase.child == child
    return own and of.place in parent.places(of.place.partition("/")[0])


def _is_dropped(parent: Run, place: str) -> bool:
    """Whether what it feeds, or what it is inside of, goes on without it."""
    parts = place.split("/")
    return any(parent.phase("/".join(parts[: number + 1])).dropped for number in range(len(parts)))


def _is_cut(parent: Run, place: str) -> bool:
    """Whether a parent that fails fast ends what is under way."""
    if not parent.failing or parent.queued.definition.live_attempts != "cancel":
        return False
    key = place.partition("/")[0]
    around = next((one for one in parent.queued.definition.phases if one.key == key), None)
    return around is not None and around.join.rule != "settled"


def is_abandoned(run: Run, phase: AnyPhase) -> bool:
    """Whether a run that is cancelled leaves what the phase has begun to itself."""
    call = call_of(phase)
    return run.status == "cancelling" and call is not None and call.on_parent_cancel == "abandon"


def ended(parent: Run, place: str, child: Run, at: Instant) -> _Ended:
    """How the phase settles with the run that did its work; one that was cancelled is never taken for failed."""
    generation, name = parent.phase(place).generation, child.queued.run
    match child.status:
        case "succeeded":
            return _settled(place, generation, "succeeded", "", child.outputs, at)
        case "failed":
            return _failed(parent, place, child, at)
        case "cancelled":
            return _settled(place, generation, "cancelled", f"its run {name} was cancelled", "", at)
        case "queued" | "running" | "paused" | "cancelling" | "compensating":
            raise ValueError(f"the run {name} has not ended")
        case _:
            assert_never(child.status)


def _failed(parent: Run, place: str, child: Run, at: Instant) -> _Ended:
    generation, phase = parent.phase(place).generation, phase_at(parent, place)
    rule = phase.on_exhausted if isinstance(phase, PipelinePhase) else "fail"
    because = f" at {', '.join(child.because)}" if child.because else ""
    reason = f"its run {child.queued.run} has failed{because}"
    match rule:
        case "fail":
            return _settled(place, generation, "failed", reason, "", at)
        case "park":
            return PhaseParked(place=place, generation=generation, kind="run", reason=reason, at=at)
        case "skip" | "fallback":
            return PhaseSkipped(
                place=place,
                generation=generation,
                reason="exhausted",
                detail=reason,
                arm=FALLBACK if rule == "fallback" else "",
                at=at,
            )
        case _:
            assert_never(rule)


def _settled(
    place: str,
    generation: int,
    outcome: Literal["succeeded", "failed", "cancelled"],
    reason: str,
    output: str,
    at: Instant,
) -> PhaseSettled:
    return PhaseSettled(
        place=place,
        generation=generation,
        outcome=outcome,
        reason=reason,
        arm="",
        summary="",
        output=output,
        by="",
        at=at,
    )
