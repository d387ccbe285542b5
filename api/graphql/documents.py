"""Documents, read once: parsed, measured and validated, kept by their text."""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    parse,
    specified_rules,
    validate,
)

from api.graphql.errors import DocumentTooLarge, Refused, WrongOperation
from api.graphql.limits import COST_MAX, DEPTH_MAX, DOCUMENT_BYTES_MAX, TOKENS_MAX, Measure, excess, measure

CACHED_BYTES_MAX: Final = 4_194_304
CACHED_MAX: Final = 1_000
ERRORS_MAX: Final = 5
_RULES: Final = tuple(specified_rules)


class DocumentInvalid(Exception):
    """Control flow: the document breaks the language or does not fit the schema."""

    def __init__(self, errors: list[GraphQLError]) -> None:
        super().__init__("invalid document")
        self.errors = errors


@dataclass(frozen=True, slots=True)
class Document:
    """A document that may be executed."""

    node: DocumentNode
    operations: Mapping[str, OperationType]
    introspects: bool
    meters: bool
    """Whether its cost depends on variables."""

    def require_cost(self, variables: Mapping[str, Any]) -> None:
        """Refuse a page size that makes it too expensive. Raises Refused."""
        if self.meters and measure(self.node, variables).cost > COST_MAX:
            raise Refused(DocumentTooLarge(what="cost", limit=COST_MAX))

    def operation(self, name: str | None) -> OperationType:
        """The kind of the operation that is to be run. Raises Refused."""
        if name is None:
            if len(self.operations) != 1:
                raise Refused(WrongOperation(reason="the document holds none or several, and none is named"))
            return next(iter(self.operations.values()))
        found = self.operations.get(name)
        if found is None:
            raise Refused(WrongOperation(reason="the document has none of that name"))
        return found


class Documents:
    """Bounded by count and by the bytes of their texts; the least recently used goes first."""

    def __init__(self, schema: GraphQLSchema) -> None:
        self._schema = schema
        self._kept: OrderedDict[str, Document] = OrderedDict()
        self._bytes = 0

    def read(self, text: str) -> Document:
        """The document of a text. Raises Refused, DocumentInvalid."""
        found = self._kept.get(text)
        if found is not None:
            self._kept.move_to_end(text)
            return found
        # A text is longer in bytes than in characters, never shorter.
        if len(text) > DOCUMENT_BYTES_MAX or len(text.encode(errors="replace")) > DOCUMENT_BYTES_MAX:
            raise Refused(DocumentTooLarge(what="bytes", limit=DOCUMENT_BYTES_MAX))
        document = self._checked(text)
        self._keep(text, document)
        return document

    def _checked(self, text: str) -> Document:
        node = _parsed(text)
        found = _measured(node)
        refusal = excess(node, found)
        if refusal is None and not found.meters and found.cost > COST_MAX:
            refusal = DocumentTooLarge(what="cost", limit=COST_MAX)
        if refusal is not None:
            raise Refused(refusal)
        errors = validate(self._schema, node, _RULES, max_errors=ERRORS_MAX, hide_suggestions=True)
        if errors:
            raise DocumentInvalid(errors[:ERRORS_MAX])
        operations = {
            one.name.value if one.name else "": one.operation
            for one in node.definitions
            if isinstance(one, OperationDefinitionNode)
        }
        return Document(node, operations, found.introspects, found.meters)

    def _keep(self, text: str, document: Document) -> None:
        self._kept[text] = document
        self._bytes += len(text)
        while len(self._kept) > CACHED_MAX or self._bytes > CACHED_BYTES_MAX:
            gone, _ = self._kept.popitem(last=False)
            self._bytes -= len(gone)


def _measured(node: DocumentNode) -> Measure:
    try:
        return measure(node)
    except RecursionError:
        raise Refused(DocumentTooLarge(what="levels", limit=DEPTH_MAX)) from None


def _parsed(text: str) -> DocumentNode:
    try:
        return parse(text, no_location=True, max_tokens=TOKENS_MAX)
    except GraphQLError as error:
        if f"more than {TOKENS_MAX}" in error.message:
            raise Refused(DocumentTooLarge(what="tokens", limit=TOKENS_MAX)) from None
        raise DocumentInvalid([error]) from None
