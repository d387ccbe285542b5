"""Faults in how definitions call others: what can be seen without knowing those."""

from collections.abc import Iterator

from domain.kernel.pipeline.definition import Definition
from domain.kernel.pipeline.findings import Finding, fault
from domain.kernel.pipeline.places import Scope, calls_of


def calls_in(definition: Definition, scope: Scope) -> Iterator[Finding]:
    """A pipeline that is inside of itself without a bound: its runs would be parked there."""
    for path, key, call in calls_of(scope):
        if call.pipeline == definition.name and not call.recursive_depth_max:
            message = f"it calls {definition.name}, which it belongs to itself"
            advice = "Say with `recursive_depth_max` how often it may be inside of itself, or call another pipeline."
            yield fault("cycle", (*path, "pipeline"), key, message, advice)
