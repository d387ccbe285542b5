"""What conditions and inputs of a phase may speak of, and what they turn out to say."""

from collections.abc import Mapping
from copy import copy
from typing import NamedTuple, cast

import orjson

from domain.kernel.past.trees import Tree, at_path
from domain.kernel.pipeline.expressions import Expressions, Flaw
from domain.kernel.pipeline.graph import Graph
from domain.kernel.pipeline.words import Binding
from domain.run.events import Consumed
from domain.run.state import SETTLED, PhaseState, Run

ROOTS = frozenset({"inputs", "run", "phases"})


class Said(NamedTuple):
    """What a text says, and of which phases it spoke."""

    value: object
    reads: tuple[Consumed, ...]


class Bound(NamedTuple):
    """What bindings say together, by name."""

    values: dict[str, object]
    reads: tuple[Consumed, ...]


class Speaker:
    """Tells texts for one phase of a run."""

    def __init__(self, run: Run, graph: Graph, key: str, expressions: Expressions, *, whole: bool = False) -> None:
        """``whole`` is for texts of a loop itself, which speak of all that is inside of it. Without a key it is the
        definition that speaks, of all its phases."""
        self._expressions = expressions
        self._roots = ROOTS
        loop = key.partition("/")[0] if whole or "/" in key else ""
        outer = graph.ancestors[loop or key] if key else (one for one in graph.order if "/" not in one)
        places = {one: one for one in outer}
        inner = run.phase(key).inside if whole else graph.ancestors[key] if loop else ()
        places |= {one.rpartition("/")[2]: one for one in inner}
        self._settled = {
            name: (place, run.phase(place))
            for name, place in sorted(places.items())
            if run.phase(place).status in SETTLED
        }
        phases = {name: _facts(phase) for name, (_, phase) in self._settled.items()}
        self._values = _values(run) | {"phases": phases}
        if loop:
            self._roots = ROOTS | {"iteration", "previous"}
            self._values |= {"iteration": run.phase(loop).iteration, "previous": _previous(run, loop)}

    def tell(self, text: str) -> Said | Flaw:
        """What it says, or why it cannot be told."""
        reading = self._expressions.read(text, self._roots)
        if isinstance(reading, Flaw):
            return reading
        told = self._expressions.tell(text, self._values)
        if isinstance(told, Flaw):
            return told
        spoken = (*reading.fields, *reading.asked)
        named = dict.fromkeys(path[1] for path in spoken if len(path) > 1 and path[0] == "phases")
        found = (self._settled[one] for one in named if one in self._settled)
        reads = (Consumed(place=place, generation=phase.generation) for place, phase in found)
        return Said(told.value, tuple(reads))

    def weight(self, text: str) -> int:
        """Values that telling a text of an item looks at beside the item; none where it only names one."""
        reading = self._expressions.read(text, self._roots)
        if isinstance(reading, Flaw) or any(".".join(path) == text.strip() for path in reading.fields):
            return 0
        paths = (path for path in reading.fields if path[0] not in ("item", "index"))
        return sum(_size(at_path(cast("Tree", self._values), path)) for path in paths)

    def of_item(self, item: object, index: int) -> "Speaker":
        """The same, where texts may speak of an item of a map as well."""
        other = copy(self)
        other._roots = self._roots | {"item", "index"}
        other._values = self._values | {"item": item, "index": index}
        return other

    def bound(self, bindings: tuple[Binding, ...]) -> Bound | Flaw:
        """The mapping that bindings make; the flaw names the first that cannot be told."""
        values: dict[str, object] = {}
        reads: dict[str, Consumed] = {}
        for binding in bindings:
            said = self.tell(binding.value)
            if isinstance(said, Flaw):
                return Flaw(said.kind, f"{binding.name}: {said.reason}")
            values[binding.name] = said.value
            reads |= {one.place: one for one in said.reads}
        return Bound(values, tuple(reads.values()))


def _size(value: object) -> int:
    """Values inside of a value, itself included."""
    if isinstance(value, dict):
        return 1 + sum(map(_size, cast("dict[str, object]", value).values()))
    return 1 + sum(map(_size, cast("list[object]", value))) if isinstance(value, list) else 1


def _facts(phase: PhaseState) -> dict[str, object]:
    return {
        "outcome": phase.status,
        "arm": phase.arm,
        "generation": phase.generation,
        "output": orjson.loads(phase.output) if phase.output else None,
    }


def _previous(run: Run, loop: str) -> dict[str, object]:
    """The iteration before, by keys of its phases; empty in the first."""
    state = run.phase(loop)
    if state.iteration < 2:
        return {}
    keys = (place.rpartition("/")[2] for place in state.inside)
    return {key: _facts(run.phase(f"{loop}/{state.iteration - 1}/{key}")) for key in keys}


def _values(run: Run) -> dict[str, object]:
    queued = run.queued
    inputs: Mapping[str, object] = orjson.loads(queued.inputs) if queued.inputs else {}
    facts = {
        "id": queued.run,
        "project": queued.project,
        "pipeline": queued.pipeline,
        "version": queued.version,
        "started_by": queued.by,
        "correlation_key": queued.correlation_key,
        "labels": list(queued.labels),
    }
    return {"inputs": inputs, "run": facts}
