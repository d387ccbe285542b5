"""The graph of phases in one scope: a definition's own phases, or those inside of one loop."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import assert_never

from domain.kernel.graphs import ancestors_of, bits, order_of
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
from domain.kernel.pipeline.flow import Edge
from domain.kernel.pipeline.gate import APPROVED, EXPIRED
from domain.kernel.pipeline.work import FALLBACK, OnExhausted


@dataclass(frozen=True, slots=True)
class Graph:
    """Phases by key in the order of the definition. Edges to what is not in the scope are passed over."""

    phases: Mapping[str, AnyPhase]
    order: tuple[str, ...]
    """Each phase after all that it needs; those in or behind a circle are missing."""
    ancestors: Mapping[str, frozenset[str]]
    """All that settle before a phase; empty for those that are not in the order."""
    dependants: Mapping[str, tuple[str, ...]]
    """Phases with an edge from it, in the order of the definition."""

    @property
    def roots(self) -> tuple[str, ...]:
        """Phases without needs, in the order of the definition."""
        return tuple(key for key, phase in self.phases.items() if not phase.needs)


def graph_of(phases: Sequence[AnyPhase]) -> Graph:
    """The graph of the phases of one scope."""
    keys = [phase.key for phase in phases]
    number = {key: index for index, key in enumerate(keys)}
    needs = [sorted({number[edge.phase] for edge in phase.needs if edge.phase in number}) for phase in phases]
    order = order_of(needs)
    found = ancestors_of(needs, order)
    dependants: dict[str, list[str]] = {key: [] for key in keys}
    for index, wanted in enumerate(needs):
        for need in wanted:
            dependants[keys[need]].append(keys[index])
    return Graph(
        phases={phase.key: phase for phase in phases},
        order=tuple(keys[index] for index in order),
        ancestors=_Ancestors(keys, number, found),
        dependants={key: tuple(found) for key, found in dependants.items()},
    )


class _Ancestors(Mapping[str, frozenset[str]]):
    """Sets that are written out when somebody asks for them: all of them together are as large as a square."""

    def __init__(self, keys: Sequence[str], number: Mapping[str, int], found: Sequence[int]) -> None:
        self._keys, self._number, self._found = keys, number, found

    def __getitem__(self, key: str) -> frozenset[str]:
        return frozenset(self._keys[one] for one in bits(self._found[self._number[key]]))

    def __iter__(self) -> Iterator[str]:
        return iter(self._keys)

    def __len__(self) -> int:
        return len(self._keys)


def key_at(place: str) -> str:
    """The key of the phase at a place of a run: ``phase``, ``phase/item``, or ``loop/iteration/phase``."""
    parts = place.split("/", 3)
    return parts[2] if len(parts) > 2 else parts[0]


def unit_at(place: str) -> str:
    """The place of the map where it is that of an item; any other place as it is."""
    return place.rpartition("/")[0] if place.count("/") % 2 else place


def every_phase(definition: Definition) -> Iterator[AnyPhase]:
    """All phases, those inside of a loop right behind it."""
    for phase in definition.phases:
        yield phase
        if isinstance(phase, RepeatPhase):
            yield from phase.phases


def arms_of(phase: AnyPhase) -> tuple[str, ...]:
    """The arms that edges from the phase may follow; of a branch in their order, its default last."""
    match phase:
        case BranchPhase():
            named = dict.fromkeys(arm.name for arm in phase.arms)
            return tuple(named if phase.default is None else {**named, phase.default: None})
        case GatePhase():
            return (APPROVED, EXPIRED) if phase.gate.on_expiry == "arm" else ()
        case WorkPhase() | MapPhase() | PipelinePhase() | RepeatPhase():
            return (FALLBACK,) if on_exhausted_of(phase) == FALLBACK else ()
        case WaitPhase() | ExternalPhase() | JoinPhase():
            return ()
        case _:
            assert_never(phase)


def on_exhausted_of(phase: AnyPhase) -> OnExhausted | None:
    """What follows when the phase gives up; None for kinds that have nothing to give up."""
    match phase:
        case WorkPhase():
            return phase.work.on_exhausted
        case MapPhase():
            return phase.map.on_exhausted
        case PipelinePhase() | RepeatPhase():
            return phase.on_exhausted
        case BranchPhase() | GatePhase() | WaitPhase() | ExternalPhase() | JoinPhase():
            return None
        case _:
            assert_never(phase)


def behind_arm(graph: Graph, key: str, arm: str) -> tuple[str, ...]:
    """Phases that run only where the arm is taken, in order: all their ways from the roots lead along it."""
    inside: set[str] = set()
    for one in graph.order:
        phase = graph.phases[one]
        if phase.needs and all(_along(edge, key, arm) or edge.phase in inside for edge in phase.needs):
            inside.add(one)
    return tuple(one for one in graph.order if one in inside)


def _along(edge: Edge, key: str, arm: str) -> bool:
    return edge.phase == key and edge.arm == arm
