"""The queries of the command line fit the schema that the server publishes."""

import pytest
from graphql import GraphQLSchema, build_schema, parse, validate

from api.cli import queries
from api.cli.worker import idle
from signalbox.hook import asking, context, desk, holdings
from tests.house.sources import ROOT

QUERIES = {name: text for name, text in vars(queries).items() if name.isupper() and not name.startswith("_")}


@pytest.fixture(scope="module")
def schema() -> GraphQLSchema:
    return build_schema((ROOT / "api" / "graphql" / "schema.graphql").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    "query",
    [*QUERIES.values(), idle.QUERY, context.QUERY, holdings.QUERY, asking.HEAD, desk.PROJECTS],
    ids=[*QUERIES, "idle", "context", "holdings", "head", "projects"],
)
def test_a_query_fits_the_schema(schema: GraphQLSchema, query: str) -> None:
    assert validate(schema, parse(query)) == []
