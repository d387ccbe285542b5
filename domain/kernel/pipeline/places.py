"""Where things stand in a definition: its scopes, and every text that is an expression or has holes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, assert_never

from domain.kernel.pipeline.definition import (
    AnyPhase,
    BranchPhase,
    Definition,
    ExternalPhase,
    GatePhase,
    JoinPhase,
    MapPhase,
    PipelinePhase,
    RepeatPhase,
    WaitPhase,
    WorkPhase,
)
from domain.kernel.pipeline.findings import Path
from domain.kernel.pipeline.flow import Call, LatestRun, OtherRun, OtherTask, Timer
from domain.kernel.pipeline.graph import Graph, graph_of
from domain.kernel.pipeline.words import Binding
from domain.kernel.pipeline.work import TaskSpec, Work

Wanted = Literal["boolean", "list", "text", "any"]


@dataclass(frozen=True, slots=True)
class Scope:
    """The phases of a definition, or those inside of one loop."""

    path: Path
    """Leads to the list of its phases."""
    phases: Sequence[AnyPhase]
    graph: Graph
    loop: RepeatPhase | None
    outside: frozenset[str]
    """Phases around a loop that settle before it."""

    def at(self, index: int) -> Path:
        return (*self.path, index)

    def before(self, key: str) -> frozenset[str]:
        """What settles before a phase, in the scope and around it."""
        return self.graph.ancestors.get(key, frozenset()) | self.outside


@dataclass(frozen=True, slots=True)
class Spoken:
    """An expression, where it stands, and what it may speak of."""

    path: Path
    phase: str
    text: str
    wanted: Wanted
    visible: frozenset[str]
    """Phases whose outcome and output are known there."""
    scope: Scope
    of_item: MapPhase | None = None


@dataclass(frozen=True, slots=True)
class Doing:
    """A task, where it stands, and the names that its texts may speak of."""

    path: Path
    phase: AnyPhase
    task: TaskSpec
    names: frozenset[str]
    role: Literal["work", "undo"]


def scopes_of(definition: Definition) -> Iterator[Scope]:
    """The scope of the definition, then that of each of its loops."""
    whole = Scope(("phases",), definition.phases, graph_of(definition.phases), None, frozenset())
    yield whole
    for index, phase in enumerate(definition.phases):
        if isinstance(phase, RepeatPhase):
            path: Path = ("phases", index, "phases")
            yield Scope(path, phase.phases, graph_of(phase.phases), phase, whole.before(phase.key))


def tasks_of(scope: Scope) -> Iterator[Doing]:
    """Every task that phases of the scope create, and those that take it back."""
    for index, phase in enumerate(scope.phases):
        match phase:
            case WorkPhase():
                yield from _tasks(phase, phase.work, (*scope.at(index), "work"))
            case MapPhase() if isinstance(phase.map.each, Work):
                yield from _tasks(phase, phase.map.each, (*scope.at(index), "map", "each"))
            case _:
                pass


def _tasks(phase: AnyPhase, work: Work, path: Path) -> Iterator[Doing]:
    names = frozenset(binding.name for binding in work.inputs)
    yield Doing((*path, "task"), phase, work.task, names, "work")
    if work.undo is not None:
        yield Doing((*path, "undo", "task"), phase, work.undo.task, names, "undo")


def spoken_in(scope: Scope, definition: Definition) -> Iterator[Spoken]:
    """Every expression of the scope's phases, of the loop itself, and of the definition."""
    for index, phase in enumerate(scope.phases):
        visible = scope.before(phase.key)
        for path, text, wanted, of_item in _of_phase(phase):
            yield Spoken((*scope.at(index), *path), phase.key, text, wanted, visible, scope, of_item)
    inside = frozenset(phase.key for phase in scope.phases) | scope.outside
    loop = scope.loop
    if loop is None:
        for path, text in _bound(("outputs",), definition.outputs):
            yield Spoken(path, "", text, "any", inside, scope)
    else:
        yield Spoken((*scope.path[:-1], "until"), loop.key, loop.until, "boolean", inside, scope)
        for path, text in _bound((*scope.path[:-1], "outputs"), loop.outputs):
            yield Spoken(path, loop.key, text, "any", inside, scope)


_Text = tuple[Path, str, Wanted, MapPhase | None]


def _of_phase(phase: AnyPhase) -> Iterator[_Text]:
    if phase.when is not None:
        yield ("when",), phase.when, "boolean", None
    match phase:
        case WorkPhase():
            yield from _any(_bound(("work", "inputs"), phase.work.inputs))
        case GatePhase():
            yield from _of_gate(phase)
        case WaitPhase():
            if isinstance(phase.wait, Timer) and phase.wait.until is not None:
                yield ("wait", "until"), phase.wait.until, "text", None
        case BranchPhase():
            for place, arm in enumerate(phase.arms):
                yield ("arms", place, "when"), arm.when, "boolean", None
        case MapPhase():
            yield from _of_map(phase)
        case PipelinePhase():
            yield from _any(_bound(("call", "inputs"), phase.call.inputs))
        case ExternalPhase():
            yield from _of_external(phase)
        case RepeatPhase() | JoinPhase():
            pass
        case _:
            assert_never(phase)


def _of_gate(phase: GatePhase) -> Iterator[_Text]:
    yield from _any(_bound(("gate", "inputs"), phase.gate.inputs))
    for place, evidence in enumerate(phase.gate.evidence):
        yield ("gate", "evidence", place, "value"), evidence.value, "any", None
    if phase.gate.automatic is not None:
        yield ("gate", "automatic"), phase.gate.automatic, "boolean", None


def _of_map(phase: MapPhase) -> Iterator[_Text]:
    found = phase.map
    if found.over is not None:
        yield ("map", "over"), found.over, "list", None
    for place, axis in enumerate(() if found.matrix is None else found.matrix.axes):
        if axis.over is not None:
            yield ("map", "matrix", "axes", place, "over"), axis.over, "list", None
    if found.item_key is not None:
        yield ("map", "item_key"), found.item_key, "text", phase
    bindings = found.each.inputs
    for path, text in _bound(("map", "each", "inputs"), bindings):
        yield path, text, "any", phase


def _of_external(phase: ExternalPhase) -> Iterator[_Text]:
    match phase.external.what:
        case OtherRun(run=text):
            yield ("external", "what", "run"), text, "text", None
        case OtherTask(task=text):
            yield ("external", "what", "task"), text, "text", None
        case LatestRun(correlation_key=text) if text is not None:
            yield ("external", "what", "correlation_key"), text, "text", None
        case _:
            pass


def _bound(path: Path, bindings: Sequence[Binding]) -> Iterator[tuple[Path, str]]:
    for place, binding in enumerate(bindings):
        yield (*path, place, "value"), binding.value


def _any(texts: Iterator[tuple[Path, str]]) -> Iterator[_Text]:
    for path, text in texts:
        yield path, text, "any", None


def calls_of(scope: Scope) -> Iterator[tuple[Path, str, Call]]:
    """Every call of another definition, with the phase that makes it."""
    for index, phase in enumerate(scope.phases):
        if isinstance(phase, PipelinePhase):
            yield (*scope.at(index), "call"), phase.key, phase.call
        elif isinstance(phase, MapPhase) and isinstance(phase.map.each, Call):
            yield (*scope.at(index), "map", "each"), phase.key, phase.map.each
