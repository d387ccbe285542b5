"""What another run may take over of one that went before: settled phases that would do the same and took the same."""

from collections.abc import Mapping
from hashlib import sha256
from typing import Final

from domain.kernel.ids import Instant
from domain.kernel.pipeline.definition import AnyPhase, Definition, ExternalPhase, GatePhase
from domain.kernel.pipeline.digest import spec_digest
from domain.kernel.pipeline.expressions import Expressions, Flaw
from domain.kernel.pipeline.graph import Graph, graph_of
from domain.kernel.pipeline.places import scopes_of, spoken_in
from domain.run.events import Consumed
from domain.run.fork_events import PhaseAdopted
from domain.run.rework import redo_of
from domain.run.state import Effect, PhaseState, Run
from domain.run.undo import owed

Spoken = tuple[str, ...]
"""Path of what a text speaks of: ``("inputs", "who")``."""
_KEPT: Final = frozenset({"succeeded", "skipped"})
_BACK: Final = frozenset({"undoing", "undone", "failed"})
"""Of an effect that somebody has begun to take back."""
_ROOTS: Final = frozenset({"inputs", "run", "phases", "item", "index", "iteration", "previous"})


def kept_of(
    source: Run, definition: Definition, named: tuple[str, ...], changed: frozenset[Spoken], tell: Expressions
) -> Mapping[str, str]:
    """By key of every phase of the definition why it is done anew; empty where it is taken over.

    ``named`` are done anew in any case, and so is all that took from them; ``changed`` are paths of inputs and of facts
    of the run that are others now.
    """
    before = graph_of(source.queued.definition.phases)
    after = graph_of(definition.phases)
    gone = {one.place.partition("/")[0] for one in source.ledger.values()} if source.rolled_back_by else set[str]()
    wanted = tuple(key for key in before.phases if key in gone or key in named)
    redone = frozenset(redo_of(source, before, wanted).redone)
    reads = _reads(definition, tell)
    why: dict[str, str] = {}
    for key in after.order:
        why[key] = (
            _why(source, key, before, after, redone)
            or _of_voters(after.phases[key], changed)
            or _of_inputs(reads.get(key, frozenset()), changed)
        )
        if not why[key]:
            anew = sorted(one for one in _taken(source, after, key) if why.get(one, "it is not there any more"))
            why[key] = f"{', '.join(anew)} is done anew" if anew else ""
    return why


def _taken(source: Run, after: Graph, key: str) -> set[str]:
    """What it took from; of what settled without having begun, what it comes after."""
    consumed = {one.place.partition("/")[0] for one in source.phase(key).consumed}
    return consumed or {edge.phase for edge in after.phases[key].needs}


def _why(source: Run, key: str, before: Graph, after: Graph, redone: frozenset[str]) -> str:
    state, phase = source.phase(key), after.phases[key]
    known = before.phases.get(key)
    if known is None:
        return "it is new"
    if not _is_same(known, phase):
        return "its definition is another"
    if isinstance(phase, ExternalPhase):
        return "facts of other projects are asked for anew"
    if state.status not in _KEPT:
        return f"it is {state.status} there"
    return "it was named, or took from what was" if key in redone else ""


def _is_same(known: AnyPhase, phase: AnyPhase) -> bool:
    return spec_digest(known) == spec_digest(phase) and (known.needs, known.join) == (phase.needs, phase.join)


def _of_voters(phase: AnyPhase, changed: frozenset[Spoken]) -> str:
    """Whoever starts the fork may be one of those who have answered, and is left out now."""
    asks = isinstance(phase, GatePhase) and "requester" in phase.gate.exclude
    return "somebody else starts it, whom the gate leaves out" if asks and ("run", "started_by") in changed else ""


def _of_inputs(reads: frozenset[Spoken], changed: frozenset[Spoken]) -> str:
    found = sorted(".".join(path) for path in changed if any(one[: len(path)] == path[: len(one)] for one in reads))
    return f"it speaks of {', '.join(found)}, which is another now" if found else ""


def _reads(definition: Definition, tell: Expressions) -> dict[str, frozenset[Spoken]]:
    """What the texts of each phase speak of, those inside of a loop with the loop."""
    found: dict[str, set[Spoken]] = {}
    for scope in scopes_of(definition):
        for spoken in spoken_in(scope, definition):
            reading = tell.read(spoken.text, _ROOTS)
            paths = () if isinstance(reading, Flaw) else (*reading.fields, *reading.asked)
            key = spoken.phase if scope.loop is None else scope.loop.key
            found.setdefault(key, set()).update(path for path in paths if path[0] in ("inputs", "run"))
    return {key: frozenset(paths) for key, paths in found.items()}


def adopted_from(source: Run, key: str, at: Instant) -> PhaseAdopted:
    """The phase as it stands there, in the first generation here."""
    state = source.phase(key)
    taken = (one.place.partition("/")[0] for one in state.consumed)
    return PhaseAdopted.model_validate(
        {
            "place": key,
            "generation": 1,
            "run": source.queued.run,
            "source_generation": state.generation,
            "outcome": state.status,
            "digest": f"sha256:{sha256(state.output.encode()).hexdigest()}",
            "consumed": tuple(Consumed(place=one, generation=1) for one in dict.fromkeys(taken)),
            "reason": state.reason,
            "arm": state.arm,
            "summary": state.summary,
            "input": state.input,
            "output": state.output,
            "at": at,
        }
    )


def outdated(run: Run, source: Run) -> tuple[str, ...]:
    """Phases taken over from a run that it has taken back since, or begun to, or done anew."""
    own = {place: state for place, state in run.phases.items() if state.adopted_from == source.queued.run}
    # Either may have gone over to a version in which the phase has another key.
    names = {source.now_at(state.adopted_as or place): place for place, state in own.items()}
    mine = {key: own[place] for key, place in names.items()}
    back = [one for one in source.ledger.values() if one.undo in _BACK]
    back += owed(source) if source.rolled_back_by else ()
    entries = ((one.place.partition("/")[0], one) for one in back)
    gone = {key for key, one in entries if key in mine and _is_taken(mine[key], one)}
    anew = {key for key, state in mine.items() if source.phase(key).generation != state.adopted_generation}
    return tuple(sorted(names[key] for key in gone | anew))


def _is_taken(state: PhaseState, entry: Effect) -> bool:
    """Whether the effect is one of what was taken over; what is inside of a loop counts on from its generation."""
    return entry.generation >= state.adopted_generation
