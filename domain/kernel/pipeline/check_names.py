"""Names in a definition: given once, speakable, and leading to what is there; edges, arms and circles."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from domain.kernel.graphs import circles_of
from domain.kernel.pipeline.definition import BranchPhase, Definition, GatePhase, MapPhase
from domain.kernel.pipeline.findings import Finding, Path, fault, nearest
from domain.kernel.pipeline.flow import Edge, Signal
from domain.kernel.pipeline.graph import arms_of, every_phase
from domain.kernel.pipeline.places import Scope, tasks_of
from domain.kernel.pipeline.words import RESERVED
from domain.kernel.pipeline.work import FALLBACK


def names_in(definition: Definition, scopes: Sequence[Scope]) -> Iterator[Finding]:
    """Keys and names that are given twice, or that conditions could not speak of."""
    counts = Counter(phase.key for phase in every_phase(definition))
    for scope in scopes:
        for index, phase in enumerate(scope.phases):
            if counts[phase.key] > 1:
                counts[phase.key] -= 1
                message, advice = f"the key {phase.key} is given to another phase as well", "Give each phase its own."
                yield fault("duplicate_key", (*scope.at(index), "key"), phase.key, message, advice)
            yield from _reserved((*scope.at(index), "key"), phase.key, [phase.key])
    yield from _twice(("inputs",), "", [one.name for one in definition.inputs])
    yield from _twice(("outputs",), "", [one.name for one in definition.outputs])
    for scope in scopes:
        for path, key, named in _lists_of(scope):
            yield from _twice(path, key, named)


def _lists_of(scope: Scope) -> Iterator[tuple[Path, str, list[str]]]:
    for index, phase in enumerate(scope.phases):
        at = scope.at(index)
        if isinstance(phase, BranchPhase):
            yield (*at, "arms"), phase.key, [arm.name for arm in phase.arms]
        elif isinstance(phase, MapPhase) and phase.map.matrix is not None:
            yield (*at, "map", "matrix", "axes"), phase.key, [axis.name for axis in phase.map.matrix.axes]
        elif isinstance(phase, GatePhase):
            yield (*at, "gate", "inputs"), phase.key, [one.name for one in phase.gate.inputs]
            yield (*at, "gate", "evidence"), phase.key, [one.name for one in phase.gate.evidence]
        elif phase.kind == "wait" and isinstance(phase.wait, Signal):
            yield (*at, "wait", "outputs"), phase.key, [one.name for one in phase.wait.outputs]
        work = phase.work if phase.kind == "work" else phase.map.each if phase.kind == "map" else None
        if work is not None:
            path = (*at, "work") if phase.kind == "work" else (*at, "map", "each")
            yield (*path, "inputs"), phase.key, [one.name for one in work.inputs]
            if work.kind == "work":
                yield (*path, "outputs"), phase.key, [one.name for one in work.outputs]


def _twice(path: Path, phase: str, names: Sequence[str]) -> Iterator[Finding]:
    for place, name in enumerate(names):
        if name in names[:place]:
            message = f"the name {name} is given twice"
            yield fault("duplicate_name", (*path, place), phase, message, "Remove one of the two, or rename it.")
        yield from _reserved((*path, place), phase, [name])


def _reserved(path: Path, phase: str, names: Iterable[str]) -> Iterator[Finding]:
    for name in names:
        if name in RESERVED:
            message = f"{name} is a word of the language of conditions, which could not speak of it"
            yield fault("reserved_word", path, phase, message, f"Name it otherwise, such as {name}_it.")


def edges_in(definition: Definition, scope: Scope) -> Iterator[Finding]:
    """Edges to nothing, to themselves, along no arm, and twice the same."""
    everywhere = {phase.key for phase in every_phase(definition)}
    for index, phase in enumerate(scope.phases):
        seen: set[tuple[str, str | None]] = set()
        for place, edge in enumerate(phase.needs):
            at: Path = (*scope.at(index), "needs", place)
            if edge.phase == phase.key:
                yield fault("needs_itself", at, phase.key, "a phase cannot come after itself", "Remove this edge.")
            elif edge.phase not in scope.graph.phases:
                yield _unknown(at, phase.key, edge.phase, scope, everywhere)
            else:
                yield from _along(at, phase.key, edge, scope)
            if (edge.phase, edge.arm) in seen:
                message, advice = f"it comes after {edge.phase} twice", "Join the two edges into one."
                yield fault("duplicate_edge", at, phase.key, message, advice)
            seen.add((edge.phase, edge.arm))


def _unknown(at: Path, phase: str, wanted: str, scope: Scope, everywhere: set[str]) -> Finding:
    if wanted in everywhere:
        message = (
            f"{wanted} is inside of a loop, or this is" if scope.loop is None else f"{wanted} is outside of the loop"
        )
        advice = "Edges stay inside of one loop: let this come after the loop itself, or stand with the phase."
        return fault("unknown_phase", at, phase, message, advice)
    return fault("unknown_phase", at, phase, f"there is no phase {wanted}", _near(wanted, scope))


def _near(wanted: str, scope: Scope) -> str:
    return nearest(wanted, list(scope.graph.phases), "Known here")


def _along(at: Path, phase: str, edge: Edge, scope: Scope) -> Iterator[Finding]:
    source = scope.graph.phases[edge.phase]
    arms = arms_of(source)
    if edge.arm is not None and edge.arm not in arms:
        advice = nearest(edge.arm, list(arms), "Its arms")
        if edge.arm == FALLBACK and source.kind in ("work", "map", "pipeline", "repeat"):
            advice = f"Say `on_exhausted: fallback` in {edge.phase}."
        yield fault("unknown_arm", at, phase, f"{edge.phase} has no arm {edge.arm}", advice)
    if edge.arm is None and isinstance(source, GatePhase) and arms and "succeeded" in edge.accept:
        message = f"{edge.phase} goes one way when approved and another when expired, and this edge names neither"
        yield fault("missing_arm", at, phase, message, "Name the arm: `approved` or `expired`.")


def circles_in(scope: Scope) -> Iterator[Finding]:
    """Phases that come after each other all round, so that none could ever begin."""
    keys = list(scope.graph.phases)
    number = {key: index for index, key in enumerate(keys)}
    last = {phase.key: index for index, phase in enumerate(scope.phases)}
    needs = [
        [number[edge.phase] for edge in phase.needs if edge.phase in number] for phase in scope.graph.phases.values()
    ]
    for circle in circles_of([[one for one in wanted if one != index] for index, wanted in enumerate(needs)]):
        names = [keys[index] for index in circle]
        end, start = names[-1], names[0]
        pairs = list(zip(names, [*names[1:], start], strict=True))
        back = any(_falls_back(scope, key, need) for key, need in pairs)
        place = next(place for place, edge in enumerate(scope.graph.phases[end].needs) if edge.phase == start)
        told = " comes after ".join([*names, start])
        path: Path = (*scope.at(last[end]), "needs", place)
        if back:
            message = f"falling back would never end: {told}"
            advice = "Let the last one fail, or write a loop with `repeat` and max_iterations."
            yield fault("fallback_loop", path, end, message, advice)
        else:
            message = f"nothing in this circle could ever begin: {told}"
            yield fault("cycle", path, end, message, "Remove one of these edges; what is done again is a `repeat`.")


def _falls_back(scope: Scope, key: str, need: str) -> bool:
    return any(edge.phase == need and edge.arm == FALLBACK for edge in scope.graph.phases[key].needs)


def fallbacks_in(scope: Scope) -> Iterator[Finding]:
    """Phases that leave their work to nobody."""
    for index, phase in enumerate(scope.phases):
        followed = any(
            edge.phase == phase.key and edge.arm == FALLBACK for other in scope.phases for edge in other.needs
        )
        if FALLBACK in arms_of(phase) and phase.kind != "branch" and not followed:
            message = "it falls back when its attempts are used up, and no phase follows its arm `fallback`"
            advice = f"Let a phase need {{phase: {phase.key}, arm: fallback}}, or fail."
            yield fault("missing_fallback", scope.at(index), phase.key, message, advice)


def tasks_twice(scope: Scope) -> Iterator[Finding]:
    """Words of a task that stand there twice, as for planned tasks."""
    for doing in tasks_of(scope):
        for field, words in (
            ("evidence", doing.task.evidence),
            ("avoid", doing.task.avoid),
            ("labels", doing.task.labels),
        ):
            if len(set(words)) < len(words):
                path: Path = (*doing.path, field)
                yield fault("contradiction", path, doing.phase.key, "a word stands there twice", "Say it once.")
