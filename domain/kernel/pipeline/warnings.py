"""What a definition may mean and probably does not: told to whoever writes it, refused to nobody."""

from collections.abc import Iterator

from domain.kernel.pipeline.definition import AnyPhase, BranchPhase, Definition, GatePhase, MapPhase, WorkPhase
from domain.kernel.pipeline.expressions import Expressions, Flaw, Reading
from domain.kernel.pipeline.findings import Finding, Path, warning
from domain.kernel.pipeline.graph import on_exhausted_of
from domain.kernel.pipeline.places import Scope, spoken_in
from domain.kernel.pipeline.work import Work


def effects_in(scope: Scope) -> Iterator[Finding]:
    """Work that changes the world and cannot be taken back."""
    for index, phase in enumerate(scope.phases):
        found = _work_of(phase)
        if found is None or found[1].effect != "effectful" or found[1].undo is not None:
            continue
        final = isinstance(phase, WorkPhase | MapPhase) and phase.point_of_no_return
        if not final:
            message = "it changes the world, and nothing says how that is taken back"
            advice = "Add an `undo`, or say `effect: pure`, `effect: idempotent` or `point_of_no_return: true`."
            yield warning("no_undo", (*scope.at(index), *found[0]), phase.key, message, advice)


def _work_of(phase: AnyPhase) -> tuple[Path, Work] | None:
    if isinstance(phase, WorkPhase):
        return ("work",), phase.work
    if isinstance(phase, MapPhase) and isinstance(phase.map.each, Work):
        return ("map", "each"), phase.map.each
    return None


def gates_in(scope: Scope) -> Iterator[Finding]:
    """Gates that open although nobody said yes."""
    for index, phase in enumerate(scope.phases):
        if isinstance(phase, GatePhase) and phase.gate.on_expiry == "approve":
            message = "when nobody decides in time it counts as approved"
            advice = "Park or reject it, or take another way with `on_expiry: arm`."
            yield warning("auto_approve", (*scope.at(index), "gate", "on_expiry"), phase.key, message, advice)


def arms_in(scope: Scope) -> Iterator[Finding]:
    """Arms of branches that lead nowhere, but for the default, which often means to do nothing."""
    for index, phase in enumerate(scope.phases):
        if not isinstance(phase, BranchPhase):
            continue
        followed = {edge.arm for other in scope.phases for edge in other.needs if edge.phase == phase.key}
        for place, arm in enumerate(phase.arms):
            if arm.name not in followed and arm.name != phase.default:
                message = f"no phase follows the arm {arm.name}"
                advice = f"Let a phase need {{phase: {phase.key}, arm: {arm.name}}}, or remove the arm."
                yield warning("arm_leads_nowhere", (*scope.at(index), "arms", place), phase.key, message, advice)


def absent_in(definition: Definition, scope: Scope, expressions: Expressions) -> Iterator[Finding]:
    """Outputs that are taken of a phase which may have been skipped, without asking whether they are there."""
    sure = _sure(scope)
    for spoken in spoken_in(scope, definition):
        roots = frozenset({"inputs", "run", "phases", "item", "index", "iteration", "previous"})
        reading = expressions.read(spoken.text, roots)
        if isinstance(reading, Flaw):
            continue
        certain = sure.get(spoken.phase, frozenset()) | scope.outside
        for path in reading.fields:
            taken = path[:3:2] == ("phases", "output") and path[1] in scope.graph.phases
            if taken and path[1] not in certain and not _asks(reading, path) and spoken.phase in scope.graph.phases:
                message = f"it takes the output of {path[1]}, which may be skipped or may have failed before"
                advice = f"Ask first: `has(phases.{path[1]}.output) ? … : …`. Without an output the phase is parked."
                yield warning("may_be_absent", spoken.path, spoken.phase, message, advice)


def _asks(reading: Reading, path: tuple[str, ...]) -> bool:
    """Whether it asks for the path or a part of it, or how the phase ended."""
    ended = path[:2]
    return (
        any(path[: len(asked)] == asked for asked in reading.asked)
        or (*ended, "outcome") in reading.fields
        or (*ended, "arm") in reading.fields
    )


def _sure(scope: Scope) -> dict[str, frozenset[str]]:
    """For each phase those that have succeeded whenever it runs."""
    skippable: set[str] = set()
    sure: dict[str, frozenset[str]] = {}
    for key in scope.graph.order:
        phase = scope.graph.phases[key]
        edges = [edge for edge in phase.needs if edge.phase in scope.graph.phases]
        every = phase.join.rule == "every" or (len(edges) == 1 and phase.join.rule != "settled")
        certain: set[str] = set()
        for edge in edges:
            succeeded = edge.arm != "fallback" and (edge.arm is not None or set(edge.accept) == {"succeeded"})
            certainly = every or (phase.join.rule == "all" and edge.arm is None and edge.phase not in skippable)
            if succeeded and certainly:
                certain |= {edge.phase} | sure[edge.phase]
        sure[key] = frozenset(certain)
        if _may_be_skipped(phase, skippable):
            skippable.add(key)
    return sure


def _may_be_skipped(phase: AnyPhase, skippable: set[str]) -> bool:
    if phase.when is not None or any(edge.arm is not None for edge in phase.needs):
        return True
    if on_exhausted_of(phase) in ("skip", "fallback"):
        return True
    if phase.kind == "gate" and phase.gate.on_reject == "skip":
        return True
    if phase.kind == "wait" and phase.wait.kind == "signal" and phase.wait.on_deadline == "skip":
        return True
    if phase.kind == "external" and phase.external.on_deadline == "skip":
        return True
    if phase.kind == "map" and phase.map.on_empty == "skip":
        return True
    return bool(phase.needs) and any(edge.phase in skippable for edge in phase.needs)


def unused_in(definition: Definition, scopes: tuple[Scope, ...], expressions: Expressions) -> Iterator[Finding]:
    """Inputs that nothing speaks of."""
    roots = frozenset({"inputs", "run", "phases", "item", "index", "iteration", "previous"})
    used: set[str] = set()
    for scope in scopes:
        for spoken in spoken_in(scope, definition):
            reading = expressions.read(spoken.text, roots)
            if not isinstance(reading, Flaw):
                used |= {path[1] for path in (*reading.fields, *reading.asked) if path[0] == "inputs" and len(path) > 1}
    key = "" if definition.concurrency is None else definition.concurrency.key
    for place, field in enumerate(definition.inputs):
        if field.name not in used and f"${{{field.name}}}" not in key:
            advice = f"Speak of it as `inputs.{field.name}`, or remove it."
            yield warning("unused_input", ("inputs", place), "", f"nothing speaks of the input {field.name}", advice)
