"""What a document may ask, by one linear rule: every definition is measured once, however often it is spread."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
)

from api.graphql.errors import DocumentTooLarge
from projections.kernel.requests import LIMIT_DEFAULT, LIMIT_MAX

DOCUMENT_BYTES_MAX: Final = 32_768
TOKENS_MAX: Final = 2_000
DEPTH_MAX: Final = 10
INTROSPECTION_DEPTH_MAX: Final = 15
"""The question that tools ask for a whole schema is 14 deep; what it costs is bounded by ``lists``."""
INTROSPECTION_LISTS_MAX: Final = 1
FIELDS_MAX: Final = 500
ALIASES_MAX: Final = 30
"""Aliases, and fields asked once more under the same name in one place: both make validation compare pairs."""
DIRECTIVES_MAX: Final = 20
FRAGMENTS_MAX: Final = 30
OPERATIONS_MAX: Final = 20
COST_MAX: Final = 5_000
LIST_COST: Final = 10
"""Things in a list that is no page, as far as is guessed."""

_CEILING: Final = 1_000_000
"""Counts stop here, so that a bomb of fragments stays a small number."""
_COSTS: Final[Mapping[str, int]] = {"__schema": 2_000, "__type": 100}
_WRITE_COST: Final = 10
_WALKS: Final = frozenset({"standstills", "rowDifferences", "runAttempts", "runCosts", "runDifferences", "runEvents"})
"""Questions that read page after page of their own; the lists inside them have the same names and no arguments."""
_WALKS_WITHOUT_ARGUMENTS: Final = frozenset({"makespan"})
_WALK_COST: Final = 1_000
PAGES: Final = frozenset(
    {
        "attention",
        "runs",
        "gates",
        "proposals",
        "facts",
        "tasks",
        "sessions",
        "inbox",
        "locks",
        "lockRequests",
        "notes",
        "pools",
        "quotas",
        "pipelineDefinitions",
        "nodes",
        "rowDifferences",
        "runAttempts",
        "runCosts",
        "runDifferences",
        "runEvents",
        "timeline",
        "events",
        "projects",
        "keys",
        "checkpoints",
    }
)
LISTS: Final = frozenset(
    {
        "annotations",
        "artifacts",
        "attempts",
        "blockers",
        "bookmarks",
        "causes",
        "changes",
        "claims",
        "consumed",
        "counts",
        "cut",
        "delivered",
        "effects",
        "failed",
        "fenced",
        "generations",
        "grants",
        "phases",
        "votes",
        "members",
        "models",
        "needs",
        "parked",
        "projections",
        "reasons",
        "resources",
        "scope",
        "siblings",
        "standstills",
        "steps",
    }
)
"""Lists of things with fields of their own."""
_SCHEMA_LISTS: Final = frozenset({"fields", "inputFields", "interfaces", "possibleTypes"})


@dataclass(slots=True)
class Measure:
    """What a selection asks, with its fragments spread."""

    depth: int = 0
    fields: int = 0
    aliases: int = 0
    directives: int = 0
    lists: int = 0
    """Lists of the schema's own types, one inside the other."""
    introspects: bool = False
    meters: bool = False
    """Whether a variable says how large a page is, so that the cost depends on the request."""
    cost: int = 0

    def add(self, other: "Measure") -> None:
        """Take in what stands beside."""
        self.depth = max(self.depth, other.depth)
        self.fields = min(_CEILING, self.fields + other.fields)
        self.aliases = min(_CEILING, self.aliases + other.aliases)
        self.directives = min(_CEILING, self.directives + other.directives)
        self.lists = max(self.lists, other.lists)
        self.introspects = self.introspects or other.introspects
        self.meters = self.meters or other.meters
        self.cost = min(_CEILING, self.cost + other.cost)


