"""What expressions of a definition speak of: names that are there, phases that come before, values of fitting types."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, cast

from domain.kernel.pipeline.definition import AnyPhase, Definition, GatePhase, WaitPhase, WorkPhase
from domain.kernel.pipeline.expressions import (
    GATE_FIELDS,
    PHASE_FIELDS,
    RUN_FIELDS,
    Expressions,
    Flaw,
    Reading,
    Told,
)
from domain.kernel.pipeline.findings import Finding, FindingCode, fault, nearest
from domain.kernel.pipeline.flow import Signal
from domain.kernel.pipeline.graph import every_phase
from domain.kernel.pipeline.places import Scope, Spoken, spoken_in, tasks_of
from domain.kernel.pipeline.texts import names_in, texts_of
from domain.kernel.pipeline.words import ValueType

_WHOLE: Final = frozenset({"inputs", "run", "phases"})
_SAMPLES: Final[Mapping[ValueType, Sequence[object]]] = {
    "text": ("x", ""),
    "integer": (1, 0),
    "number": (1.5, 0.0),
    "boolean": (True, False),
    "list": ([], []),
    "mapping": ({}, {}),
}
"""Two values of each type, of which conditions are told on trial."""
_TYPES: Final = {"boolean": bool, "list": list, "text": str}
_WORDS: Final = {"boolean": "true or false", "list": "a list", "text": "a text"}


@dataclass(frozen=True, slots=True)
class _Unknown:
    """A path that leads nowhere, and why."""

    finding: Finding


_Type = ValueType | None
"""None is a type that nobody knows before the run."""


def expressions_in(definition: Definition, scope: Scope, expressions: Expressions) -> Iterator[Finding]:
    """Everything that is wrong with the expressions of a scope."""
    phases = {phase.key: phase for phase in every_phase(definition)}
    for spoken in spoken_in(scope, definition):
        reading = expressions.read(spoken.text, _roots(spoken))
        if isinstance(reading, Flaw):
            advice = "Write it in CEL over inputs, run and phases, such as `phases.test.output.passed`."
            yield fault("bad_expression", spoken.path, spoken.phase, reading.reason, advice)
            continue
        yield from _of_reading(spoken, reading, definition, phases, expressions)


def _roots(spoken: Spoken) -> frozenset[str]:
    inside = {"iteration", "previous"} if spoken.scope.loop is not None else set[str]()
    return _WHOLE | inside | ({"item", "index"} if spoken.of_item is not None else set[str]())


def _of_reading(
    spoken: Spoken,
    reading: Reading,
    definition: Definition,
    phases: Mapping[str, AnyPhase],
    expressions: Expressions,
) -> Iterator[Finding]:
    types: dict[tuple[str, ...], _Type] = {}
    wrong = False
    for path in (*reading.fields, *reading.asked):
        found = _type_of(path, spoken, definition, phases)
        if isinstance(found, _Unknown):
            wrong = True
            yield found.finding
        elif path in reading.fields:
            types[path] = found
    if not wrong and all(kind is not None for kind in types.values()):
        known: dict[tuple[str, ...], ValueType] = {path: kind for path, kind in types.items() if kind is not None}
        reason = _on_trial(spoken, known, reading, expressions)
        if reason is not None:
            advice = "Compare and join values of one type; CEL turns none into another by itself."
            yield fault("wrong_type", spoken.path, spoken.phase, reason, advice)


def _on_trial(
    spoken: Spoken, types: Mapping[tuple[str, ...], ValueType], reading: Reading, expressions: Expressions
) -> str | None:
    """Why the text does not fit the types of what it speaks of; told of two sets of values."""
    for which in (0, 1):
        values: dict[str, object] = {root: {} for root in _roots(spoken)}
        for path, kind in types.items():
            _put(values, path, _SAMPLES[kind][which])
        if which == 0:
            for path in reading.asked:
                _put(values, path, {}, only_where_absent=True)
        told = expressions.tell(spoken.text, values)
        match told:
            case Flaw(kind="type", reason=reason):
                return reason
            case Told(value=value) if spoken.wanted != "any" and type(value) is not _TYPES[spoken.wanted]:
                return f"it has to be {_WORDS[spoken.wanted]}, and is {value!r} where {_shown(types, which)}"
            case _:
                pass
    return None


def _shown(types: Mapping[tuple[str, ...], ValueType], which: int) -> str:
    said = [f"{'.'.join(path)} is {_SAMPLES[kind][which]!r}" for path, kind in types.items()]
    return " and ".join(said) or "nothing is given"


def _put(values: dict[str, object], path: Sequence[str], value: object, *, only_where_absent: bool = False) -> None:
    here = values
    for step in path[:-1]:
        inner = here.setdefault(step, {})
        if not isinstance(inner, dict):
            here[step] = inner = {}
        here = cast("dict[str, object]", inner)
    if not only_where_absent or path[-1] not in here:
        here[path[-1]] = value


def _type_of(
    path: tuple[str, ...], spoken: Spoken, definition: Definition, phases: Mapping[str, AnyPhase]
) -> _Type | _Unknown:
    root, rest = path[0], path[1:]
    match root:
        case "inputs":
            known: dict[str, _Type] = {field.name: field.type for field in definition.inputs}
            return _field(rest, known, spoken, "unknown_input", "an input")
        case "run":
            return _field(rest, dict(RUN_FIELDS), spoken, "unknown_field", "a fact of the run")
        case "iteration" | "index":
            return "integer"
        case "item":
            return None
        case _:
            inner = {phase.key for phase in spoken.scope.phases}
            visible = inner if root == "previous" else spoken.visible
            return _of_phase(rest, frozenset(visible), spoken, phases)


def _field(
    rest: Sequence[str], known: Mapping[str, _Type], spoken: Spoken, code: FindingCode, what: str
) -> _Type | _Unknown:
    if rest and rest[0] in known:
        return known[rest[0]] if len(rest) == 1 else None
    message = f"there is no such thing as {rest[0]} here" if rest else f"it has to say which: name {what}"
    return _unknown(spoken, code, message, nearest("".join(rest[:1]), list(known), "Known here"))


def _of_phase(
    rest: Sequence[str], visible: frozenset[str], spoken: Spoken, phases: Mapping[str, AnyPhase]
) -> _Type | _Unknown:
    if not rest or (rest[0] not in visible and rest[0] not in phases):
        message = f"there is no phase {rest[0]}" if rest else "it has to say which phase"
        return _unknown(
            spoken, "unknown_phase", message, nearest(rest[0] if rest else "", sorted(visible), "Before it come")
        )
    if rest[0] not in visible:
        message = f"{rest[0]} does not settle before it, so nothing is known of it"
        advice = f"Let it come after {rest[0]}, or speak of what comes before."
        return _unknown(spoken, "not_before", message, advice)
    if len(rest) == 1 or rest[1] not in PHASE_FIELDS:
        message = f"a phase has no field {rest[1]}" if len(rest) > 1 else "it has to say what of the phase"
        return _unknown(spoken, "unknown_field", message, nearest("".join(rest[1:2]), list(PHASE_FIELDS), "Known here"))
    if rest[1] != "output":
        return PHASE_FIELDS[rest[1]] if len(rest) == 2 else None
    fields = _outputs_of(phases[rest[0]])
    if fields is None or len(rest) == 2:
        return None
    return _field(rest[2:], fields, spoken, "unknown_field", f"an output of {rest[0]}")


def _outputs_of(phase: AnyPhase) -> Mapping[str, _Type] | None:
    """The fields of an output; None where nobody knows them before the run."""
    match phase:
        case WorkPhase():
            return {field.name: field.type for field in phase.work.outputs}
        case GatePhase():
            return dict(GATE_FIELDS)
        case WaitPhase():
            return {one.name: one.type for one in phase.wait.outputs} if isinstance(phase.wait, Signal) else {}
        case _:
            return None


def _unknown(spoken: Spoken, code: FindingCode, message: str, advice: str) -> _Unknown:
    return _Unknown(fault(code, spoken.path, spoken.phase, message, advice))


def holes_in(scope: Scope) -> Iterator[Finding]:
    """Texts that speak of a name which the phase does not bind."""
    for doing in tasks_of(scope):
        for field, text in texts_of(doing.task):
            for name in sorted(names_in(text) - doing.names):
                message = f"the text speaks of ${{{name}}}, which is no input of this phase"
                known = sorted(doing.names)
                near = nearest(name, known, "Its inputs") if known else f"Add it: `inputs: {{{name}: inputs.{name}}}`."
                yield fault("unknown_name", (*doing.path, field), doing.phase.key, message, near)
    for index, phase in enumerate(scope.phases):
        if isinstance(phase, GatePhase):
            bound = {binding.name for binding in phase.gate.inputs}
            for name in sorted(names_in(phase.gate.question) - bound):
                message = f"the question speaks of ${{{name}}}, which is no input of this gate"
                near = nearest(name, sorted(bound), "Its inputs")
                yield fault("unknown_name", (*scope.at(index), "gate", "question"), phase.key, message, near)
