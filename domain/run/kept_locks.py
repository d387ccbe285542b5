"""Which work's locks stay shut behind it, because a gate that judges it keeps them."""

from collections.abc import Iterator

from domain.kernel.pipeline.definition import Definition, GatePhase, RepeatPhase, WorkPhase
from domain.kernel.pipeline.graph import Graph, graph_of, key_at
from domain.run.loops import outline_now
from domain.run.state import SETTLED, TERMINAL, Run


def kept_seconds(run: Run, place: str) -> float | None:
    """How long at most the locks of a place stay shut behind its work; None where no gate keeps them.

    Of the phases that a gate comes after those count behind which no other of them comes: whoever is before another
    would shut it out. Items of maps keep nothing, for they would shut out each other.
    """
    if not outline_now(run).keeps_locks:
        return None
    bounds = [gate.gate.keep_locks_seconds or 0.0 for gate in _keeping(run, place)]
    return max(bounds, default=None)


def is_kept(run: Run, place: str, task: str) -> bool:
    """Whether a gate that has not settled keeps the locks of the task at a place."""
    if run.status in TERMINAL or run.phase(place).task != task or not outline_now(run).keeps_locks:
        return False
    before = place.rpartition("/")[0]
    gates = (f"{before}/{gate.key}" if before else gate.key for gate in _keeping(run, place))
    return any(run.phase(gate).status not in SETTLED for gate in gates)


def _keeping(run: Run, place: str) -> Iterator[GatePhase]:
    """Gates that keep the locks of the work at a place."""
    graph, key = _scope(run.queued.definition, place), key_at(place)
    phase = graph.phases.get(key)
    if not isinstance(phase, WorkPhase):
        return
    for one in graph.dependants[key]:
        gate = graph.phases[one]
        if isinstance(gate, GatePhase) and gate.gate.keep_locks_seconds is not None:
            others = {edge.phase for edge in gate.needs if edge.phase in graph.phases}
            if not any(key in graph.ancestors[other] for other in others):
                yield gate


def _scope(definition: Definition, place: str) -> Graph:
    outer = next((one for one in definition.phases if one.key == place.partition("/")[0]), None)
    return graph_of(outer.phases if isinstance(outer, RepeatPhase) and "/" in place else definition.phases)
