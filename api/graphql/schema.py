"""The schema: queries, mutations and subscriptions, as strawberry makes it and graphql-core runs it."""

import inspect
from typing import Any, Final

import strawberry
from graphql import GraphQLObjectType, GraphQLSchema, GraphQLUnionType, print_schema
from strawberry.schema.config import StrawberryConfig

from api.graphql.messages import Messages
from api.graphql.mutations import create_mutation
from api.graphql.operations import operations
from api.graphql.queries import Query
from api.graphql.scalars import SCALARS
from api.graphql.subscriptions import Subscription

FILE: Final = "schema.graphql"
"""Where the schema is written down, beside this module."""


def create_schema() -> GraphQLSchema:
    """The executable schema."""
    made = strawberry.Schema(
        query=Query,
        mutation=create_mutation(Messages(), operations()),
        subscription=Subscription,
        config=StrawberryConfig(scalar_map=SCALARS, disable_field_suggestions=True),
    )
    # What strawberry converted is an attribute that it has no public name for.
    holder: Any = made
    found: GraphQLSchema = holder._schema
    _describe(found)
    for kind in found.type_map.values():
        if isinstance(kind, GraphQLUnionType):
            _remember_kinds(kind)
    return found


def _remember_kinds(union: GraphQLUnionType) -> None:
    """Which of its types an answer is follows from its class: strawberry tries all of them each time."""
    union_of: Any = union
    find, known = union_of.resolve_type, dict[type, str]()

    def resolve_type(value: object, info: Any, abstract: GraphQLUnionType) -> str:
        found = known.get(type(value))
        if found is None:
            found = known[type(value)] = find(value, info, abstract)
        return found

    union_of.resolve_type = resolve_type


def _describe(schema: GraphQLSchema) -> None:
    """Docstrings become descriptions: what explains the code explains the schema."""
    for kind in schema.type_map.values():
        definition: Any = kind.extensions.get("strawberry-definition")
        words = inspect.getdoc(getattr(definition, "origin", None) or getattr(definition, "wrapped_cls", None)) or ""
        if kind.description is None and words and not words.startswith(f"{kind.name}("):
            kind.description = " ".join(words.split())
        if isinstance(kind, GraphQLObjectType):
            for field in kind.fields.values():
                resolver = getattr(field.extensions.get("strawberry-definition"), "base_resolver", None)
                if field.description is None and resolver is not None:
                    field.description = inspect.getdoc(resolver.wrapped_func)


def schema_text() -> str:
    """The schema in its own language."""
    return print_schema(create_schema()) + "\n"
