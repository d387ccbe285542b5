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
from domain.run.state import SETTLED, Run

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

    def __init__(self, run: Run, graph: Graph, key: str, expressions: Expressions) -> None:
        self._expressions = expressions
        self._roots = ROOTS
        self._settled = {
            one: run.phase(one) for one in sorted(graph.ancestors[key]) if run.phase(one).status in SETTLED
        }
        self._values = _values(run) | {
            "phases": {
                one: {
                    "outcome": phase.status,
                    "arm": phase.arm,
                    "generation": phase.generation,
                    "output": orjson.loads(phase.output) if phase.output else None,
                }
                for one, phase in self._settled.items()
            }
        }

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
        reads = (Consumed(place=one, generation=self._settled[one].generation) for one in named if one in self._settled)
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
        other._roots = ROOTS | {"item", "index"}
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
