"""What follows from a run's definition, and from the iterations that its loops are in: found once and kept along."""

from collections.abc import Mapping
from dataclasses import dataclass

from domain.kernel.graphs import longest_path
from domain.kernel.pipeline.definition import AnyPhase, Definition, GatePhase, RepeatPhase
from domain.kernel.pipeline.graph import Graph, every_phase, graph_of


@dataclass(frozen=True, slots=True)
class Outline:
    """The phases of a run, as its decisions look them up."""

    definition: Definition
    """That it was found from; a run that goes on by another version needs another outline."""
    whole: Graph
    """Of the definition, without what is inside of loops."""
    phases: Mapping[str, AnyPhase]
    """By key, those inside of loops as well."""
    path_lengths: Mapping[str, int]
    """Phases on the longest path that begins with each phase of the definition, itself included."""
    loops: tuple[RepeatPhase, ...]
    iterations: tuple[tuple[str, int], ...]
    """Loops that are in an iteration, with its number."""
    keeps_locks: bool
    """Whether any gate does, also inside of loops."""
    now: Graph
    """Of the definition together with those iterations, by place."""


def outline_of(definition: Definition) -> Outline:
    """The outline before any loop is in an iteration."""
    graph = graph_of(definition.phases)
    loops = tuple(phase for phase in definition.phases if isinstance(phase, RepeatPhase))
    phases = {phase.key: phase for phase in every_phase(definition)}
    gates = (phase.gate for phase in phases.values() if isinstance(phase, GatePhase))
    keeps_locks = any(gate.keep_locks_seconds is not None for gate in gates)
    return Outline(definition, graph, phases, _path_lengths_of(graph), loops, (), keeps_locks, graph)


def _path_lengths_of(graph: Graph) -> dict[str, int]:
    number = {key: index for index, key in enumerate(graph.order)}
    needs = [
        sorted({number[edge.phase] for edge in graph.phases[key].needs if edge.phase in number}) for key in graph.order
    ]
    remaining, _ = longest_path(needs, range(len(needs)), [1.0] * len(needs))
    return {key: int(remaining[index]) for key, index in number.items()}
