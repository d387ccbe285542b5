"""Everything that is found in a definition by itself: faults that keep it from being published, and warnings."""

from collections.abc import Iterator

from domain.kernel.pipeline.check_calls import calls_in
from domain.kernel.pipeline.check_expressions import expressions_in, holes_in
from domain.kernel.pipeline.check_flow import inputs_in, joins_in, kinds_in
from domain.kernel.pipeline.check_names import circles_in, edges_in, fallbacks_in, names_in, tasks_twice
from domain.kernel.pipeline.definition import Definition
from domain.kernel.pipeline.expressions import Expressions
from domain.kernel.pipeline.findings import Finding
from domain.kernel.pipeline.places import Scope, scopes_of
from domain.kernel.pipeline.warnings import absent_in, arms_in, effects_in, gates_in, unused_in

FINDINGS_MAX = 200
"""Findings that one look reports."""


def findings_of(definition: Definition, expressions: Expressions) -> tuple[Finding, ...]:
    """Faults first, then warnings, each in the order of the definition; without faults also what may not be meant."""
    scopes = tuple(scopes_of(definition))
    faults = tuple(_faults(definition, scopes, expressions))
    found = faults or tuple(_warnings(definition, scopes, expressions))
    return found[:FINDINGS_MAX]


def _faults(definition: Definition, scopes: tuple[Scope, ...], expressions: Expressions) -> Iterator[Finding]:
    names = tuple(names_in(definition, scopes))
    yield from names
    yield from inputs_in(definition)
    whole = True
    for scope in scopes:
        edges = tuple(edges_in(definition, scope))
        circles = tuple(circles_in(scope))
        whole = whole and not circles
        yield from (*edges, *circles, *fallbacks_in(scope), *tasks_twice(scope), *kinds_in(scope), *holes_in(scope))
        yield from calls_in(definition, scope)
        if not edges and not circles:
            yield from joins_in(scope)
    if whole and not names:  # in a circle nothing comes before anything
        for scope in scopes:
            yield from expressions_in(definition, scope, expressions)


def _warnings(definition: Definition, scopes: tuple[Scope, ...], expressions: Expressions) -> Iterator[Finding]:
    for scope in scopes:
        yield from effects_in(scope)
        yield from gates_in(scope)
        yield from arms_in(scope)
        yield from absent_in(definition, scope, expressions)
    yield from unused_in(definition, scopes, expressions)