@dataclass(slots=True)
class _Walk:
    fragments: Mapping[str, FragmentDefinitionNode]
    variables: Mapping[str, Any]
    known: dict[str, Measure] = field(default_factory=dict[str, Measure])
    open: set[str] = field(default_factory=set[str])

    def selection(self, selection: SelectionSetNode) -> Measure:
        total = Measure()
        names: set[str] = set()
        for node in selection.selections:
            total.directives += len(node.directives or ())
            if isinstance(node, FieldNode):
                name = (node.alias or node.name).value
                total.aliases += 1 if node.alias is not None or name in names else 0
                names.add(name)
                total.add(self.field(node))
            elif isinstance(node, InlineFragmentNode):
                total.add(self.selection(node.selection_set))
            elif isinstance(node, FragmentSpreadNode):
                total.add(self.fragment(node.name.value))
        return total

    def fragment(self, name: str) -> Measure:
        """Measured once; a cycle counts as nothing here and is refused by the specification's own rule."""
        found = self.known.get(name)
        if found is None:
            node = self.fragments.get(name)
            if node is None or name in self.open:
                return Measure()
            self.open.add(name)
            found = self.known[name] = self.selection(node.selection_set)
            found.directives += len(node.directives or ())
            self.open.discard(name)
        return found

    def field(self, node: FieldNode) -> Measure:
        name = node.name.value
        own = Measure(depth=1, fields=1, introspects=name in _COSTS, cost=_COSTS.get(name, 0))
        if node.selection_set is None:
            return own
        inner = self.selection(node.selection_set)
        own.meters = inner.meters
        own.lists = inner.lists + (1 if name in _SCHEMA_LISTS else 0)
        times = self._rows(node, own) if name in PAGES else LIST_COST if name in LISTS else 1
        # One for each thing; its plain fields are free.
        own.cost = own.cost or min(_CEILING, times * (1 + inner.cost))
        walks = name in _WALKS_WITHOUT_ARGUMENTS or (name in _WALKS and node.arguments)
        own.cost += _WALK_COST if walks else 0
        own.depth += inner.depth
        own.fields += inner.fields
        own.aliases, own.directives = inner.aliases, inner.directives
        own.introspects = own.introspects or inner.introspects
        return own

    def _rows(self, node: FieldNode, own: Measure) -> int:
        for argument in node.arguments or ():
            if argument.name.value == "first":
                own.meters = own.meters or isinstance(argument.value, VariableNode)
                return _size(argument.value, self.variables)
        return LIMIT_DEFAULT


def measure(document: DocumentNode, variables: Mapping[str, Any] | None = None) -> Measure:
    """The most that any operation of the document asks; fragments that nobody spreads count, too.

    Linear in the document's length, since each fragment is measured once. Raises RecursionError where fragments lead
    to more levels than Python's own stack has.
    """
    fragments = {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}
    walk = _Walk(fragments, _defaults(document) | dict(variables or {}))
    most = Measure()
    for node in document.definitions:
        if isinstance(node, OperationDefinitionNode):
            found = walk.selection(node.selection_set)
            found.directives += len(node.directives or ())
            found.directives += sum(len(one.directives or ()) for one in node.variable_definitions or ())
            if node.operation.value != "query":
                found.cost = min(_CEILING, found.cost + _WRITE_COST * len(node.selection_set.selections))
            _raise_to(most, found)
    for name in fragments:
        _raise_to(most, walk.fragment(name))
    return most


def excess(document: DocumentNode, found: Measure) -> DocumentTooLarge | None:
    """The first limit that the document goes beyond; its cost is judged with the request."""
    operations = sum(isinstance(node, OperationDefinitionNode) for node in document.definitions)
    depth_max = INTROSPECTION_DEPTH_MAX if found.introspects else DEPTH_MAX
    limits = (
        ("levels", found.depth, depth_max),
        ("fields", found.fields, FIELDS_MAX),
        ("aliases", found.aliases, ALIASES_MAX),
        ("directives", found.directives, DIRECTIVES_MAX),
        ("nested lists of the schema", found.lists if found.introspects else 0, INTROSPECTION_LISTS_MAX),
        ("fragments", len(document.definitions) - operations, FRAGMENTS_MAX),
        ("operations", operations, OPERATIONS_MAX),
    )
    return next((DocumentTooLarge(what=what, limit=limit) for what, is_, limit in limits if is_ > limit), None)


def _defaults(document: DocumentNode) -> dict[str, Any]:
    """Whole numbers that stand for variables which are not given; the largest where operations differ."""
    found: dict[str, Any] = {}
    for node in document.definitions:
        if isinstance(node, OperationDefinitionNode):
            for one in node.variable_definitions or ():
                if isinstance(one.default_value, IntValueNode):
                    name = one.variable.name.value
                    found[name] = max(found.get(name, 0), _size(one.default_value, {}))
    return found


def _raise_to(most: Measure, found: Measure) -> None:
    most.depth, most.fields = max(most.depth, found.depth), max(most.fields, found.fields)
    most.aliases, most.cost = max(most.aliases, found.aliases), max(most.cost, found.cost)
    most.directives, most.lists = max(most.directives, found.directives), max(most.lists, found.lists)
    most.introspects, most.meters = most.introspects or found.introspects, most.meters or found.meters


def _size(value: Any, variables: Mapping[str, Any]) -> int:
    found: Any = None
    if isinstance(value, VariableNode):
        found = variables.get(value.name.value, LIMIT_MAX)
    elif isinstance(value, IntValueNode):
        # A text of many digits would be refused by Python itself.
        found = int(value.value[:10])
    return max(1, min(found, LIMIT_MAX)) if isinstance(found, int) else LIMIT_MAX
