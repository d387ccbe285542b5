"""Where the phases of a definition stand in a drawing: in layers, each below all that it comes after."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from domain.kernel.graphs import depths_of, order_of
from domain.kernel.pipeline.definition import AnyPhase, RepeatPhase

LEAF_WIDTH: Final = 170
LEAF_HEIGHT: Final = 44
GAP_ACROSS: Final = 26
GAP_DOWN: Final = 48
MARGIN: Final = 16
HEADER: Final = 34
BEND_WIDTH: Final = 14
SWEEPS: Final = 6


@dataclass(frozen=True, slots=True)
class Box:
    """One phase, its corner and its size; a loop holds the drawing of its phases."""

    phase: AnyPhase
    x: float
    y: float
    width: float
    height: float
    inside: "Drawing | None" = None

    @property
    def middle(self) -> float:
        return self.x + self.width / 2


@dataclass(frozen=True, slots=True)
class Line:
    """An edge: points from above to below, and the arm that it follows."""

    points: tuple[tuple[float, float], ...]
    arm: str
    accepts: str
    """Outcomes, where they are not just ``succeeded``."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """Boxes and lines of one scope, from its own corner."""

    boxes: Mapping[str, Box]
    lines: tuple[Line, ...]
    width: float
    height: float


@dataclass(slots=True)
class _Node:
    """A phase, or a bend of an edge that passes a layer."""

    key: str
    layer: int
    width: float
    height: float
    x: float = 0.0

    @property
    def middle(self) -> float:
        return self.x + self.width / 2


def drawing_of(phases: Sequence[AnyPhase]) -> Drawing:
    """The drawing of a sound scope. The same phases give the same drawing."""
    inner = {phase.key: drawing_of(phase.phases) for phase in phases if isinstance(phase, RepeatPhase)}
    nodes, chains = _nodes(phases, inner)
    layers = _layers(nodes, chains)
    width = _across(layers)
    tops, height = _down(layers)
    boxes = {
        phase.key: Box(
            phase,
            nodes[phase.key].x,
            tops[nodes[phase.key].layer],
            nodes[phase.key].width,
            nodes[phase.key].height,
            inner.get(phase.key),
        )
        for phase in phases
    }
    lines = tuple(_line(phases, chain, nodes, boxes, tops) for chain in chains)
    return Drawing(boxes, lines, width, height)


_Chain = tuple[int, int, tuple[str, ...]]
"""Number of the phase, of its edge, and the nodes that the edge goes through."""


def _nodes(phases: Sequence[AnyPhase], inner: Mapping[str, Drawing]) -> tuple[dict[str, _Node], list[_Chain]]:
    number = {phase.key: index for index, phase in enumerate(phases)}
    needs = [sorted({number[edge.phase] for edge in phase.needs if edge.phase in number}) for phase in phases]
    depths = depths_of(needs, order_of(needs))
    nodes: dict[str, _Node] = {}
    for phase, depth in zip(phases, depths, strict=True):
        inside = inner.get(phase.key)
        width = LEAF_WIDTH if inside is None else max(LEAF_WIDTH, inside.width)
        height = LEAF_HEIGHT if inside is None else inside.height + HEADER
        nodes[phase.key] = _Node(phase.key, depth - 1, width, height)
    chains: list[_Chain] = []
    for index, phase in enumerate(phases):
        for place, edge in enumerate(phase.needs):
            if edge.phase not in number:
                continue
            passed = range(depths[number[edge.phase]], depths[index] - 1)
            bends = [f"{edge.phase}>{phase.key}>{place}>{layer}" for layer in passed]
            for bend, layer in zip(bends, passed, strict=True):
                nodes[bend] = _Node(bend, layer, BEND_WIDTH, 0)
            chains.append((index, place, (edge.phase, *bends, phase.key)))
    return nodes, chains


def _layers(nodes: Mapping[str, _Node], chains: Sequence[_Chain]) -> list[list[_Node]]:
    """Nodes by layer, sorted so that lines cross little: each to the middle of its neighbours, up and down in turn."""
    layers: list[list[_Node]] = [[] for _ in range(1 + max(node.layer for node in nodes.values()))]
    for node in nodes.values():
        layers[node.layer].append(node)
    above: dict[str, list[str]] = {}
    below: dict[str, list[str]] = {}
    for _, _, chain in chains:
        for upper, lower in pairwise(chain):
            above.setdefault(lower, []).append(upper)
            below.setdefault(upper, []).append(lower)
    for sweep in range(SWEEPS):
        place = {node.key: (index + 0.5) / len(layer) for layer in layers for index, node in enumerate(layer)}
        neighbours = above if sweep % 2 == 0 else below
        for layer in layers:
            layer.sort(key=lambda node: _mean([place[one] for one in neighbours.get(node.key, ())], place[node.key]))
            place |= {node.key: (index + 0.5) / len(layer) for index, node in enumerate(layer)}
    return layers


def _mean(values: Sequence[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise


def _across(layers: Sequence[Sequence[_Node]]) -> float:
    """Each layer side by side and in the middle; returns the width of all."""
    widths = [sum(node.width for node in layer) + GAP_ACROSS * (len(layer) - 1) for layer in layers]
    whole = max(widths)
    for layer, width in zip(layers, widths, strict=True):
        x = MARGIN + (whole - width) / 2
        for node in layer:
            node.x = x
            x += node.width + GAP_ACROSS
    return whole + 2 * MARGIN


def _down(layers: Sequence[Sequence[_Node]]) -> tuple[list[float], float]:
    tops: list[float] = []
    y = float(MARGIN)
    for layer in layers:
        tops.append(y)
        y += max(node.height for node in layer) + GAP_DOWN
    return tops, y - GAP_DOWN + MARGIN


def _line(
    phases: Sequence[AnyPhase],
    chain: _Chain,
    nodes: Mapping[str, _Node],
    boxes: Mapping[str, Box],
    tops: Sequence[float],
) -> Line:
    index, place, (source, *bends, target) = chain
    edge = phases[index].needs[place]
    points = [(boxes[source].middle, boxes[source].y + boxes[source].height)]
    for bend in bends:
        node = nodes[bend]
        points += [(node.middle, tops[node.layer]), (node.middle, tops[node.layer + 1] - GAP_DOWN)]
    points.append((boxes[target].middle, boxes[target].y))
    accepts = "" if edge.accept == ("succeeded",) else ", ".join(edge.accept)
    return Line(tuple(points), edge.arm or "", accepts)
