"""What a phase that went wrong means for its run: whether an edge takes it, whether something made up for it."""

from collections.abc import Iterator

from domain.kernel.pipeline.flow import Edge
from domain.kernel.pipeline.graph import Graph
from domain.run.state import Run


def is_final_failure(run: Run, graph: Graph, place: str) -> bool:
    """Whether it failed and no edge takes a failure."""
    if run.phase(place).status != "failed" or graph.phases[place].optional:
        return False
    return not any("failed" in edge.accept for _, edge in _edges_from(graph, place))


def is_unhandled(run: Run, graph: Graph, place: str) -> bool:
    """Whether it went wrong and nothing made up for it."""
    state = run.phase(place)
    if state.status not in ("failed", "cancelled") or graph.phases[place].optional or state.dropped:
        return False
    return not any(
        state.status in edge.accept and run.phase(dependant).status == "succeeded"
        for dependant, edge in _edges_from(graph, place)
    )


def _edges_from(graph: Graph, place: str) -> Iterator[tuple[str, Edge]]:
    for dependant in graph.dependants[place]:
        for edge in graph.phases[dependant].needs:
            if edge.phase == place and edge.arm is None:
                yield dependant, edge
