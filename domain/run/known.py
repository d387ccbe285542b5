"""What conditions and inputs of a phase may speak of, and what they turn out to say."""

from collections.abc import Iterable, Mapping
from copy import copy
from functools import cached_property
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
        self._run, self._graph, self._key, self._whole = run, graph, key, whole
        self._loop = key.partition("/")[0] if whole or "/" in key else ""
        self._roots = ROOTS | {"iteration", "previous"} if self._loop else ROOTS
        self._item: dict[str, object] = {}
        self._facts: dict[str, object] = {}
        """Of phases that were spoken of, by name."""

    @cached_property
    def _settled(self) -> dict[str, tuple[str, PhaseState]]:
        """Place and state of what has settled before, by the name it is spoken of."""
        run, graph, ancestors = self._run, self._graph, self._graph.ancestors
        outer = ancestors[self._loop or self._key] if self._key else (one for one in graph.order if "/" not in one)
        places = {one: one for one in outer}
        inner = run.phase(self._key).inside if self._whole else ancestors[self._key] if self._loop else ()
        places |= {one.rpartition("/")[2]: one for one in inner}
        found = ((name, place, run.phase(place)) for name, place in sorted(places.items()))
        return {name: (place, phase) for name, place, phase in found if phase.status in SETTLED}

    @cached_property
    def _around(self) -> dict[str, object]:
        """What does not depend on what a text speaks of."""
        if not self._loop:
            return _values(self._run)
        inside = {"iteration": self._run.phase(self._loop).iteration, "previous": _previous(self._run, self._loop)}
        return _values(self._run) | inside

    def tell(self, text: str) -> Said | Flaw:
        """What it says, or why it cannot be told."""
        reading = self._expressions.read(text, self._roots)
        if isinstance(reading, Flaw):
            return reading
        spoken = (*reading.fields, *reading.asked)
        told = self._expressions.tell(text, self._values_of(spoken))
        if isinstance(told, Flaw):
            return told
        found = (self._settled[one] for one in _named(spoken) if one in self._settled)
        reads = (Consumed(place=place, generation=phase.generation) for place, phase in found)
        return Said(told.value, tuple(reads))

    def _values_of(self, spoken: Iterable[tuple[str, ...]]) -> dict[str, object]:
        """Values of the roots, with those phases that a text speaks of: a run has hundreds."""
        wanted = tuple(spoken)
        names = self._settled if ("phases",) in wanted else _named(wanted)
        for name in names:
            if name in self._settled and name not in self._facts:
                self._facts[name] = _facts(self._settled[name][1])
        phases = {name: self._facts[name] for name in names if name in self._facts}
        return self._around | self._item | {"phases": phases}

    def weight(self, text: str) -> int:
        """Values that telling a text of an item looks at beside the item; none where it only names one."""
        reading = self._expressions.read(text, self._roots)
        if isinstance(reading, Flaw) or any(".".join(path) == text.strip() for path in reading.fields):
            return 0
        paths = [path for path in reading.fields if path[0] not in ("item", "index")]
        values = self._values_of(paths)
        return sum(_size(at_path(cast("Tree", values), path)) for path in paths)

    def of_item(self, item: object, index: int) -> "Speaker":
        """The same, where texts may speak of an item of a map as well."""
        other = copy(self)
        other._roots = self._roots | {"item", "index"}
        other._item = {"item": item, "index": index}
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


def _named(spoken: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    """Phases of which paths speak."""
    return tuple(dict.fromkeys(path[1] for path in spoken if len(path) > 1 and path[0] == "phases"))


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
