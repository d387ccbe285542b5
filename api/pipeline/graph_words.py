"""A definition in lines: each phase below what it comes after, with what it does."""

from collections.abc import Iterator, Sequence
from typing import assert_never

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
from domain.kernel.pipeline.flow import Edge, Timer
from domain.kernel.pipeline.graph import arms_of, graph_of


def graph_lines(definition: Definition) -> list[str]:
    """The phases in the order in which they could begin; those inside of a loop are set in."""
    rows = list(_rows(definition.phases, 0))
    key = max(len(row[0]) for row in rows)
    said = max(len(row[1]) for row in rows)
    return [f"{row[0]:<{key}}  {row[1]:<{said}}  {row[2]}".rstrip() for row in rows]


def _rows(phases: Sequence[AnyPhase], deep: int) -> Iterator[tuple[str, str, str]]:
    graph = graph_of(phases)
    rest = [key for key in graph.phases if key not in graph.order]
    for key in (*graph.order, *rest):
        phase = graph.phases[key]
        yield f"{'  ' * deep}{key}", said_of(phase), _after(phase)
        if isinstance(phase, RepeatPhase):
            yield from _rows(phase.phases, deep + 1)


def _after(phase: AnyPhase) -> str:
    told = [f"after {', '.join(_edge(edge) for edge in phase.needs)}"] if phase.needs else []
    if phase.join.rule != "all":
        counted = f" {phase.join.at_least}" if phase.join.rule == "at_least" else ""
        told.append(f"join {phase.join.rule.replace('_', ' ')}{counted}")
    if phase.when is not None:
        told.append(f"when {phase.when}")
    if phase.optional:
        told.append("optional")
    return "; ".join(told)


def _edge(edge: Edge) -> str:
    name = edge.phase if edge.arm is None else f"{edge.phase}.{edge.arm}"
    return name if edge.accept == ("succeeded",) else f"{name} ({'/'.join(edge.accept)})"


def said_of(phase: AnyPhase) -> str:
    """What a phase does, in a few words."""
    match phase:
        case WorkPhase():
            undone = ", undo" if phase.work.undo is not None else ""
            return f"work, {phase.work.effect}{undone}"
        case GatePhase():
            return f"gate, {phase.gate.gate_class}"
        case WaitPhase():
            wait = phase.wait
            if not isinstance(wait, Timer):
                return f"wait for signal {wait.name}"
            return f"wait {wait.seconds:g} s" if wait.seconds is not None else "wait for an instant"
        case BranchPhase():
            return f"branch: {' | '.join(arms_of(phase))}"
        case MapPhase():
            each = phase.map.each
            return f"map of {'work' if each.kind == 'work' else each.pipeline}"
        case PipelinePhase():
            version = "" if phase.call.version is None else f" version {phase.call.version}"
            return f"pipeline {phase.call.pipeline}{version}"
        case ExternalPhase():
            return f"{phase.external.what.kind} of {phase.external.project}"
        case JoinPhase():
            return "join"
        case RepeatPhase():
            return f"repeat, at most {phase.max_iterations}"
        case _:
            assert_never(phase)
